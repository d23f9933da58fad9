package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A Mailbox is what the endpoint says of one, as far as it is of use here.
// Properties that the answer lacks are empty.
type Mailbox struct {
	Address     string // primary
	Username    string // UserPrincipalName
	DisplayName string
	ID          string // ExternalDirectoryObjectId
	Kind        string // RecipientTypeDetails: "UserMailbox", "SharedMailbox"
	// SendOnBehalf are the delegates of GrantSendOnBehalfTo, in its order.
	SendOnBehalf []Delegate

	// Names are further addresses and names of the mailbox, by which delegates may
	// be called.
	Names []string
}

// A Delegate may send on behalf of a mailbox. It is a mailbox, a mail user or a
// mail-enabled security group: whether it is a group, the endpoint does not say.
type Delegate struct {
	// Value is what GrantSendOnBehalfTo holds and what is written back: an
	// address, an ID or a name.
	Value string
	// Address and Name are what the endpoint says besides, where it does.
	Address, Name string
}

func (d Delegate) String() string {
	switch {
	case d.Address != "":
		return d.Address
	case d.Name != "" && !strings.EqualFold(d.Name, d.Value):
		return d.Name + " (" + d.Value + ")"
	}
	return d.Value
}

// Is reports whether the delegate is who: by address or ID where there are any,
// since several people can have one name, and by name else.
func (d Delegate) Is(who Mailbox) bool {
	sure := slices.Concat([]string{who.Address, who.Username, who.ID}, who.Names)
	if matches(d.Value, sure) || matches(d.Address, sure) {
		return true
	}
	if strings.Contains(d.Value+d.Address, "@") {
		return false
	}
	return matches(d.Value, []string{who.DisplayName}) || matches(d.Name, []string{who.DisplayName})
}

func matches(value string, names []string) bool {
	return value != "" && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, value) })
}

// Mailbox returns what the endpoint says of a mailbox, by any of its addresses.
// The error is an *Error, or ctx's.
func (c *Client) Mailbox(ctx context.Context, address string) (Mailbox, error) {
	body, err := c.call(ctx, OpGet, parameters{Identity: address, ResultSize: 1, Names: true})
	if err != nil {
		return Mailbox{}, err
	}
	m, ok := readMailbox(body)
	if !ok {
		return Mailbox{}, &Error{Op: OpGet, Host: c.host(), Mailbox: address, Status: http.StatusOK, foreign: true, Err: errors.New("the answer holds no mailbox")}
	}
	return m, nil
}

// GrantSendOnBehalf lets delegate send on behalf of a mailbox. Set-Mailbox
// overwrites the list, so it is read, written with one more, and read back: a nil
// error means that the list holds the delegate and all who were in it. A list that
// somebody else changes in the same moment may lose that change. The error is an
// *Error, of OpProof when the list reads back otherwise, or ctx's.
//
// A delegate without a mailbox, such as a group, is compared by its address.
func (c *Client) GrantSendOnBehalf(ctx context.Context, mailbox, delegate string) error {
	before, err := c.Mailbox(ctx, mailbox)
	if err != nil {
		return err
	}
	who, err := c.Mailbox(ctx, delegate)
	if refused, ok := errors.AsType[*Error](err); ok && refused.NotFound() {
		who, err = Mailbox{Address: delegate}, nil
	}
	if err != nil {
		return err
	}
	who.Names = append(who.Names, delegate)
	if before.MaySendOnBehalf(who) {
		return nil
	}
	list := []string{}
	for _, d := range before.SendOnBehalf {
		list = append(list, d.Value)
	}
	if _, err := c.call(ctx, OpSet, parameters{Identity: mailbox, Delegates: append(list, delegate)}); err != nil {
		return err
	}
	after, err := c.Mailbox(ctx, mailbox)
	if err != nil {
		return err
	}
	return after.proves(before, who, delegate, c.host())
}

// MaySendOnBehalf reports whether the list names who. Whoever it does not name
// may still be a member of a group that it names.
func (m Mailbox) MaySendOnBehalf(who Mailbox) bool {
	return slices.ContainsFunc(m.SendOnBehalf, func(d Delegate) bool { return d.Is(who) })
}

// proves compares the list with what it was.
func (m Mailbox) proves(before, who Mailbox, delegate, host string) error {
	fail := &Error{Op: OpProof, Host: host, Mailbox: before.Address}
	for _, was := range before.SendOnBehalf {
		if !slices.ContainsFunc(m.SendOnBehalf, func(d Delegate) bool { return strings.EqualFold(d.Value, was.Value) }) {
			fail.Err = fmt.Errorf("%s may no longer be in GrantSendOnBehalfTo: look with Get-Mailbox, and add it again", was)
			return fail
		}
	}
	if !m.MaySendOnBehalf(who) {
		fail.Err = fmt.Errorf("%s was accepted, and GrantSendOnBehalfTo does not name it yet: look again in some minutes", delegate)
		return fail
	}
	return nil
}

// A row is a mailbox as it comes. Members are taken raw, so that one of an odd
// type does not hide the others.
type row map[string]json.RawMessage

// readMailbox reads the first mailbox of an answer.
func readMailbox(body []byte) (Mailbox, bool) {
	var list struct {
		Value []row `json:"value"`
	}
	if json.Unmarshal(body, &list) != nil || len(list.Value) == 0 {
		return Mailbox{}, false
	}
	r := list.Value[0]
	m := Mailbox{
		Address: r.text("PrimarySmtpAddress"), Username: r.text("UserPrincipalName"), DisplayName: r.text("DisplayName"),
		ID: r.text("ExternalDirectoryObjectId"), Kind: r.text("RecipientTypeDetails"),
	}
	for _, name := range []string{"Identity", "Name", "Alias", "Guid", "Id", "DistinguishedName"} {
		if s := r.text(name); s != "" {
			m.Names = append(m.Names, s)
		}
	}
	for _, address := range r.list("EmailAddresses") {
		if kind, a, ok := strings.Cut(address.Value, ":"); ok && strings.EqualFold(kind, "smtp") {
			m.Names = append(m.Names, a)
		}
	}
	m.SendOnBehalf = together(r.list("GrantSendOnBehalfTo"), r.list("GrantSendOnBehalfToWithDisplayNames"))
	return m, m.Address != "" || m.Username != "" || len(m.Names) > 0 || r["GrantSendOnBehalfTo"] != nil
}

// together adds what a list with display names says to the list without, of the
// same delegates in the same order. It may also be the only one.
func together(values, named []Delegate) []Delegate {
	if len(values) == 0 {
		return named
	}
	for i := range values {
		if len(named) == len(values) {
			values[i].Address = named[i].Address
			values[i].Name = named[i].Name
			if values[i].Name == "" && named[i].Value != values[i].Value {
				values[i].Name = named[i].Value
			}
		}
	}
	return values
}

func (r row) text(name string) string {
	var s string
	_ = json.Unmarshal(r[name], &s)
	return oneLine(s)
}

// list reads an array of strings or objects, or a single one.
func (r row) list(name string) []Delegate {
	var all []json.RawMessage
	if json.Unmarshal(r[name], &all) != nil {
		all = []json.RawMessage{r[name]}
	}
	var list []Delegate
	for _, raw := range all {
		var d Delegate
		var object row
		if json.Unmarshal(raw, &d.Value) != nil && json.Unmarshal(raw, &object) == nil {
			d.Address, d.Name = object.text("PrimarySmtpAddress"), object.text("DisplayName")
			for _, name := range []string{"PrimarySmtpAddress", "ExternalDirectoryObjectId", "Identity", "Name", "DisplayName"} {
				if d.Value == "" {
					d.Value = object.text(name)
				}
			}
		}
		if d.Value = oneLine(d.Value); d.Value != "" {
			list = append(list, d)
		}
	}
	return list
}
