// Sends one message with nodemailer; the settings come as JSON on stdin.
const fs = require("fs");
const nodemailer = require("nodemailer");

const to = JSON.parse(fs.readFileSync(0, "utf8"));
const transport = nodemailer.createTransport({
  host: to.host,
  port: to.port,
  secure: to.tls === "implicit",
  requireTLS: to.tls === "starttls",
  ignoreTLS: to.tls === "none",
  tls: { rejectUnauthorized: false },
  auth: to.user ? { user: to.user, pass: to.password } : undefined,
  authMethod: to.mechanism || undefined,
});
transport
  .sendMail({ envelope: { from: to.from, to: to.to }, raw: fs.readFileSync(to.file) })
  .then((info) => console.log(info.response))
  .catch((err) => {
    console.error(err.message);
    process.exitCode = 1;
  })
  .finally(() => transport.close());
