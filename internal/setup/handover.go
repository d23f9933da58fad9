package setup

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"traymail/internal/account"
)

// A Relay is where a tool hands its messages over, and as whom.
type Relay struct {
	Host     string // as the tool reaches it
	Port     string
	TLS      string // "none", "starttls" or "implicit", as a listener has it
	Client   string // its user, "" where the tool is known by its address and signs in with nothing
	Password string // "" when it is not known, or the client has none
	Sender   string
	TestTo   string // where a first message goes
	// Program and Home are where traymail and its home folder are, for what calls
	// it as sendmail.
	Program, Home string
}

// RelayAt returns a Relay for a listener's address. A listener on all addresses
// of the machine is reached under the machine's name.
func RelayAt(address, tls, machine string) Relay {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = address, ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = machine
	}
	return Relay{Host: host, Port: port, TLS: tls}
}

// ClientSenders are the senders that a tool's user is made with: those that leave
// the account as the tool writes them. There are none, which is any, where the
// account puts its own sender in the place of every other, and where each message
// leaves from its author's mailbox and the account names no mailboxes.
func ClientSenders(a account.Account) []string {
	if a.From != account.KeepFrom || a.Mailbox == account.FromMailbox && len(a.Senders) == 0 {
		return nil
	}
	var all []string
	for _, s := range append([]string{a.Sender}, a.Senders...) {
		if s != "" && !slices.ContainsFunc(all, func(other string) bool { return strings.EqualFold(s, other) }) {
			all = append(all, s)
		}
	}
	return all
}

// A Field is one setting of the tool.
type Field struct {
	ID string
	// Name is the tool's own name for it, "" where a face has the word.
	Name  string
	Value string
	// Coded: Value is a code that a face says in words: that of TLS, or of an
	// absence.
	Coded  bool
	Secret bool
}

// HandOver returns what is typed into a tool, in the usual order: server, port,
// encryption, user, password, sender.
func HandOver(r Relay) []Field {
	return []Field{
		{ID: "server", Value: r.Host},
		{ID: "port", Value: r.Port},
		{ID: "encryption", Value: r.TLS, Coded: true},
		{ID: "user", Value: r.Client},
		{ID: "password", Value: r.Password, Secret: true},
		{ID: "sender", Value: r.Sender},
	}
}

// A Snippet is how one kind of tool is told.
type Snippet struct {
	ID string
	// Name is the tool's, "" where a face has the word (printer).
	Name string
	// Fields are of a page with settings; Parts are text to copy. One of the two
	// is empty.
	Fields []Field
	Parts  []Part
	// Unfit says why the tool cannot send there, "" where it can; then it has
	// neither.
	Unfit string
}

// NoImplicitTLS is Unfit of a tool that speaks STARTTLS alone.
const NoImplicitTLS = "implicit-tls"

// A Part is text for one file or one window.
type Part struct {
	ID       string // unique in its Snippet; a face has a heading for snippet and part
	Language string // "sh", "powershell", "python", "js", "ini", "crontab"
	Text     string
}

// Snippets returns how the usual tools are told, those of the setup first. The
// password is in none of them: it is read from a file that only the tool can
// read. Without a client there is no login in them.
func Snippets(r Relay) []Snippet {
	central, printer := endpointCentral(r), HandOver(r)
	if r.TLS == "" { // there is no listener yet
		r.TLS = "none"
	}
	return []Snippet{
		{ID: "endpoint-central", Name: "Endpoint Central", Fields: central},
		{ID: "printer", Fields: printer},
		powershell(r),
		{ID: "cron", Name: "cron", Parts: []Part{
			{ID: "sendmail", Language: "sh", Text: fill(cronSendmail, r, quoteShell)},
			{ID: "crontab", Language: "crontab", Text: fill(cronTable, r, plain)},
		}},
		{ID: "nodemailer", Name: "nodemailer", Parts: []Part{{ID: "script", Language: "js", Text: fill(nodemailerFor(r), r, quoteDouble)}}},
		{ID: "python", Name: "Python", Parts: []Part{{ID: "script", Language: "python", Text: fill(pythonFor(r), r, quoteDouble)}}},
		{ID: "curl", Name: "curl", Parts: []Part{{ID: "command", Language: "sh", Text: fill(curlFor(r), r, plain)}}},
		{ID: "msmtp", Name: "msmtp", Parts: []Part{{ID: "msmtprc", Language: "ini", Text: fill(msmtpFor(r), r, plain)}}},
	}
}

// endpointCentral has the settings of its page Mail Server Settings.
func endpointCentral(r Relay) []Field {
	tls := "Yes"
	if r.TLS == "none" {
		tls = "No"
	}
	return []Field{
		{ID: "server", Name: "Server Name", Value: r.Host},
		{ID: "port", Name: "Port", Value: r.Port},
		{ID: "sender", Name: "Sender Email Address", Value: r.Sender},
		{ID: "test-to", Name: "Test Email Address", Value: r.TestTo},
		{ID: "type", Name: "Email Type", Value: "SMTP"},
		{ID: "encryption", Name: "Enable TLS", Value: tls},
		{ID: "user", Name: "Username", Value: r.Client},
		{ID: "password", Name: "Password", Value: r.Password, Secret: true},
	}
}

// fill puts the relay's values into a text, each quoted for its language.
func fill(text string, r Relay, quote func(string) string) string {
	return strings.NewReplacer(
		"{authority}", net.JoinHostPort(r.Host, r.Port), "{host}", quote(r.Host), "{port}", quote(r.Port), "{client}", quote(r.Client), "{sender}", quote(r.Sender), "{to}", quote(r.TestTo),
		"{program}", quote(r.Program), "{home}", quote(r.Home),
	).Replace(text)
}

func plain(s string) string { return s }

// quoteDouble is for a place between double quotes in JavaScript and Python,
// which both read JSON's escapes.
func quoteDouble(s string) string { q := strconv.QuoteToASCII(s); return q[1 : len(q)-1] }

// quotePowerShell is for a place between double quotes there.
func quotePowerShell(s string) string {
	return strings.NewReplacer("`", "``", `"`, "`\"", "$", "`$", "“", "`“", "”", "`”", "„", "`„").Replace(s)
}

// quoteShell is for a word of sh: as it is when nothing in it is special.
func quoteShell(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-@:+,=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
