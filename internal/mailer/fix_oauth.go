package mailer

import (
	"strings"

	"traymail/authcode"
	"traymail/internal/account"
)

const signInAgain = "sign in: traymail login {account}"

// A remedy is what to do about one of Entra's numbers: where a person signs in
// and, if that is something else, where an application does.
type remedy struct{ person, application string }

func (r remedy) of(signIn account.SignIn) string {
	if signIn == account.AppOnly && r.application != "" {
		return r.application
	}
	return r.person
}

// What to do about numbers that come in groups.
var (
	otherTenant = remedy{person: "sign in with an account of the tenant that the account names, or correct the tenant (traymail account edit {account} --tenant ID), or have an administrator invite this person as a guest"}
	noResource  = remedy{person: "see that the tenant has Exchange Online and a licence for it, and that tenant and cloud are the right ones; of a national cloud, or of another provider, name it: traymail account edit {account} --provider NAME"}
	noPerson    = remedy{person: "correct the account's username or tenant: this person is not in the tenant"}
	noTenant    = remedy{person: "set the account's tenant to the Directory (tenant) ID of the Overview page, and the provider to its cloud"}
	changeIt    = remedy{person: "change the expired password at https://myaccount.microsoft.com, then sign in again"}
	personAlone = remedy{person: "sign in again, in the browser, and do what it asks for: traymail login {account}"}
	managed     = remedy{person: "a Conditional Access policy wants a managed device or an approved app: sign in on such a device, or an administrator leaves this app out of the policy; Entra ID → Sign-in logs → Conditional Access names it"}
	blocked     = remedy{
		person:      "a Conditional Access policy blocks this sign-in: Entra ID → Sign-in logs → Conditional Access names it",
		application: "a Conditional Access policy blocks the application: Entra ID → Sign-in logs → Service principal sign-ins names it",
	}
	permissions = remedy{
		person:      "add the permission under API permissions of the app registration (Office 365 Exchange Online → SMTP.Send, or Microsoft Graph → Mail.Send), grant admin consent, and sign in again: traymail login {account}",
		application: "add the application permission under API permissions of the app registration (Office 365 Exchange Online → SMTP.SendAsApp, or Microsoft Graph → Mail.Send), and choose Grant admin consent; traymail admin {account} has the links",
	}
	disabledApp = remedy{person: "an administrator enables the app: Enterprise applications → the app → Properties → Enabled for users to sign in"}
	copyValue   = remedy{person: "copy the client secret's Value, not its Secret ID, and store it: traymail account edit {account} --secret-stdin"}
	consent     = remedy{
		person:      "an administrator grants consent: Enterprise applications → the app → Permissions → Grant admin consent; traymail admin {account} --consent has the link",
		application: "an administrator grants consent: App registrations → the app → API permissions → Grant admin consent; traymail admin {account} --consent has the link",
	}
	federated = remedy{person: "compare issuer, subject and audience of the federated credential with those of the token, to the letter: App registrations → the app → Certificates & secrets → Federated credentials; the refusal names those of the token"}
)

// Entra's numbers are hints for people; what the program does depends on the
// OAuth error alone. The meanings are Microsoft's (reference-error-codes), but
// for those of federated credentials, which are assumed.
var entraFixes = map[int]remedy{
	16000: otherTenant, 50020: otherTenant, 90072: otherTenant,
	28000: oneResource, 28003: oneResource, 700022: oneResource,
	500011: noResource, 650052: noResource,
	50011: {person: "add the redirect URL to the app registration: Authentication → Add a platform; Mobile and desktop applications for a public registration, Web for one with a secret"},
	50014: noPerson, 50034: noPerson, 51004: noPerson,
	50053: {person: "wait, the account is locked after wrong passwords, or the address it comes from is blocked; Entra ID → Sign-in logs → Failure reason shows which"},
	50055: changeIt, 50144: changeIt,
	50056: {person: "sign in again with the right password; it can be reset at https://passwordreset.microsoftonline.com"},
	50126: {person: "sign in again with the right user name and password"},
	50057: {person: "an administrator enables the account: Users → Active users → the user → Unblock sign-in"},
	50058: personAlone, 50072: personAlone, 50074: personAlone, 50076: personAlone, 50078: personAlone, 50079: personAlone, 70043: personAlone,
	50059: noTenant, 90019: noTenant,
	90002: {person: "correct the account's tenant, or its provider to the tenant's cloud: no directory has this ID or domain"},
	50105: {
		person:      "an administrator assigns this person to the app: Enterprise applications → the app → Users and groups, or sets Assignment required to No under Properties",
		application: "an administrator sets Assignment required to No: Enterprise applications → the app → Properties",
	},
	50194: {person: "set the account's tenant to the Directory (tenant) ID: the app is registered for one tenant only"},
	50196: {person: "wait: Entra takes no more requests of this app for some minutes"},
	90055: {person: "wait: Entra takes no more requests of this app for some minutes"},
	50097: managed, 53000: managed, 53001: managed, 53002: managed,
	53003: blocked, 530032: blocked,
	530035: {person: "security defaults block passwords: traymail account edit {account} --sign-in browser --client-id CLIENT-ID, then traymail login {account}"},
	65001:  {person: "grant the permissions: sign in again and accept them, or an administrator chooses API permissions → Grant admin consent", application: consent.application},
	65004:  {person: "sign in again and accept the permissions, or ask an administrator to grant admin consent"},
	650054: permissions, 650056: permissions, 650057: permissions,
	70001: disabledApp, 7000112: disabledApp,
	70002: copyValue, 7000215: copyValue,
	70011: {
		person:      "correct the scope: smtp_scope is https://outlook.office.com/SMTP.Send, and graph_scope https://graph.microsoft.com/Mail.Send, with the hosts of the cloud",
		application: "correct the scope: of an application smtp_scope is https://outlook.office365.com/.default, and graph_scope https://graph.microsoft.com/.default, alone and with the hosts of the cloud",
	},
	70025: federated, 700211: federated, 700212: federated, 700213: federated,
	90094: consent, 90095: consent,
	700005:  {person: "set the account's tenant to the Directory (tenant) ID and sign in again: the sign-in began at one tenant and ended at another"},
	700016:  {person: "correct the client ID or the tenant: copy both from the app registration's Overview page; of an app of another tenant an administrator first grants consent, traymail admin {account} --consent"},
	700027:  {person: "upload the certificate that the account has, Certificates & secrets → Certificates, or have one made and upload that: traymail account edit {account} --make-certificate FILE; the clock of this computer must be right, and a federated token's issuer must publish the key it signs with"},
	700025:  {person: "the app is registered as a public client: set registration = \"public\", or register the redirect URL under the Web platform"},
	700084:  {person: "the redirect URL is registered under Single-page application, whose sign-ins end after a day: move it to Mobile and desktop applications (or Web, with a secret), then sign in again: traymail login {account}"},
	7000218: {person: "the app is registered as a Web client: set registration = \"web\" and store its client secret, or register http://localhost under Mobile and desktop applications; for a device code, set Allow public client flows to Yes", application: "store the client secret or the certificate: traymail account edit {account} --secret-stdin"},
	7000222: {person: "the client secret has expired: make a new one under Certificates & secrets and store its Value: traymail account edit {account} --secret-stdin"},
	9002332: {person: "the app is for work accounts only: set the account's tenant to the Directory (tenant) ID"},
}

// oneResource is what to do where a scope names several resources, or none.
var oneResource = remedy{person: "correct smtp_scope and graph_scope: each names permissions of one resource, with its address in front of each"}

func oauthFix(e *authcode.Error, signIn account.SignIn) string {
	if e.Stage == authcode.StageApplication {
		signIn = account.AppOnly
	}
	if r, ok := entraFixes[e.AADSTS]; ok {
		return r.of(signIn)
	}
	switch {
	case e.SignInAgain():
		return signInAgain
	case e.Code == "access_denied":
		return "sign in again and accept the permissions, or ask an administrator to grant admin consent"
	case e.Err != nil && strings.Contains(e.Err.Error(), "the federated token"):
		return "the platform that runs this program writes the federated token's file: see that assertion_file names it, traymail account show {account}, and that the user who runs traymail may read it"
	}
	return ""
}
