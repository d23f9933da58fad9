package mailer

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/internal/relay"
	"traymail/keystore"
	"traymail/smtp"
)

// An AccountError says which account an error concerns.
type AccountError struct {
	Account  string // its name
	Username string
	SignIn   account.SignIn // how it proves who it is
	Err      error
	// Warnings are what the account's access token says that may explain it.
	Warnings []Warning
}

func (e *AccountError) Error() string { return "account " + e.Account + ": " + e.Err.Error() }

// Unwrap returns what happened.
func (e *AccountError) Unwrap() error { return e.Err }

func about(a *account.Account, err error) error {
	return &AccountError{Account: a.Name, Username: a.Username, SignIn: a.SignIn, Err: err}
}

// Fix says what to do about an error of this package, in one line, in the words
// of the portals. It is "" when the error's own text says so already, or when
// nothing is known that would help.
func Fix(err error) string {
	concern := &AccountError{Account: "ACCOUNT", Username: "USERNAME"}
	errors.As(err, &concern)
	what := fix(err, concern.SignIn)
	if reply, ok := errors.AsType[*smtp.Error](err); ok && reply.Op == smtp.OpAUTH && reply.Code == 535 && len(concern.Warnings) > 0 &&
		(what == "" || strings.Contains(serverText(reply), badIdentity)) {
		// What the token says is more certain than what the refusal may mean.
		w := concern.Warnings[0]
		said := "the access token says: " + w.Text
		if w.Fix != "" {
			said += "; " + w.Fix
		}
		if what != "" {
			said += "; when that is not it: " + what
		}
		what = said
	}
	return strings.NewReplacer("{account}", concern.Account, "{username}", concern.Username).Replace(what)
}

// fix is Fix with the account's name and username left open.
func fix(err error, signIn account.SignIn) string {
	var (
		remote   *RemoteError
		field    *account.FieldError
		oauth    *authcode.Error
		reply    *smtp.Error
		listener *authcode.NoListenerError
		port     *authcode.PortError
		opener   *authcode.OpenError
		late     *authcode.TimeoutError
		refusal  *graph.Error
	)
	switch {
	case errors.As(err, &remote): // its text may hold what the others look for
		return remote.FixText
	case errors.As(err, &field):
		return field.Fix
	case errors.As(err, &oauth) && oauth.SignInAgain():
		return oauthFix(oauth)
	case errors.As(err, &reply) && reply.Code != 0: // its text is somebody else's
		return replyFix(serverText(reply), signIn)
	case errors.As(err, &refusal) && refusal.Op != graph.OpToken:
		return graphFix(refusal)
	case errors.Is(err, account.ErrNotFound):
		return "see the accounts there are: traymail account ls"
	case errors.Is(err, ErrNoClient):
		return "see the clients there are: traymail client ls"
	case errors.Is(err, ErrNoMessage):
		return "see the messages there are: traymail queue ls --all"
	case errors.Is(err, ErrQueueFull):
		return "deliver or remove messages, raise the limits under [queue] in traymail.toml, or free the disk; the message was not taken"
	case diskFull(err):
		return "free space on the disk, then try again; nothing was changed"
	case errors.Is(err, keystore.ErrUnavailable):
		return keystoreFix(err)
	case errors.Is(err, authcode.ErrNotSignedIn):
		return signInAgain
	case errors.As(err, &listener), errors.As(err, &opener):
		return "sign in by pasting: traymail login {account} --paste"
	case errors.As(err, &port):
		return "free the port, or sign in by pasting: traymail login {account} --paste"
	case errors.As(err, &late):
		return "compare the settings with the app registration, traymail account show {account}, then sign in again: traymail login {account}"
	case errors.As(err, &oauth):
		return oauthFix(oauth)
	}
	return ""
}

// Temporary reports whether the same attempt may succeed later, although
// nobody changes a setting: nothing was accepted, and nothing is known to be
// wrong with the message or the account.
func Temporary(err error) bool {
	var remote *RemoteError
	var oauth *authcode.Error
	var reply *smtp.Error
	var refusal *relay.Refusal
	var graphs *graph.Error
	var database *pgconn.ConnectError
	switch {
	case errors.As(err, &remote):
		return remote.TemporaryFlag
	case errors.As(err, &oauth): // a session that got no token has it as its cause
		return oauth.Temporary()
	case errors.As(err, &reply) && (reply.Code != 0 || reply.Unknown):
		// Of an unknown outcome this is false: sent again, it may arrive twice.
		return reply.Temporary()
	case errors.Is(err, keystore.ErrUnavailable), errors.Is(err, ErrQueueInUse), errors.Is(err, ErrQueueFull), errors.Is(err, ErrStopping), errors.As(err, &database), diskFull(err):
		return true
	case errors.As(err, &refusal):
		return refusal.Temporary()
	case errors.As(err, &graphs):
		return graphs.Temporary()
	}
	return reply != nil && reply.Temporary()
}

// diskFull goes by the text, because what replaces files in one step passes on
// no more. Unix and Windows each have their own.
func diskFull(err error) bool {
	return strings.Contains(err.Error(), "no space left on device") || strings.Contains(err.Error(), "not enough space on the disk")
}

func keystoreFix(err error) string {
	if strings.Contains(err.Error(), "encrypted file") {
		return "make its key available, as [keystore] in traymail.toml names it, and try again; nothing was changed"
	}
	return "unlock the keychain, or log in to the desktop, and try again; nothing was deleted. On a machine without a keychain choose the encrypted file: docs/configuration.md, [keystore]"
}

const signInAgain = "sign in: traymail login {account}"

// Entra's numbers are hints for people; what the program does depends on the
// OAuth error alone.
var entraFixes = map[int]string{
	50011:   "add the redirect URL to the app registration: Authentication → Add a platform; Mobile and desktop applications for a public registration, Web for one with a secret",
	50034:   "correct the account's username or tenant: this person is not in the tenant",
	50053:   "wait, the account is locked after wrong passwords; Entra ID → Sign-in logs shows why",
	50055:   "change the expired password at https://myaccount.microsoft.com, then sign in again",
	50057:   "an administrator enables the account: Users → Active users → the user → Unblock sign-in",
	50059:   "set the account's tenant to the Directory (tenant) ID of the Overview page",
	50194:   "set the account's tenant to the Directory (tenant) ID: the app is registered for one tenant only",
	53003:   "a Conditional Access policy blocks this sign-in: Entra ID → Sign-in logs → Conditional Access names it",
	65001:   "grant the permissions: sign in again and accept them, or an administrator chooses API permissions → Grant admin consent",
	65004:   "sign in again and accept the permissions, or ask an administrator to grant admin consent",
	70011:   "correct smtp_scope: https://outlook.office.com/SMTP.Send",
	90002:   "correct the account's tenant: no directory has this ID or domain",
	90094:   "an administrator grants consent: Enterprise applications → the app → Permissions → Grant admin consent",
	700016:  "correct the client ID or the tenant: copy both from the app registration's Overview page",
	700027:  "upload the certificate that the account has, Certificates & secrets → Certificates, or have one made and upload that: traymail account edit {account} --make-certificate FILE; a federated token's issuer must publish the key it signs with",
	700025:  "the app is registered as a public client: set registration = \"public\", or register the redirect URL under the Web platform",
	7000112: "an administrator enables the app: Enterprise applications → the app → Properties → Enabled for users to sign in",
	7000215: "copy the client secret's Value, not its Secret ID, and store it: traymail account edit {account} --secret-stdin",
	7000218: "the app is registered as a Web client: set registration = \"web\" and store its client secret, or register http://localhost under Mobile and desktop applications",
	7000222: "the client secret has expired: make a new one under Certificates & secrets and store its Value: traymail account edit {account} --secret-stdin",
}

func oauthFix(e *authcode.Error) string {
	if fix, ok := entraFixes[e.AADSTS]; ok {
		return fix
	}
	switch {
	case e.SignInAgain():
		return signInAgain
	case e.Code == "access_denied":
		return "sign in again and accept the permissions, or ask an administrator to grant admin consent"
	}
	return ""
}

// Exchange's refusals by their sentence, because several share a number.
var smtpFixes = []struct{ text, fix string }{
	{"SmtpClientAuthentication is disabled for the Tenant", "an Exchange administrator turns SMTP AUTH on for the mailbox: Users → Active users → the user → Mail → Manage email apps → Authenticated SMTP, or Set-CASMailbox {username} -SmtpClientAuthenticationDisabled $false; it takes effect within an hour"},
	{"SmtpClientAuthentication is disabled for the Mailbox", "an Exchange administrator turns it on: Users → Active users → the user → Mail → Manage email apps → Authenticated SMTP, or Set-CASMailbox {username} -SmtpClientAuthenticationDisabled $false; it takes effect within an hour"},
	{"did not meet the criteria to be authenticated", "a Conditional Access or authentication policy blocks it: Entra ID → Sign-in logs of {username} shows which"},
	{"SendAsDenied", "give {username} the permission Send As on the sender's mailbox: Add-RecipientPermission SENDER -AccessRights SendAs -Trustee {username}; it takes effect within about an hour"},
	{"does not have permissions to send as this sender", "give {username} the permission Send As on the sender's mailbox: Add-RecipientPermission SENDER -AccessRights SendAs -Trustee {username}"},
	{badIdentity, "the username must be the account that signed in ({username}), not a shared mailbox; the token must be for SMTP (smtp_scope); a permission granted just now takes up to an hour"},
	{"432 4.3.2", "wait: Exchange takes three connections of a mailbox at a time"},
	{"SubmissionQuotaExceeded", "wait: {username} has reached Exchange's limit of recipients a day; it is lifted 24 hours later"},
	{"QuotaExceeded", "the mailbox of {username} is full: its Sent Items take the space"},
	{"5.2.270", "send less at once: after its conversion the message is larger than the mailbox may send"},
	{"account locked", "an administrator unlocks {username}: Entra ID → Sign-in logs shows why it was locked"},
	{"account has an issue", "an administrator looks at {username}: Entra ID → Sign-in logs names the issue"},
	{"federated STS", "an administrator looks at the federation service (AD FS) of the domain of {username}: Exchange cannot use it"},
	{"bad outbound sender", "an administrator releases {username}: https://security.microsoft.com → Email & collaboration → Review → Restricted entities"},
	{"OutboundSpamException", "sign in at https://outlook.com as {username} and follow the message in its Inbox that asks to verify the account"},
	{"5.7.30", noPasswords},
	{"basic authentication is disabled", noPasswords},
	{"user credentials were incorrect", "store the right password, traymail account edit {account} --secret-stdin, or an app password where the account has multi-factor authentication"},
}

// noPasswords is what to do where passwords are no longer taken.
const noPasswords = "passwords are no longer taken: sign in with OAuth: traymail account edit {account} --sign-in browser --client-id ID, then traymail login {account}"

// badIdentity is how Exchange refuses whoever a token is not for, without a word
// about the reason.
const badIdentity = "535 5.7.3 "

// badApplication is what to do about badIdentity where nobody signs in.
const badApplication = "an administrator lets the application into the mailbox: New-ServicePrincipal with the Object ID of Enterprise applications → the app (the one of App registrations is another), " +
	"Add-MailboxPermission with FullAccess for it on the mailbox that sends, and consent to the application permission SMTP.SendAsApp, or a role of App RBAC with the mailbox in its scope; " +
	"traymail admin {account} has the commands; what was granted just now takes up to an hour, of App RBAC two"

// replyFix is what to do about a reply, for an account that signs in so.
func replyFix(reply string, signIn account.SignIn) string {
	if signIn == account.AppOnly && strings.Contains(reply, badIdentity) {
		return badApplication
	}
	for _, f := range smtpFixes {
		if strings.Contains(reply, f.text) {
			return f.fix
		}
	}
	return ""
}
