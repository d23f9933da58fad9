package sandbox

// A front is what a provider's submission server calls itself and whom it
// takes. Whatever is not said here is as at Exchange Online.
type front struct {
	// host is in the banner and in refusals, mailbox in the replies to a message.
	host, mailbox string
	// audiences are the names of this server as a token's resource; nil where
	// the scope alone says what a token is for.
	audiences []string
	// scope is what a user's token must have.
	scope string
	// mechanisms are offered after AUTH in the answer to EHLO.
	mechanisms string
	// appOnly admits tokens without a user.
	appOnly bool
	// passwords are refused whatever the tenant says, if false.
	passwords bool
}

// exchangeApp is Exchange Online's own application ID, in every cloud.
const exchangeApp = "00000002-0000-0ff1-ce00-000000000000"

// exchangeMechanisms is what every transcript of Exchange Online shows.
const exchangeMechanisms = "LOGIN XOAUTH2"

// fronts has every provider. Host names of machines are made up in the form of
// real ones; for the national clouds the form itself is assumed, after the
// names that clients connect to.
var fronts = map[Provider]front{
	GlobalCloud: {
		host: frontHost, mailbox: mailboxHost, scope: "SMTP.Send", mechanisms: exchangeMechanisms,
		// Graph's name, which also has a scope SMTP.Send, is not among them.
		audiences: []string{"https://outlook.office.com", "https://outlook.office365.com", exchangeApp},
		appOnly:   true, passwords: true,
	},
	GCCHigh: {
		host: "SB0P110CA0064.outlook.office365.us", mailbox: "SB0P110MB5414.namp110.prod.outlook.com",
		scope: "SMTP.Send", mechanisms: exchangeMechanisms,
		audiences: []string{"https://outlook.office365.us", exchangeApp},
		appOnly:   true, passwords: true,
	},
	DoD: {
		host: "SB0P111CA0064.outlook-dod.office365.us", mailbox: "SB0P111MB5414.namp111.prod.outlook.com",
		scope: "SMTP.Send", mechanisms: exchangeMechanisms,
		audiences: []string{"https://outlook.office365.us", "https://outlook-dod.office365.us", exchangeApp},
		appOnly:   true, passwords: true,
	},
	China: {
		host: "SB0PR01CA0064.partner.outlook.cn", mailbox: "SB0PR01MB5414.chnpr01.prod.partner.outlook.cn",
		scope: "SMTP.Send", mechanisms: exchangeMechanisms,
		audiences: []string{"https://partner.outlook.cn", exchangeApp},
		appOnly:   true, passwords: true,
	},
	// smtp-mail.outlook.com is served by the same machines. Its tokens are
	// opaque, which is the accessChecker's business.
	OutlookCom: {
		host: frontHost, mailbox: mailboxHost, scope: "SMTP.Send", mechanisms: exchangeMechanisms,
		audiences: []string{"https://outlook.office.com", "https://outlook.office365.com", exchangeApp},
	},
	GoogleGmail: {
		host: "smtp.gmail.com", scope: "https://mail.google.com/",
		mechanisms: "LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH",
		passwords:  true, // app passwords
	},
}
