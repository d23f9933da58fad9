package relay

import (
	"net/netip"
	"strings"
	"time"
)

// A Config says who may hand over messages, where and how. The zero value of
// each limit stands for the default named at its field.
type Config struct {
	Hostname  string // in the greeting and in Received; "" is the machine's name, or localhost if that is no host name
	Listeners []Listener
	Folders   []Folder
	Clients   []Client
	Accounts  []Account
	// Default names the account for a sender that neither its client nor an
	// account's Senders decides. "" refuses such a sender.
	Default string

	MaxSize        int64         // octets of a message; 150 MiB
	MaxRecipients  int           // of a message; 1,000
	MaxConnections int           // at a time; 200
	MaxPerAddress  int           // connections at a time from one address; 50
	Timeout        time.Duration // for the next complete command; 5 minutes (RFC 5321 §4.5.3.2.7)
}

// TLSMode is how a listener's connections are protected.
type TLSMode string

// The three ways.
const (
	NoTLS       TLSMode = "none"
	STARTTLS    TLSMode = "starttls"
	ImplicitTLS TLSMode = "implicit"
)

// A Listener is one address that SMTP is spoken on.
type Listener struct {
	Name    string
	Address string // host:port; port 0 is any free one
	TLS     TLSMode
	// Certificate is needed unless TLS is NoTLS.
	Certificate Certificate
	// AllowTLS10 lets old devices in with TLS 1.0 and 1.1 and their cipher
	// suites. Without it TLS 1.2 is the least.
	AllowTLS10 bool
	// Networks may send without a password and without being known: such a
	// client is named like the listener and may send as anyone. Who is in the
	// Networks of one of Config.Clients is that client, on every listener.
	Networks []netip.Prefix
}

// A Client is a tool or device that is known by name.
type Client struct {
	Name           string         // also its user name, compared without case
	PasswordHash   string         // from HashPassword; "" if it has none
	Networks       []netip.Prefix // where it is known by its address and needs no password, on every listener
	AllowedSenders []string       // addresses, or domains as "@example.com"; empty is any
	Account        string         // "" chooses by sender
	PerMinute      int            // messages taken in any 60 seconds; 0 is no limit
	MaxSize        int64          // octets of a message; 0 is Config.MaxSize
}

// FromPolicy is what happens to a From that is not the account's own.
type FromPolicy string

// The three policies. All but Keep put the account's sender into From and the
// envelope.
const (
	Keep    FromPolicy = "keep"    // as the client wrote it; the account needs the permission
	Force   FromPolicy = "force"   // the account's sender, and no more
	Rewrite FromPolicy = "rewrite" // the same, and the original goes to Reply-To
)

// An Account is what the relay has to know of an account that sends.
type Account struct {
	Name   string
	Sender string     // the address it sends as
	From   FromPolicy // "" is Keep
	// OnBehalf is who signs in to the server, when the Sender field has to name
	// it in messages from another, as Send on Behalf wants it (RFC 5322 §3.6.2);
	// "" leaves the field alone.
	OnBehalf string
	Senders  []string // the senders it is chosen for: addresses, or domains as "@example.com"
	MaxSize  int64    // octets of a message; 0 is Config.MaxSize
}

// A Folder is a place where programs drop messages as files named *.eml.
type Folder struct {
	Name string // stands for the client's name
	Path string // must exist
	// Client holds the rules for its messages; password and networks have no meaning.
	Client Client
	// Settle is how long a file must stay unchanged to count as complete;
	// 2 seconds.
	Settle time.Duration
	// Poll is the time between looks where the system tells of no change;
	// 10 seconds.
	Poll time.Duration
}

// withDefaults returns a copy in which every limit is set.
func (c Config) withDefaults(hostname string) *Config {
	or(&c.Hostname, hostname)
	or(&c.MaxSize, 150<<20)
	or(&c.MaxRecipients, 1000)
	or(&c.MaxConnections, 200)
	or(&c.MaxPerAddress, 50)
	or(&c.Timeout, 5*time.Minute)
	return &c
}

func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c *Config) listener(address string) *Listener {
	for i := range c.Listeners {
		if c.Listeners[i].Address == address {
			return &c.Listeners[i]
		}
	}
	return nil
}

func (c *Config) client(name string) *Client {
	for i := range c.Clients {
		if strings.EqualFold(c.Clients[i].Name, name) {
			return &c.Clients[i]
		}
	}
	return nil
}

func (c *Config) passwords() bool {
	for i := range c.Clients {
		if c.Clients[i].PasswordHash != "" {
			return true
		}
	}
	return false
}

// clientAt returns who a client without a password is, or nil if the address
// has to sign in. A client's network goes before a listener's, and of two
// clients' the narrower.
func (c *Config) clientAt(l *Listener, addr netip.Addr) *Client {
	var found *Client
	bits := -1
	if contains(l.Networks, addr) {
		found = &Client{Name: l.Name}
	}
	for i := range c.Clients {
		for _, n := range c.Clients[i].Networks {
			if n.Contains(addr) && n.Bits() > bits {
				found, bits = &c.Clients[i], n.Bits()
			}
		}
	}
	return found
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// account chooses the account for a client's message with this reverse-path,
// or returns nil.
func (c *Config) account(client *Client, from string) *Account {
	if client.Account != "" {
		return c.accountNamed(client.Account)
	}
	for _, claims := range []func(Account) bool{
		func(a Account) bool { return strings.EqualFold(a.Sender, from) || listed(a.Senders, from) },
		func(a Account) bool { return listed(a.Senders, domainOf(from)) },
	} {
		for i := range c.Accounts {
			if from != "" && claims(c.Accounts[i]) {
				return &c.Accounts[i]
			}
		}
	}
	return c.accountNamed(c.Default)
}

func (c *Config) accountNamed(name string) *Account {
	for i := range c.Accounts {
		if c.Accounts[i].Name == name {
			return &c.Accounts[i]
		}
	}
	return nil
}

// maySend reports whether the client may use the address in MAIL or From.
func (c *Client) maySend(address string) bool {
	return len(c.AllowedSenders) == 0 || listed(c.AllowedSenders, address) || listed(c.AllowedSenders, domainOf(address))
}

func (c *Config) maxSize(client *Client, a *Account) int64 {
	size := c.MaxSize
	for _, limit := range []int64{client.MaxSize, a.MaxSize} {
		if limit > 0 {
			size = min(size, limit)
		}
	}
	return size
}

func listed(list []string, address string) bool {
	for _, s := range list {
		if strings.EqualFold(s, address) {
			return true
		}
	}
	return false
}

// domainOf returns the domain with its @, "" if there is none.
func domainOf(address string) string {
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		return address[i:]
	}
	return ""
}
