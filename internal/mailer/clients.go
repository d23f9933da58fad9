package mailer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/natefinch/atomic"
	"github.com/pelletier/go-toml/v2"

	"traymail/internal/account"
	"traymail/internal/relay"
)

// A Client is a local tool or device that submits to the relay, one file each
// in the folder clients.
type Client struct {
	// Name is the file's name without ".toml", and the user name it signs in with.
	Name string `toml:"-" json:"name"`
	// PasswordHash is the argon2id hash of its password; without one it is known
	// by Networks alone.
	PasswordHash string `toml:"password_hash,omitempty" json:"-"`
	// HasPassword says that there is such a hash; it is set by Load.
	HasPassword bool `toml:"-" json:"has_password"`
	// Networks are where it needs no password.
	Networks       []netip.Prefix `toml:"networks,omitempty" json:"networks,omitempty"`
	AllowedSenders []string       `toml:"allowed_senders,omitempty" json:"allowed_senders,omitempty"` // addresses, or domains as "@contoso.com"; none is any
	Account        string         `toml:"account,omitempty" json:"account,omitempty"`                 // "" chooses by sender
	PerMinute      int            `toml:"messages_per_minute,omitempty" json:"messages_per_minute,omitempty"`
	MaxSizeMB      int            `toml:"max_size_mb,omitempty" json:"max_size_mb,omitempty"`
}

// ErrNoClient is matched by the error for a client that does not exist.
var ErrNoClient = errors.New("no such client")

// ClientFiles is where the clients are.
func (m *Mailer) ClientFiles() ClientDir { return ClientDir(filepath.Join(m.Home, "clients")) }

// A ClientDir is the folder with one file a client. One process writes at a
// time; readers always see a whole file.
type ClientDir string

func (d ClientDir) path(name string) string { return filepath.Join(string(d), name+".toml") }

// Names returns the names of the clients, sorted.
func (d ClientDir) Names() ([]string, error) { return account.Dir(d).Names() }

// Load reads and validates one client. The error matches ErrNoClient when there
// is no such file, and is an *account.FieldError when something in it is wrong.
func (d ClientDir) Load(name string) (*Client, error) {
	if err := validateClientName(name); err != nil {
		return nil, err
	}
	c := &Client{Name: name}
	data, err := account.ReadTOML(d.path(name), c)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoClient, name)
	}
	if err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, account.Locate(err, d.path(name), data)
	}
	c.HasPassword = c.PasswordHash != ""
	return c, nil
}

// All loads every client.
func (d ClientDir) All() ([]Client, error) {
	names, err := d.Names()
	if err != nil {
		return nil, err
	}
	var all []Client
	for _, name := range names {
		c, err := d.Load(name)
		if err != nil {
			return nil, err
		}
		all = append(all, *c)
	}
	return all, nil
}

// Save validates the client and replaces its file in one step.
func (d ClientDir) Save(c *Client) error {
	if err := c.Validate(); err != nil {
		return err
	}
	data, err := toml.Marshal(c)
	if err == nil {
		err = os.MkdirAll(string(d), 0o700)
	}
	if err == nil {
		err = atomic.WriteFile(d.path(c.Name), bytes.NewReader(data))
	}
	if err != nil {
		return fmt.Errorf("client %s is not saved, what it was before stays: %w", c.Name, err)
	}
	return nil
}

// Remove deletes the client's file. The error matches ErrNoClient when there is
// none.
func (d ClientDir) Remove(name string) error {
	if err := validateClientName(name); err != nil {
		return err
	}
	err := os.Remove(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNoClient, name)
	}
	return err
}

func validateClientName(name string) error {
	err := account.ValidateName(name)
	var f *account.FieldError
	if errors.As(err, &f) {
		f.Text = strings.Replace(f.Text, "an account name", "a client name", 1)
	}
	if err == nil && (name == relay.NoticeClient || name == relay.CommandClient) {
		err = &account.FieldError{Key: "name", Text: fmt.Sprintf("%q is what the record calls messages of traymail itself", name), Fix: "choose another name"}
	}
	return err
}

// Validate returns an *account.FieldError for the first field that cannot be
// used.
func (c *Client) Validate() error {
	if err := validateClientName(c.Name); err != nil {
		return err
	}
	switch {
	case c.PasswordHash == "" && len(c.Networks) == 0:
		return &account.FieldError{Key: "password_hash", Text: "there is neither a password nor a network, so this client could never send",
			Fix: "give it a password, traymail client passwd " + c.Name + ", or networks = [\"192.0.2.7/32\"]"}
	case c.PerMinute < 0:
		return &account.FieldError{Key: "messages_per_minute", Text: fmt.Sprintf("%d is negative", c.PerMinute), Fix: "give a number above 0, or leave the key out"}
	case c.MaxSizeMB < 0:
		return &account.FieldError{Key: "max_size_mb", Text: fmt.Sprintf("%d is negative", c.MaxSizeMB), Fix: "give a number above 0, or leave the key out"}
	}
	for _, n := range c.Networks {
		if n.Bits() == 0 {
			return &account.FieldError{Key: "networks", Text: fmt.Sprintf("%s would let everyone send without a password", n), Fix: "list the networks that may, such as 192.0.2.0/24"}
		}
	}
	return nil
}

// relayClient is the client as the relay knows it.
func (c *Client) relayClient() relay.Client {
	return relay.Client{
		Name: c.Name, PasswordHash: c.PasswordHash, Networks: slices.Clone(c.Networks), AllowedSenders: c.AllowedSenders,
		Account: c.Account, PerMinute: c.PerMinute, MaxSize: int64(c.MaxSizeMB) << 20,
	}
}

// What to do about a configuration that the relay refuses: one that was read
// from the files, and one that a caller wants saved.
const (
	fixInFiles = "correct it in " + settingsFile + ", or in the file of the client or account that it names; docs/configuration.md has every key"
	fixInCall  = "correct what it names, and try again; nothing was changed"
)

// relayConfig is the configuration of the relay as the files have it, with more
// clients in place of those of their names. Every account must be usable: one
// that is not would take its senders with it. What the relay refuses is an
// *account.FieldError with the fix.
func (m *Mailer) relayConfig(s Settings, fix string, more ...*Client) (relay.Config, error) {
	c := relay.Config{
		Hostname: s.Relay.Hostname, Default: s.Relay.DefaultAccount,
		MaxSize: int64(s.Relay.MaxSizeMB) << 20, MaxRecipients: s.Relay.MaxRecipients,
		MaxConnections: s.Relay.MaxConnections, MaxPerAddress: s.Relay.MaxConnectionsPerAddress, Timeout: s.Relay.Timeout.std(),
	}
	accounts, err := m.allAccounts()
	if err != nil {
		return c, err
	}
	for _, a := range accounts {
		c.Accounts = append(c.Accounts, relayAccount(a))
	}
	if c.Default == "" && len(accounts) == 1 {
		c.Default = accounts[0].Name
	}
	clients, err := m.ClientFiles().All()
	if err != nil {
		return c, err
	}
	for _, cl := range more {
		clients = append(slices.DeleteFunc(clients, func(other Client) bool { return other.Name == cl.Name }), *cl)
	}
	for _, cl := range clients {
		if known := func(a *account.Account) bool { return a.Name == cl.Account }; cl.Account != "" && !slices.ContainsFunc(accounts, known) {
			return c, &account.FieldError{File: m.ClientFiles().path(cl.Name), Key: "account", Text: fmt.Sprintf("there is no account %q", cl.Account),
				Fix: "name one of those that traymail account ls shows, or leave the key out"}
		}
		c.Clients = append(c.Clients, cl.relayClient())
	}
	for _, l := range s.Listeners {
		listener := relay.Listener{Name: l.Name, Address: l.Address, TLS: relay.TLSMode(l.TLS), AllowTLS10: l.TLS10, Networks: l.Networks}
		switch {
		case l.CertFile != "":
			listener.Certificate = relay.Certificate{CertFile: l.CertFile, KeyFile: l.KeyFile}
		case l.TLS != "none":
			listener.Certificate = relay.Certificate{Folder: filepath.Join(m.Home, "state", "certificates")}
		}
		c.Listeners = append(c.Listeners, listener)
	}
	for _, f := range s.Folders {
		c.Folders = append(c.Folders, relay.Folder{
			Name: f.Name, Path: f.Path, Settle: f.Settle.std(), Poll: f.Poll.std(),
			Client: relay.Client{Name: f.Name, Account: f.Account, AllowedSenders: f.AllowedSenders},
		})
	}
	if err := c.Validate(); err != nil {
		return c, &account.FieldError{Text: err.Error(), Fix: fix}
	}
	return c, nil
}

// relayAccount is an account as the relay knows it.
func relayAccount(a *account.Account) relay.Account {
	agent := ""
	if a.OnBehalf {
		agent = a.Username
	}
	return relay.Account{
		OnBehalf: agent, Name: a.Name, Sender: a.Sender, From: relay.FromPolicy(a.From), Senders: a.Senders,
		MaxSize: int64(a.MaxSizeMB) << 20,
	}
}

// allAccounts loads every account.
func (m *Mailer) allAccounts() ([]*account.Account, error) {
	names, err := m.Accounts().Names()
	if err != nil {
		return nil, err
	}
	var all []*account.Account
	for _, name := range names {
		a, err := m.Accounts().Load(name)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}
