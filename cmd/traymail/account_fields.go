package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"traymail/internal/account"
)

// An accountField is a field of an account as a flag.
type accountField struct {
	flag, help string
	of         func(*account.Account) *string
}

var accountFields = []accountField{
	{"provider", "whose sign-in and server: " + strings.Join(account.Providers(), ", "), func(a *account.Account) *string { return &a.Provider }},
	{"sign-in", "browser (a person signs in once), app-only (the application signs in by itself) or password", func(a *account.Account) *string { return (*string)(&a.SignIn) }},
	{"transport", "smtp, graph, or auto (SMTP, and Graph when SMTP AUTH is switched off)", func(a *account.Account) *string { return (*string)(&a.Transport) }},
	{"credential", "secret, certificate or federated; --certificate, --make-certificate and --assertion-file say it too", func(a *account.Account) *string { return (*string)(&a.Credential) }},
	{"mailbox", "mailbox that messages leave through: sender (one for all) or from (that of each message's own From)", func(a *account.Account) *string { return (*string)(&a.Mailbox) }},
	{"label", "a name of your own for it", func(a *account.Account) *string { return &a.Label }},
	{"username", "address that signs in; of an application it is the sender", func(a *account.Account) *string { return &a.Username }},
	{"sender", "address in From (default: the username), and the mailbox that an application sends through", func(a *account.Account) *string { return &a.Sender }},
	{"test-to", "where the test email goes (default: the sender)", func(a *account.Account) *string { return &a.TestTo }},
	{"tenant", "Directory (tenant) ID or domain (default: the username's domain)", func(a *account.Account) *string { return &a.Tenant }},
	{"client-id", "Application (client) ID, from the app registration's Overview page", func(a *account.Account) *string { return &a.ClientID }},
	{"registration", "public (Mobile and desktop applications) or web (redirect URL and client secret); at Google Desktop app or Web application", func(a *account.Account) *string { return (*string)(&a.Registration) }},
	{"redirect-url", "redirect URL as registered (default: " + account.PublicRedirectURL + ", or " + account.WebRedirectURL + " for web)", func(a *account.Account) *string { return &a.RedirectURL }},
	{"object-id", "Object ID of the enterprise application, for 'traymail admin'", func(a *account.Account) *string { return &a.ObjectID }},
	{"assertion-file", "file with another issuer's token, of a federated application", func(a *account.Account) *string { return &a.AssertionFile }},
	{"token-endpoint", "token endpoint; at Entra it gives the tenant", func(a *account.Account) *string { return &a.TokenURL }},
	{"authorize-url", "authorization endpoint of another provider", func(a *account.Account) *string { return &a.AuthorizeURL }},
	{"device-url", "device authorization endpoint of another provider", func(a *account.Account) *string { return &a.DeviceURL }},
	{"jwks-url", "keys of another provider's ID tokens", func(a *account.Account) *string { return &a.JWKSURL }},
	{"issuer", "issuer of another provider's ID tokens", func(a *account.Account) *string { return &a.Issuer }},
	{"authority-url", "sign-in address of another cloud", func(a *account.Account) *string { return &a.AuthorityURL }},
	{"graph-url", "Microsoft Graph's address in another cloud", func(a *account.Account) *string { return &a.GraphURL }},
	{"exchange-url", "address of Exchange's endpoint for administrators in another cloud", func(a *account.Account) *string { return &a.ExchangeURL }},
	{"smtp-scope", "scope of the token for SMTP, in full", func(a *account.Account) *string { return &a.SMTPScope }},
	{"graph-scope", "scope of the token for Graph, in full", func(a *account.Account) *string { return &a.GraphScope }},
	{"smtp-host", "submission server", func(a *account.Account) *string { return &a.SMTPHost }},
	{"smtp-tls", "starttls, implicit, or none (a server on this machine; neither token nor password is sent to it)", func(a *account.Account) *string { return (*string)(&a.SMTPTLS) }},
	{"smtp-auth", "xoauth2 or oauthbearer, and with a password plain or login", func(a *account.Account) *string { return (*string)(&a.SMTPAuth) }},
	{"notice-to", "who gets the alerts, such as that a secret ends, and the bounces that their sender cannot receive", func(a *account.Account) *string { return &a.NoticeTo }},
	{"from", "what happens to messages from others than the sender: keep, force or rewrite", func(a *account.Account) *string { return (*string)(&a.From) }},
	{"secret-expires", "day on which the client secret ends, as 2028-01-31, for the alerts before it; a certificate says it itself", func(a *account.Account) *string { return &a.SecretExpires }},
	{"ca-file", "PEM certificates to trust instead of the system's", func(a *account.Account) *string { return &a.CAFile }},
}

// accountNumbers are the fields that are numbers; 0 brings back the default.
var accountNumbers = []struct {
	flag, help string
	of         func(*account.Account) *int
}{
	{"timeout", "longest wait for one answer of a server, in seconds", func(a *account.Account) *int { return &a.Timeout }},
	{"smtp-port", "the server's port", func(a *account.Account) *int { return &a.SMTPPort }},
	{"messages-per-minute", "pace of delivery; Exchange takes 30 over SMTP", func(a *account.Account) *int { return &a.MessagesPerMinute }},
	{"sessions", "sessions at the same time", func(a *account.Account) *int { return &a.Sessions }},
	{"pipeline-depth", "messages under way at once on one session, SMTP only; 1 sends the next one after the reply to the last", func(a *account.Account) *int { return &a.PipelineDepth }},
	{"recipients-per-day", "recipients in 24 hours", func(a *account.Account) *int { return &a.RecipientsPerDay }},
	{"recipients-per-message", "recipients of one message; longer lists are split", func(a *account.Account) *int { return &a.RecipientsPerMessage }},
	{"max-size-mb", "largest message, in MiB", func(a *account.Account) *int { return &a.MaxSizeMB }},
}

const (
	onBehalfFlag  = "on-behalf"
	sendersFlag   = "senders"
	skipSentFlag  = "skip-sent-items"
	useSenderFlag = "use-sender-email"
	batchFlag     = "batch-size"
)

// batchSizes are the words that some programs have for a pace, in messages a
// minute; Exchange takes no more than the second over SMTP.
var batchSizes = map[string]int{"small": 10, "medium": 30, "large": 100}

func registerFields(c *cobra.Command) {
	for _, f := range accountFields {
		c.Flags().String(f.flag, "", f.help)
	}
	for _, f := range accountNumbers {
		c.Flags().Int(f.flag, 0, f.help)
	}
	c.Flags().Bool(onBehalfFlag, false, "name the username in the Sender field of messages from others (Send on Behalf)")
	c.Flags().StringSlice(sendersFlag, nil, "addresses, and domains as @contoso.com, whose messages go through this account")
	c.Flags().Bool(skipSentFlag, false, "keep messages that leave through Graph out of Sent Items")
	c.Flags().Bool(useSenderFlag, true, "the same in other words: true is --mailbox sender, =false is --mailbox from")
	c.Flags().String(batchFlag, "", "the same in words: small, medium or large (10, 30 or 100 messages a minute)")
	c.MarkFlagsMutuallyExclusive(useSenderFlag, "mailbox")
	c.MarkFlagsMutuallyExclusive(batchFlag, "messages-per-minute")
	for flag, values := range map[string][]string{
		"provider":     account.Providers(),
		"sign-in":      {string(account.BrowserSignIn), string(account.AppOnly), string(account.PasswordSignIn)},
		"transport":    {string(account.SMTP), string(account.Graph), string(account.Auto)},
		"credential":   {string(account.SecretCredential), string(account.CertificateCredential), string(account.FederatedCredential)},
		"mailbox":      {string(account.SenderMailbox), string(account.FromMailbox)},
		"smtp-auth":    {string(account.XOAUTH2), string(account.OAuthBearer), string(account.PlainAuth), string(account.LoginAuth)},
		"batch-size":   {"small", "medium", "large"},
		"registration": {string(account.Public), string(account.Web)},
		"from":         {string(account.KeepFrom), string(account.ForceFrom), string(account.RewriteFrom)},
		"smtp-tls":     {string(account.STARTTLS), string(account.ImplicitTLS), string(account.NoTLS)},
	} {
		// It fails for an unknown flag only, and these stand above.
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	_ = c.MarkFlagFilename("ca-file")
	_ = c.MarkFlagFilename("assertion-file")
}

// drivers are the fields that others follow from.
var drivers = []string{"provider", "sign-in", "transport", "credential", "mailbox", "username", "sender", "registration"}

// setFields puts the flags that were given into an account and reports whether
// there was one. What other fields follow from comes first, so that a flag has
// the last word.
func setFields(c *cobra.Command, a *account.Account) (any bool, err error) {
	former := *a
	given := c.Flags().Changed
	set := func(f accountField) {
		if given(f.flag) {
			*f.of(a) = c.Flags().Lookup(f.flag).Value.String()
			any = true
		}
	}
	for _, f := range accountFields {
		if slices.Contains(drivers, f.flag) {
			set(f)
		}
	}
	if given(useSenderFlag) {
		any = true
		a.Mailbox = account.SenderMailbox
		if use, _ := c.Flags().GetBool(useSenderFlag); !use {
			a.Mailbox = account.FromMailbox
		}
	}
	for flag, field := range map[string]*bool{onBehalfFlag: &a.OnBehalf, skipSentFlag: &a.SkipSentItems} {
		if given(flag) {
			*field, _ = c.Flags().GetBool(flag)
			any = true
		}
	}
	if given(sendersFlag) {
		a.Senders, _ = c.Flags().GetStringSlice(sendersFlag)
		any = true
	}
	if a.SignIn == account.AppOnly && !given("credential") {
		switch {
		case given("certificate"), given("make-certificate"):
			a.Credential = account.CertificateCredential
		case given("assertion-file") && c.Flags().Lookup("assertion-file").Value.String() != "":
			a.Credential = account.FederatedCredential
		}
	}
	a.Follow(former)
	for _, f := range accountFields {
		set(f)
	}
	if given("token-endpoint") && !given("tenant") && a.TokenURL != "" {
		a.Tenant = "" // it is in the address
	}
	for _, f := range accountNumbers {
		if given(f.flag) {
			*f.of(a), _ = c.Flags().GetInt(f.flag)
			any = true
		}
	}
	if given(batchFlag) {
		any = true
		word, _ := c.Flags().GetString(batchFlag)
		if a.MessagesPerMinute = batchSizes[strings.ToLower(word)]; a.MessagesPerMinute == 0 {
			return any, &account.FieldError{Key: "--" + batchFlag, Text: fmt.Sprintf("%q is not a batch size", word), Fix: "use small, medium or large, or --messages-per-minute NUMBER"}
		}
	}
	for flag, file := range map[string]*string{"ca-file": &a.CAFile, "assertion-file": &a.AssertionFile} {
		if !given(flag) || *file == "" {
			continue
		}
		if path, err := filepath.Abs(*file); err == nil {
			*file = path // what the person sees from here, wherever traymail runs
		}
	}
	return any, nil
}
