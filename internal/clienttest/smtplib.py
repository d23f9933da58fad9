"""Sends one message with smtplib; the settings come as JSON on stdin."""
import json
import smtplib
import ssl
import sys

to = json.load(sys.stdin)
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
if to["tls"] == "implicit":
    s = smtplib.SMTP_SSL(to["host"], to["port"], context=context)
else:
    s = smtplib.SMTP(to["host"], to["port"])
with s:
    if to["tls"] == "starttls":
        s.starttls(context=context)
    s.ehlo()
    if to["user"] and to["mechanism"]:
        s.user, s.password = to["user"], to["password"]
        method = getattr(s, "auth_" + to["mechanism"].lower())
        s.auth(to["mechanism"], method, initial_response_ok=not to["late"])
    elif to["user"]:
        s.login(to["user"], to["password"], initial_response_ok=not to["late"])
    options = ["BODY=8BITMIME"]
    if not all(a.isascii() for a in [to["from"]] + to["to"]):
        options.append("SMTPUTF8")
    with open(to["file"], "rb") as message:
        refused = s.sendmail(to["from"], to["to"], message.read(), mail_options=options)
    if refused:
        sys.exit(repr(refused))
