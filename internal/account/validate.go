package account

import (
	"fmt"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A FieldError names one field that cannot stay as it is. File and Line are
// set when the account was read from a file.
type FieldError struct {
	File string
	Line int
	Key  string // as it is written in the file
	Text string // what is wrong with it
	Fix  string // what to do
}

func (e *FieldError) Error() string {
	s := e.Text
	if e.Key != "" {
		s = e.Key + ": " + s
	}
	switch {
	case e.File != "" && e.Line > 0:
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, s)
	case e.File != "":
		return e.File + ": " + s
	case e.Line > 0:
		return fmt.Sprintf("line %d: %s", e.Line, s)
	}
	return s
}

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	idForm     = regexp.MustCompile(`^[a-z0-9]{8,64}$`)
	guidForm   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	domainForm = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)+$`)
)

// Names that Windows keeps for devices, with any extension.
var deviceNames = []string{"con", "prn", "aux", "nul",
	"com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
	"lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9"}

// ValidateName returns a *FieldError when name cannot be an account's name on
// every system traymail runs on.
func ValidateName(name string) error {
	stem, _, _ := strings.Cut(name, ".")
	switch {
	case !nameForm.MatchString(name) || strings.HasSuffix(name, "."):
		return &FieldError{Key: "name", Text: fmt.Sprintf("%q is not an account name", name),
			Fix: "use up to 63 lower-case letters, digits, '-', '_' and '.', starting with a letter or a digit"}
	case slices.Contains(deviceNames, stem):
		return &FieldError{Key: "name", Text: fmt.Sprintf("%q is the name of a device on Windows", name), Fix: "choose another name"}
	}
	return nil
}

// Validate fills in what has a default and returns a *FieldError for the first
// field that cannot be used, nil when the account is complete.
func (a *Account) Validate() error {
	if err := ValidateName(a.Name); err != nil {
		return err
	}
	if !idForm.MatchString(a.ID) {
		return &FieldError{Key: "id", Text: fmt.Sprintf("%q is not an ID that traymail made", a.ID),
			Fix: "put back the ID as it was; with another one the account's secrets are not found, and 'traymail login' is needed again"}
	}
	if _, ok := presets[a.Provider]; !ok {
		return &FieldError{Key: "provider", Text: fmt.Sprintf("%q is not a provider", a.Provider),
			Fix: "use one of: " + strings.Join(Providers(), ", ")}
	}
	a.fillIn()
	for _, check := range []func() error{a.validateAddresses, a.validateSignIn, a.validateEndpoints, a.validateScopes, a.validateSMTP, a.validateRelaying, a.validateLimits} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (a *Account) validateAddresses() error {
	switch {
	case a.Username == "" && a.SignIn == AppOnly:
		return &FieldError{Key: "sender", Text: "is missing", Fix: "give the address of the mailbox that the application sends for, such as svc@contoso.com"}
	case a.Username == "":
		return &FieldError{Key: "username", Text: "is missing", Fix: "give the address that signs in, such as svc@contoso.com"}
	}
	for _, f := range []struct{ key, value string }{{"username", a.Username}, {"sender", a.Sender}, {"test_to", a.TestTo}, {"notice_to", a.NoticeTo}} {
		if f.value == "" {
			continue
		}
		if f.key == "username" && a.SignIn == PasswordSignIn && a.Provider == Custom && isName(f.value) {
			continue // some servers have a fixed name, such as "apikey"
		}
		if !isAddress(f.value) {
			return &FieldError{Key: f.key, Text: fmt.Sprintf("%q is not an email address", f.value),
				Fix: "give the address alone, such as svc@contoso.com, without a name or brackets"}
		}
	}
	return nil
}

func (a *Account) validateSMTP() error {
	if !a.SendsOver(SMTP) {
		return nil
	}
	switch {
	case a.SMTPHost == "":
		return &FieldError{Key: "smtp_host", Text: "is missing", Fix: "give the name of the provider's submission server"}
	case net.ParseIP(a.SMTPHost) == nil && !domainForm.MatchString(a.SMTPHost) && a.SMTPHost != "localhost":
		return &FieldError{Key: "smtp_host", Text: fmt.Sprintf("%q is not a host name", a.SMTPHost), Fix: "give the name alone, such as smtp.office365.com; the port is smtp_port"}
	case a.SMTPPort < 1 || a.SMTPPort > 65535:
		return &FieldError{Key: "smtp_port", Text: fmt.Sprintf("%d is not a port", a.SMTPPort), Fix: "use 587"}
	case !slices.Contains([]SMTPTLS{STARTTLS, ImplicitTLS, NoTLS}, a.SMTPTLS):
		return &FieldError{Key: "smtp_tls", Text: fmt.Sprintf("%q is not a way to use TLS", string(a.SMTPTLS)), Fix: `use "starttls" (port 587) or "implicit" (port 465)`}
	case !slices.Contains([]SMTPAuth{XOAUTH2, OAuthBearer, PlainAuth, LoginAuth}, a.SMTPAuth):
		return &FieldError{Key: "smtp_auth", Text: fmt.Sprintf("%q is not a mechanism", string(a.SMTPAuth)), Fix: `use "xoauth2" or "oauthbearer", and with a password "plain" or "login"`}
	case (a.SignIn == PasswordSignIn) != (a.SMTPAuth == PlainAuth || a.SMTPAuth == LoginAuth):
		return &FieldError{Key: "smtp_auth", Text: fmt.Sprintf("%q does not go with sign_in = %q", string(a.SMTPAuth), string(a.SignIn)),
			Fix: `a token goes with "xoauth2" or "oauthbearer", a password with "plain" or "login"; leave the key out for what the provider takes`}
	case a.SMTPTLS == NoTLS && !isLoopback(a.SMTPHost):
		return &FieldError{Key: "smtp_tls", Text: fmt.Sprintf("%q would send the token in clear text to %s", string(a.SMTPTLS), a.SMTPHost),
			Fix: `use "starttls"; "none" is for a server on this machine`}
	}
	return nil
}

// isName reports whether s can be a user name: printable, and without blanks.
func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

func isAddress(s string) bool {
	p, err := mail.ParseAddress(s)
	return err == nil && p.Address == s && !strings.ContainsAny(s, "<>\r\n\x00\"")
}

func (a *Account) validateRelaying() error {
	if !slices.Contains([]FromPolicy{KeepFrom, ForceFrom, RewriteFrom}, a.From) {
		return &FieldError{Key: "from", Text: fmt.Sprintf("%q is not a policy", string(a.From)),
			Fix: `use "keep" (the account needs Send As), "force" (the sender takes its place) or "rewrite" (the same, and the original goes to Reply-To)`}
	}
	for _, s := range a.Senders {
		domain, isDomain := strings.CutPrefix(s, "@")
		if isDomain && !domainForm.MatchString(domain) || !isDomain && !isAddress(s) {
			return &FieldError{Key: "senders", Text: fmt.Sprintf("%q is neither an address nor a domain", s), Fix: `write addresses as "a@contoso.com" and domains as "@contoso.com"`}
		}
	}
	if a.OnBehalf && a.SignIn == AppOnly {
		return &FieldError{Key: "on_behalf", Text: "names the person who signed in, and an application sends without one", Fix: "leave the key out; give the mailbox the permission Send As instead"}
	}
	if a.SecretExpires == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, a.SecretExpires); err != nil {
		return &FieldError{Key: "secret_expires", Text: fmt.Sprintf("%q is not a day", a.SecretExpires), Fix: `write year, month and day, such as "2027-01-31", as the portal shows it under Certificates & secrets`}
	}
	if !a.HasEnding() {
		return &FieldError{Key: "secret_expires", Text: "goes with a client secret or a certificate, and this account has neither", Fix: "leave the key out"}
	}
	return nil
}

func (a *Account) validateLimits() error {
	for _, l := range []struct {
		key      string
		value    int
		min, max int
	}{
		{"messages_per_minute", a.MessagesPerMinute, 1, 100_000},
		{"sessions", a.Sessions, 1, 100},
		{"pipeline_depth", a.PipelineDepth, 1, 32},
		{"recipients_per_day", a.RecipientsPerDay, 1, 100_000_000},
		{"recipients_per_message", a.RecipientsPerMessage, 1, 100_000},
		{"max_size_mb", a.MaxSizeMB, 1, 1024},
		{"timeout", a.Timeout, 0, 3600},
	} {
		if l.value < l.min || l.value > l.max {
			return &FieldError{Key: l.key, Text: fmt.Sprintf("%d is out of range", l.value), Fix: fmt.Sprintf("give a number from %d to %d, or leave the key out for the provider's own limit", l.min, l.max)}
		}
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// IsGUID reports whether s has the form of the IDs in Entra.
func IsGUID(s string) bool { return guidForm.MatchString(s) }
