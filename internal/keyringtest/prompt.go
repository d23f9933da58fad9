//go:build linux

package keyringtest

import (
	"testing"

	"github.com/godbus/dbus/v5"
)

// Prompts stands for a desktop on which the keyring's prompts appear and nobody
// answers. Each channel receives a value for every prompt opened or closed.
type Prompts struct {
	Opened, Closed chan struct{}

	conn *dbus.Conn
	last dbus.BusObject // the keyring's side of the prompt opened last
}

// HoldPrompts gives the session such a desktop. Without it a prompt cannot be
// shown and counts as dismissed.
func (s *Session) HoldPrompts(t testing.TB) *Prompts {
	t.Helper()
	conn, err := dbus.Connect(s.Address(), dbus.WithIncomingInterceptor(replyByHand))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &Prompts{make(chan struct{}, 16), make(chan struct{}, 16), conn, nil}
	err = conn.Export(prompter{p}, "/org/gnome/keyring/Prompter", "org.gnome.keyring.internal.Prompter")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName("org.gnome.keyring.SystemPrompter", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	return p
}

// replyByHand leaves the replies to BeginPrompting and PerformPrompt, as the only
// ones, to these methods: what follows must not arrive before them. The keyring
// passes over an answer to a prompt of which it does not know yet that it is shown,
// and waits for ever.
func replyByHand(msg *dbus.Message) {
	switch member := msg.Headers[dbus.FieldMember]; member.Value() {
	case "BeginPrompting", "PerformPrompt":
		msg.Flags |= dbus.FlagNoReplyExpected
	}
}

// reply tells the keyring that the desktop has done what it was asked for.
func (p *Prompts) reply(msg dbus.Message, sender dbus.Sender) {
	p.conn.Send(&dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(string(sender)),
		dbus.FieldReplySerial: dbus.MakeVariant(msg.Serial()),
	}}, nil)
}

// Dismiss answers the prompt opened last, after a value from Opened, as a
// person does who presses Cancel.
func (p *Prompts) Dismiss(t testing.TB) {
	t.Helper()
	call := <-ready(p.last, "no").Done
	if call.Err != nil {
		t.Fatal(call.Err)
	}
}

// ready is the desktop's message that the prompt is there, with no answer, or
// that it has been answered.
func ready(prompt dbus.BusObject, answer string) *dbus.Call {
	const method = "org.gnome.keyring.internal.Prompter.Callback.PromptReady"
	return prompt.Go(method, 0, make(chan *dbus.Call, 1), answer, map[string]dbus.Variant{}, "")
}

// prompter is the desktop's half of GNOME's prompts, which is not documented
// and found by listening.
type prompter struct{ p *Prompts }

func (p prompter) BeginPrompting(msg dbus.Message, sender dbus.Sender, callback dbus.ObjectPath) *dbus.Error {
	p.p.reply(msg, sender)
	ready(p.p.conn.Object(string(sender), callback), "")
	return nil
}

func (p prompter) PerformPrompt(msg dbus.Message, sender dbus.Sender, callback dbus.ObjectPath, _ string, _ map[string]dbus.Variant, _ string) *dbus.Error {
	p.p.reply(msg, sender)
	p.p.last = p.p.conn.Object(string(sender), callback)
	p.p.Opened <- struct{}{}
	return nil
}

func (p prompter) StopPrompting(dbus.ObjectPath) *dbus.Error {
	p.p.Closed <- struct{}{}
	return nil
}
