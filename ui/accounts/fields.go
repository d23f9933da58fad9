package accounts

import (
	"slices"
	"strconv"
	"strings"

	"traymail/internal/account"
)

// A Group is a part of the form.
type Group string

// The groups, in their order. All but the first two are folded under More
// settings.
const (
	Addresses Group = "addresses"
	SignIn    Group = "sign_in"
	Messages  Group = "messages"
	Limits    Group = "limits"
	Servers   Group = "servers"
)

var groups = []Group{Addresses, SignIn, Messages, Limits, Servers}

// A kind is how a field is typed.
type kind int

const (
	text   kind = iota
	number      // 0 and "" bring back the default
	choice      // one of options
	flag
	list // separated by blanks or commas
	file // a path, that can be chosen
)

// A field is one setting of an account. Its key is that of the account's file,
// which errors name.
type field struct {
	key     string
	group   Group
	kind    kind
	options []string
	of      func(*account.Account) any // a pointer to it
	fits    func(*account.Account) bool
}

func always(*account.Account) bool         { return true }
func person(a *account.Account) bool       { return a.SignIn == account.BrowserSignIn }
func application(a *account.Account) bool  { return a.SignIn == account.AppOnly }
func withPassword(a *account.Account) bool { return a.SignIn == account.PasswordSignIn }
func registered(a *account.Account) bool   { return !withPassword(a) }
func entra(a *account.Account) bool        { return registered(a) && a.HasEntra() }
func other(a *account.Account) bool        { return registered(a) && !a.HasEntra() }
func overSMTP(a *account.Account) bool     { return a.SendsOver(account.SMTP) }
func overGraph(a *account.Account) bool    { return a.SendsOver(account.Graph) }
func federated(a *account.Account) bool {
	return application(a) && a.Credential == account.FederatedCredential
}
func ends(a *account.Account) bool { return a.HasClientSecret() } // a certificate says it itself
func both(f ...func(*account.Account) bool) func(*account.Account) bool {
	return func(a *account.Account) bool {
		return !slices.ContainsFunc(f, func(is func(*account.Account) bool) bool { return !is(a) })
	}
}

func optionsOf[T ~string](all ...T) []string {
	var s []string
	for _, w := range all {
		s = append(s, string(w))
	}
	return s
}

var fields = []field{
	{"label", Addresses, text, nil, func(a *account.Account) any { return &a.Label }, always},
	{"username", Addresses, text, nil, func(a *account.Account) any { return &a.Username }, func(a *account.Account) bool { return !application(a) }},
	{"sender", Addresses, text, nil, func(a *account.Account) any { return &a.Sender }, always},
	{"test_to", Addresses, text, nil, func(a *account.Account) any { return &a.TestTo }, always},
	{"notice_to", Addresses, text, nil, func(a *account.Account) any { return &a.NoticeTo }, always},

	{"provider", SignIn, choice, account.Providers(), func(a *account.Account) any { return &a.Provider }, always},
	{"sign_in", SignIn, choice, optionsOf(account.BrowserSignIn, account.AppOnly, account.PasswordSignIn), func(a *account.Account) any { return &a.SignIn }, always},
	{"tenant", SignIn, text, nil, func(a *account.Account) any { return &a.Tenant }, entra},
	{"client_id", SignIn, text, nil, func(a *account.Account) any { return &a.ClientID }, registered},
	{"registration", SignIn, choice, optionsOf(account.Public, account.Web), func(a *account.Account) any { return &a.Registration }, person},
	{"redirect_url", SignIn, text, nil, func(a *account.Account) any { return &a.RedirectURL }, person},
	{"credential", SignIn, choice, optionsOf(account.SecretCredential, account.CertificateCredential, account.FederatedCredential), func(a *account.Account) any { return &a.Credential }, application},
	{"assertion_file", SignIn, file, nil, func(a *account.Account) any { return &a.AssertionFile }, federated},
	{"object_id", SignIn, text, nil, func(a *account.Account) any { return &a.ObjectID }, application},
	{"secret_expires", SignIn, text, nil, func(a *account.Account) any { return &a.SecretExpires }, ends},

	{"transport", Messages, choice, optionsOf(account.SMTP, account.Graph, account.Auto), func(a *account.Account) any { return &a.Transport }, registered},
	{"from", Messages, choice, optionsOf(account.KeepFrom, account.ForceFrom, account.RewriteFrom), func(a *account.Account) any { return &a.From }, always},
	{"on_behalf", Messages, flag, nil, func(a *account.Account) any { return &a.OnBehalf }, func(a *account.Account) bool { return !application(a) }},
	{"senders", Messages, list, nil, func(a *account.Account) any { return &a.Senders }, always},
	{"mailbox", Messages, choice, optionsOf(account.SenderMailbox, account.FromMailbox), func(a *account.Account) any { return &a.Mailbox }, application},
	{"skip_sent_items", Messages, flag, nil, func(a *account.Account) any { return &a.SkipSentItems }, overGraph},

	{"messages_per_minute", Limits, number, nil, func(a *account.Account) any { return &a.MessagesPerMinute }, always},
	{"sessions", Limits, number, nil, func(a *account.Account) any { return &a.Sessions }, always},
	{"pipeline_depth", Limits, number, nil, func(a *account.Account) any { return &a.PipelineDepth }, overSMTP},
	{"recipients_per_day", Limits, number, nil, func(a *account.Account) any { return &a.RecipientsPerDay }, always},
	{"recipients_per_message", Limits, number, nil, func(a *account.Account) any { return &a.RecipientsPerMessage }, always},
	{"max_size_mb", Limits, number, nil, func(a *account.Account) any { return &a.MaxSizeMB }, always},
	{"timeout", Limits, number, nil, func(a *account.Account) any { return &a.Timeout }, always},

	{"smtp_host", Servers, text, nil, func(a *account.Account) any { return &a.SMTPHost }, overSMTP},
	{"smtp_port", Servers, number, nil, func(a *account.Account) any { return &a.SMTPPort }, overSMTP},
	{"smtp_tls", Servers, choice, optionsOf(account.STARTTLS, account.ImplicitTLS, account.NoTLS), func(a *account.Account) any { return &a.SMTPTLS }, overSMTP},
	{"smtp_auth", Servers, choice, optionsOf(account.XOAUTH2, account.OAuthBearer, account.PlainAuth, account.LoginAuth), func(a *account.Account) any { return &a.SMTPAuth }, overSMTP},
	{"smtp_scope", Servers, text, nil, func(a *account.Account) any { return &a.SMTPScope }, both(registered, overSMTP)},
	{"graph_scope", Servers, text, nil, func(a *account.Account) any { return &a.GraphScope }, entra},
	{"authority_url", Servers, text, nil, func(a *account.Account) any { return &a.AuthorityURL }, entra},
	{"graph_url", Servers, text, nil, func(a *account.Account) any { return &a.GraphURL }, entra},
	{"exchange_url", Servers, text, nil, func(a *account.Account) any { return &a.ExchangeURL }, entra},
	{"token_url", Servers, text, nil, func(a *account.Account) any { return &a.TokenURL }, registered},
	{"authorize_url", Servers, text, nil, func(a *account.Account) any { return &a.AuthorizeURL }, both(other, person)},
	{"device_url", Servers, text, nil, func(a *account.Account) any { return &a.DeviceURL }, both(other, person)},
	{"jwks_url", Servers, text, nil, func(a *account.Account) any { return &a.JWKSURL }, both(other, person)},
	{"issuer", Servers, text, nil, func(a *account.Account) any { return &a.Issuer }, both(other, person)},
	{"ca_file", Servers, file, nil, func(a *account.Account) any { return &a.CAFile }, always},
}

// fieldOf returns the field of a key, nil when there is none.
func fieldOf(key string) *field {
	for i := range fields {
		if fields[i].key == key {
			return &fields[i]
		}
	}
	return nil
}

// value is a field as it is shown: a flag is "true" or "".
func (f *field) value(a *account.Account) string {
	switch p := f.of(a).(type) {
	case *string:
		return *p
	case *bool:
		if *p {
			return "true"
		}
		return ""
	case *[]string:
		return strings.Join(*p, ", ")
	case *int:
		if *p == 0 {
			return ""
		}
		return strconv.Itoa(*p)
	case *account.SignIn:
		return string(*p)
	case *account.Registration:
		return string(*p)
	case *account.Credential:
		return string(*p)
	case *account.Transport:
		return string(*p)
	case *account.FromPolicy:
		return string(*p)
	case *account.Mailbox:
		return string(*p)
	case *account.SMTPTLS:
		return string(*p)
	default:
		return string(*p.(*account.SMTPAuth))
	}
}

// set puts what was typed into an account. It is false when that is not a number
// where one is wanted.
func (f *field) set(a *account.Account, value string) bool {
	switch p := f.of(a).(type) {
	case *string:
		*p = value
	case *bool:
		*p = value != ""
	case *[]string:
		*p = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\t' })
	case *int:
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil && strings.TrimSpace(value) != "" {
			return false
		}
		*p = n
	case *account.SignIn:
		*p = account.SignIn(value)
	case *account.Registration:
		*p = account.Registration(value)
	case *account.Credential:
		*p = account.Credential(value)
	case *account.Transport:
		*p = account.Transport(value)
	case *account.FromPolicy:
		*p = account.FromPolicy(value)
	case *account.Mailbox:
		*p = account.Mailbox(value)
	case *account.SMTPTLS:
		*p = account.SMTPTLS(value)
	default:
		*p.(*account.SMTPAuth) = account.SMTPAuth(value)
	}
	return true
}
