// Package relay is the page of what tools hand their mail over to: the listeners,
// the tools with their passwords and when each was seen last, and the drop
// folders.
package relay

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
)

// A Kind is what an entry of the page is.
type Kind string

// The kinds. Each has a card with its entries.
const (
	Tool     Kind = "tool" // a client of the relay
	Listener Kind = "listener"
	Folder   Kind = "folder"
)

// Kinds are all kinds, in the order of the page.
var Kinds = []Kind{Tool, Listener, Folder}

// An Entry names one tool, listener or folder; Name is "" for a new one.
type Entry struct {
	Kind Kind
	Name string
}

// An Edit is the copy of an entry that the person changes. It is never changed
// itself, only replaced.
type Edit struct {
	Entry
	Client   mailer.Client
	Listener mailer.ListenerSettings
	Folder   mailer.FolderSettings
	// Password is what is to become of a tool's password.
	Password mailer.ClientPassword
	// Typed holds what was typed, by field, as long as it differs.
	Typed map[string]string
}

// A Field is one field of an entry. Its Key is that of docs/configuration.md.
type Field struct {
	Key     string
	Options []string // of a choice; nil for what is typed
	Account bool     // a choice among the accounts
	Box     bool     // a box to tick: "true" and "false"
	Fixed   bool     // cannot be changed once the entry exists
	value   func(*Edit) any
}

// FieldsOf are the fields of a kind.
func FieldsOf(k Kind) []Field {
	switch k {
	case Tool:
		return []Field{
			{Key: "name", Fixed: true, value: func(e *Edit) any { return &e.Client.Name }},
			{Key: "allowed_senders", value: func(e *Edit) any { return &e.Client.AllowedSenders }},
			{Key: "account", Account: true, value: func(e *Edit) any { return &e.Client.Account }},
			{Key: "password", Options: []string{string(mailer.KeepPassword), string(mailer.NewPassword), string(mailer.NoPassword)}, value: func(e *Edit) any { return (*string)(&e.Password) }},
			{Key: "networks", value: func(e *Edit) any { return &e.Client.Networks }},
			{Key: "messages_per_minute", value: func(e *Edit) any { return &e.Client.PerMinute }},
			{Key: "max_size_mb", value: func(e *Edit) any { return &e.Client.MaxSizeMB }},
		}
	case Listener:
		return []Field{
			{Key: "name", Fixed: true, value: func(e *Edit) any { return &e.Listener.Name }},
			{Key: "address", value: func(e *Edit) any { return &e.Listener.Address }},
			{Key: "tls", Options: []string{"none", "starttls", "implicit"}, value: func(e *Edit) any { return &e.Listener.TLS }},
			{Key: "networks", value: func(e *Edit) any { return &e.Listener.Networks }},
			{Key: "cert_file", value: func(e *Edit) any { return &e.Listener.CertFile }},
			{Key: "key_file", value: func(e *Edit) any { return &e.Listener.KeyFile }},
			{Key: "allow_tls10", Box: true, value: func(e *Edit) any { return &e.Listener.TLS10 }},
		}
	}
	return []Field{
		{Key: "name", Fixed: true, value: func(e *Edit) any { return &e.Folder.Name }},
		{Key: "path", value: func(e *Edit) any { return &e.Folder.Path }},
		{Key: "account", Account: true, value: func(e *Edit) any { return &e.Folder.Account }},
		{Key: "allowed_senders", value: func(e *Edit) any { return &e.Folder.AllowedSenders }},
	}
}

// Read is the field's value as the page shows it.
func (f Field) Read(e *Edit) string {
	if typed, is := e.Typed[f.Key]; is {
		return typed
	}
	switch v := f.value(e).(type) {
	case *string:
		return *v
	case *bool:
		return strconv.FormatBool(*v)
	case *int:
		if *v != 0 {
			return strconv.Itoa(*v)
		}
	case *[]string:
		return strings.Join(*v, ", ")
	case *[]netip.Prefix:
		var all []string
		for _, n := range *v {
			all = append(all, n.String())
		}
		return strings.Join(all, ", ")
	}
	return ""
}

// write puts what was typed into the entry. The error is an *account.FieldError.
func (f Field) write(e *Edit, typed string) error {
	typed = strings.TrimSpace(typed)
	wrong := func(text, fix string) error { return &account.FieldError{Key: f.Key, Text: text, Fix: fix} }
	parts := strings.FieldsFunc(typed, func(r rune) bool { return strings.ContainsRune(" ,;\n", r) })
	switch v := f.value(e).(type) {
	case *string:
		*v = typed
	case *bool:
		*v = typed == "true"
	case *int:
		n, err := strconv.Atoi(typed)
		if typed != "" && (err != nil || n < 0) {
			return wrong(fmt.Sprintf("%q is not a whole number", typed), "give a number above 0, or leave the field empty")
		}
		*v = n
	case *[]string:
		*v = parts
	case *[]netip.Prefix:
		var all []netip.Prefix
		for _, part := range parts {
			n, err := network(part)
			if err != nil {
				return wrong(fmt.Sprintf("%q is no network", part), "write it as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32")
			}
			all = append(all, n)
		}
		*v = all
	}
	return nil
}

// network takes an address for the network that has it alone.
func network(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	n, err := netip.ParsePrefix(s)
	return n.Masked(), err
}

// whole returns the entry with all that was typed in it.
func (e Edit) whole() (Edit, error) {
	for _, f := range FieldsOf(e.Kind) {
		if typed, is := e.Typed[f.Key]; is {
			if err := f.write(&e, typed); err != nil {
				return e, err
			}
		}
	}
	return e, nil
}

// A State is everything the page shows. It is never changed, only replaced.
type State struct {
	Known    bool
	Settings mailer.Settings
	Clients  []mailer.Client
	Status   desk.Status
	Busy     bool
	Err      error
	Problem  *account.FieldError // the part of Err that belongs to a field
	// Edit is the entry that is open, nil for none.
	Edit *Edit
	// Password is a tool's new one, shown as long as its entry is open; Of is
	// whose it is.
	Password mailer.Secret
	Of       string
	Saved    bool // the entry that is open was saved just now
	// Gone is the name of the entry that was open and that somebody else removed.
	Gone string
}

// Unsaved reports whether something was typed that is not applied.
func (s State) Unsaved() bool { return s.Edit != nil && len(s.Edit.Typed) > 0 }

// Names are the entries of a kind.
func (s State) Names(k Kind) []string {
	var names []string
	switch k {
	case Tool:
		for _, c := range s.Clients {
			names = append(names, c.Name)
		}
	case Listener:
		for _, l := range s.Settings.Listeners {
			names = append(names, l.Name)
		}
	case Folder:
		for _, f := range s.Settings.Folders {
			names = append(names, f.Name)
		}
	}
	return names
}

// Seen is what the program has seen of a tool since it started.
func (s State) Seen(tool string) (mailer.ClientStatus, bool) {
	i := slices.IndexFunc(s.Status.Clients, func(c mailer.ClientStatus) bool { return c.Name == tool })
	if i < 0 {
		return mailer.ClientStatus{}, false
	}
	return s.Status.Clients[i], true
}

// Bound is the address that a listener has, "" while it has none.
func (s State) Bound(name string) string {
	for _, l := range s.Status.Listeners {
		if l.Name == name {
			return l.Address
		}
	}
	return ""
}

// Watched is how a drop folder stands, false while it is not watched.
func (s State) Watched(name string) (mailer.FolderStatus, bool) {
	i := slices.IndexFunc(s.Status.Folders, func(f mailer.FolderStatus) bool { return f.Name == name })
	if i < 0 {
		return mailer.FolderStatus{}, false
	}
	return s.Status.Folders[i], true
}

// Local reports whether an address is reached from this machine alone.
func Local(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
