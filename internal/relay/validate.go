package relay

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// The clients of messages that come neither from a client, a listener nor a
// folder. No such one may be named like them, whatever the case of the letters:
// its messages would be treated as theirs.
const (
	NoticeClient  = "traymail" // the program's own notices, of which nobody is notified in turn
	CommandClient = "command"  // what commands of this machine's users hand over
)

var reserved = map[string]error{
	NoticeClient:  errors.New("the record of messages calls the program's own notices by this name; choose another name"),
	CommandClient: errors.New("the record of messages calls messages of commands by this name; choose another name"),
}

// A naming is what is wrong with a name of one kind, as formats. Texts are whole
// sentences, so that they can be translated.
type naming struct{ none, twice, reserved string }

var (
	listenerNaming = naming{"a listener has no name; name it", "two listeners are named %q; rename one", "listener %q: %w"}
	addressNaming  = naming{"a listener has no address; give it one", "two listeners have the address %q; change one", ""}
	clientNaming   = naming{"a client has no name; name it", "two clients are named %q; rename one", "client %q: %w"}
	folderNaming   = naming{"a folder has no name; name it", "two folders are named %q; rename one", "folder %q: %w"}
	accountNaming  = naming{"an account has no name; name it", "two accounts are named %q; rename one", ""}
)

// Validate reports everything that is wrong, each with what to do. The rule
// that matters most: who listens beyond loopback has TLS and passwords, or
// says which networks are let in.
func (c Config) Validate() error {
	var errs []error
	if c.Hostname != "" && !ValidHostname(c.Hostname) {
		errs = append(errs, fmt.Errorf("%q is not a host name; write it as mail.example.com: labels of a-z, 0-9, - and _ with dots between them, in punycode if it has other letters, or leave it out for the machine's name", c.Hostname))
	}
	type key struct {
		naming
		name string
	}
	seen := map[key]bool{}
	unique := func(as naming, name string) {
		k := key{as, strings.ToLower(name)}
		switch {
		case name == "":
			errs = append(errs, errors.New(as.none))
		case seen[k]:
			errs = append(errs, fmt.Errorf(as.twice, name))
		}
		seen[k] = true
		if err := reserved[k.name]; err != nil && as.reserved != "" {
			errs = append(errs, fmt.Errorf(as.reserved, name, err))
		}
	}
	for _, l := range c.Listeners {
		unique(listenerNaming, l.Name)
		unique(addressNaming, l.Address)
		if err := c.validateListener(l); err != nil {
			errs = append(errs, fmt.Errorf("listener %q: %w", l.Name, err))
		}
	}
	for _, cl := range c.Clients {
		unique(clientNaming, cl.Name)
		if err := c.validateClient(cl); err != nil {
			errs = append(errs, fmt.Errorf("client %q: %w", cl.Name, err))
		}
	}
	for _, f := range c.Folders {
		unique(folderNaming, f.Name)
		if err := c.validateClient(f.Client); err != nil {
			errs = append(errs, fmt.Errorf("folder %q: %w", f.Name, err))
		}
		if info, err := os.Stat(f.Path); err != nil {
			errs = append(errs, fmt.Errorf("folder %q: %w; create it or change its path", f.Name, err))
		} else if !info.IsDir() {
			errs = append(errs, fmt.Errorf("folder %q: %s is not a folder", f.Name, f.Path))
		}
	}
	for _, a := range c.Accounts {
		unique(accountNaming, a.Name)
		if err := a.validate(); err != nil {
			errs = append(errs, fmt.Errorf("account %q: %w", a.Name, err))
		}
	}
	if c.Default != "" && c.accountNamed(c.Default) == nil {
		errs = append(errs, fmt.Errorf("the default account %q does not exist", c.Default))
	}
	if len(errs) == 0 {
		return nil
	}
	return problems(errs)
}

// problems are errors on one line, as a log and a terminal show them.
type problems []error

func (p problems) Error() string {
	texts := make([]string, len(p))
	for i, err := range p {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (p problems) Unwrap() []error { return p }

// ValidHostname reports whether a name can stand in the greeting, in EHLO and
// in Received (RFC 1123 §2.1, RFC 5321 §4.1.2): one label or more, without a
// dot at the end. An underscore is let through, as machines have it.
func ValidHostname(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool {
			return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		}) {
			return false
		}
	}
	return true
}

func (c Config) validateListener(l Listener) error {
	host, _, err := net.SplitHostPort(l.Address)
	if err != nil {
		return fmt.Errorf("address %q is not host:port, such as 127.0.0.1:2525", l.Address)
	}
	switch l.TLS {
	case NoTLS:
		if l.AllowTLS10 {
			return errors.New("TLS 1.0 is allowed, but TLS is off; set it to starttls or implicit")
		}
	case STARTTLS, ImplicitTLS:
		if err := l.Certificate.validate(); err != nil {
			return err
		}
	default:
		return fmt.Errorf("TLS is %q; it can be none, starttls or implicit", l.TLS)
	}
	if err := validateNetworks(l.Networks); err != nil {
		return err
	}
	switch {
	case isLoopback(host), c.letsOthersIn(l), l.TLS != NoTLS && c.passwords():
		// A listener on loopback may be without clients: they are added while it runs.
		return nil
	case l.TLS == NoTLS && c.passwords():
		return fmt.Errorf("%s is reachable from other machines, where a password needs TLS: switch TLS on, list the networks that need no password, or listen on 127.0.0.1", l.Address)
	}
	return fmt.Errorf("%s is reachable from other machines, and none of them could send: give a client a password and switch TLS on, list the networks that need no password, or listen on 127.0.0.1", l.Address)
}

// letsOthersIn reports whether the listener or a client names a network beyond
// this machine that may send without a password.
func (c Config) letsOthersIn(l Listener) bool {
	beyond := func(n netip.Prefix) bool { return !n.Masked().Addr().IsLoopback() }
	if slices.ContainsFunc(l.Networks, beyond) {
		return true
	}
	return slices.ContainsFunc(c.Clients, func(cl Client) bool { return slices.ContainsFunc(cl.Networks, beyond) })
}

func validateNetworks(networks []netip.Prefix) error {
	for _, n := range networks {
		if !n.IsValid() || n.Bits() == 0 {
			return fmt.Errorf("network %s would let everyone send without a password; list the networks that may", n)
		}
	}
	return nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func (c Config) validateClient(cl Client) error {
	if cl.Account != "" && c.accountNamed(cl.Account) == nil {
		return fmt.Errorf("its account %q does not exist", cl.Account)
	}
	if cl.PasswordHash != "" {
		if _, err := parseHash(cl.PasswordHash); err != nil {
			return err
		}
	}
	if err := validateNetworks(cl.Networks); err != nil {
		return err
	}
	return validateSenders(cl.AllowedSenders)
}

func (a Account) validate() error {
	if err := checkAddress(a.Sender, true); err != nil {
		return fmt.Errorf("sender %q: %w", a.Sender, err)
	}
	switch a.From {
	case "", Keep, Force, Rewrite:
	default:
		return fmt.Errorf("the From policy is %q; it can be keep, force or rewrite", a.From)
	}
	if a.OnBehalf != "" {
		if err := checkAddress(a.OnBehalf, true); err != nil {
			return fmt.Errorf("the one who sends on behalf, %q: %w", a.OnBehalf, err)
		}
	}
	return validateSenders(a.Senders)
}

func validateSenders(senders []string) error {
	for _, s := range senders {
		address := s
		if strings.HasPrefix(s, "@") {
			address = "x" + s
		}
		if err := checkAddress(address, true); err != nil {
			return fmt.Errorf("sender %q is neither an address nor a domain such as @example.com", s)
		}
	}
	return nil
}

func (c Certificate) validate() error {
	switch {
	case c.CertFile != "" && c.KeyFile != "":
		if _, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile); err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
	case c.CertFile != "" || c.KeyFile != "":
		return errors.New("a certificate needs both its file and its key's file")
	case c.Folder == "":
		return errors.New("TLS needs a certificate: name its files, or a folder in which one is made")
	}
	return nil
}
