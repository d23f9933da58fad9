package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
	"traymail/internal/setup"
)

// patienceOfBrowser is how long a person may take in the browser.
const patienceOfBrowser = 5 * time.Minute

// signIn signs the account in.
func (w *wizard) signIn(ctx context.Context) error {
	a := w.d.Account
	at := "browser"
	u := a.RedirectURL
	switch {
	case strings.HasPrefix(u, "https://"):
		at = "paste"
	case os.Getenv("SSH_CONNECTION") != "" || runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		at = "device" // the browser is elsewhere
	}
	all := []choice{{"browser", "In the browser of this machine"}, {"device", "With a code, on any other device"}, {"paste", "In a browser anywhere, and paste the address on which it ends"}}
	if a.Provider == account.Custom && a.DeviceURL == "" || a.Provider == account.Google {
		all = slices.Delete(all, 1, 2)
		if at == "device" {
			at = "paste"
		}
	}
	for {
		id, err := w.ask.choose(ctx, "Sign in as "+a.Username+", not as the administrator", "", at, all)
		if err != nil {
			return err
		}
		how := mailer.SignIn{Open: w.p.openBrowser, Timeout: patienceOfBrowser}
		switch id {
		case "device":
			how = mailer.SignIn{Device: w.p.showCode}
		case "paste":
			how = mailer.SignIn{Paste: w.askAddress, Timeout: patienceOfBrowser}
		}
		in, err := w.m.SignIn(ctx, a.Name, how)
		if err == nil {
			fmt.Fprintln(w.p.stderr, signedIn(in)+".")
			w.d.SignedIn = setup.SignInKey(a)
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, errLeft) {
			return errLeft
		}
		if !errors.Is(err, errBack) {
			w.tell(err)
		}
		at = id
	}
}

// tell prints what went wrong, and what to do.
func (w *wizard) tell(err error) {
	w.ask.say("Not done: " + oneLine(err) + "\n" + mailer.Fix(err))
}

// askAddress asks for the address on which a browser elsewhere ended.
func (w *wizard) askAddress(ctx context.Context, address string, wrong error) (string, error) {
	if wrong == nil {
		fmt.Fprintf(w.p.stderr, "Open this address in any browser, and sign in:\n%s\n", address)
	} else {
		w.tell(wrong)
	}
	typed := ""
	err := w.ask.fill(ctx, question{title: "Address on which the browser ended", why: "All of it, also when the browser says that it cannot show the page.", value: &typed})
	return strings.TrimSpace(typed), err
}

// checks looks at everything, and sends the test email.
func (w *wizard) checks(ctx context.Context) error {
	a := w.d.Account
	look := func(wait time.Duration) error {
		all, err := w.m.Check(ctx, a.Name, checks.Options{NoSend: true, Wait: wait}, w.p.tellChecks())
		if err == nil {
			err = w.p.concludeChecks(a.Name, all, checks.Options{NoSend: true, Wait: wait})
		}
		var unwell *checkError
		if errors.As(err, &unwell) {
			fmt.Fprintf(w.p.stderr, "%s\n", oneLine(err))
			return nil
		}
		return err
	}
	if err := look(0); err != nil {
		return err
	}
	for {
		const test, again, wait, behalf, on = "test", "again", "wait", "behalf", "on"
		all := []choice{{test, "Send the test email to " + cmp.Or(a.TestTo, a.Sender)}, {again, "Check again"}, {wait, "Wait for what was granted just now: check again for up to an hour"}}
		if setup.SendsForOther(a) {
			all = append(all, choice{behalf, "Send on Behalf: who may, and grant it"})
		}
		at := test
		if w.d.Tested {
			at = on
			all = slices.Insert(all, 0, choice{on, "Go on: what to type into the tool"})
		} else {
			all = append(all, choice{on, "Go on without a test email"})
		}
		id, err := w.ask.choose(ctx, "What now?", "", at, all)
		if err != nil {
			return err
		}
		switch id {
		case test:
			d, failed := w.m.SendTest(ctx, a.Name, "")
			if err = failed; err == nil {
				err = w.p.printDelivery(d)
				w.d.Tested = true
			}
		case again:
			err = look(0)
		case wait:
			err = look(time.Hour)
		case behalf:
			err = w.behalf(ctx)
		default:
			return nil
		}
		switch {
		case ctx.Err() != nil, errors.Is(err, errLeft):
			return errLeft
		case errors.Is(err, errBack):
		case err != nil:
			w.tell(err)
		}
		if err := w.keep(ctx); err != nil {
			return err
		}
	}
}

// behalf tells who signs in, who sends, what recipients see and what is granted,
// and offers to grant it.
func (w *wizard) behalf(ctx context.Context) error {
	a := w.d.Account
	w.ask.say(fmt.Sprintf("Signs in: %s. Sends: %s.\nWith Send As recipients see: %[2]s. With Send on Behalf: %[1]s on behalf of %[2]s. With both, Send As wins.", a.Username, a.Sender))
	d, err := w.m.SendOnBehalf(ctx, a.Name, false)
	switch {
	case errors.Is(err, mailer.ErrNotAllowed):
		w.ask.say("The account may not see who may send on behalf of " + a.Sender + "; an administrator may.")
	case err != nil:
		return err
	case d.Granted:
		w.ask.say(d.Username + " may send on behalf of " + d.Mailbox + " already.")
		return nil
	default:
		w.ask.say("At present that may: " + cmp.Or(strings.Join(d.Delegates, ", "), "nobody") + ".")
	}
	yes, err := w.ask.confirm(ctx, "Let "+a.Username+" send on behalf of "+a.Sender+"?", "An administrator of Exchange signs in for it in the browser, where the account may not do it by itself. It is the same as: traymail admin "+a.Name+" --grant",
		"Grant Send on Behalf", "Leave it as it is")
	if err != nil || !yes {
		return err
	}
	return w.p.grantSendOnBehalf(ctx, grant{account: a.Name, yes: true})
}

// done makes a client for the tool, and tells what to type into it.
func (w *wizard) done(ctx context.Context) error {
	if err := w.client(ctx); err != nil {
		return err
	}
	r, err := w.relay(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(w.p.stderr, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w.p.stderr, "\nType into the tool:")
	for _, f := range setup.HandOver(r) {
		value := f.Value
		if f.Secret {
			value = "the one above, shown this once"
			if w.password == "" {
				value = "the one that was shown; a new one: traymail client passwd " + w.d.Client
			}
		}
		fmt.Fprintf(out, "  %s\t%s\n", f.ID, value)
	}
	out.Flush()
	for {
		const end, service = "end", "service"
		all := []choice{{end, "End the setup"}}
		for _, s := range setup.Snippets(r) {
			all = append(all, choice{s.ID, "Show what to write for: " + cmp.Or(s.Name, s.ID)})
		}
		all = append(all, choice{service, "Show how to have traymail run all the time"})
		id, err := w.ask.choose(ctx, "The setup of "+w.d.Account.Name+" is done", "Start traymail now, in this terminal: traymail serve", end, all)
		if err != nil && !errors.Is(err, errBack) {
			return err
		}
		switch {
		case err != nil:
			return err
		case id == end:
			w.d.Done = true
			return nil
		case id == service:
			w.ask.say("As a service, which starts with the machine:\n  traymail service install\nfor your own session only:\n  traymail service install --user\nThe service needs a home folder and a keystore of its own: docs/operations.md, As a service. Every command then needs its --home.")
		default:
			w.snippet(setup.Snippets(r), id)
		}
	}
}

// client makes the tool's client, once.
func (w *wizard) client(ctx context.Context) error {
	if w.d.Client != "" {
		return nil
	}
	dir, err := w.p.clients()
	if err != nil {
		return err
	}
	taken, err := dir.Names()
	if err != nil {
		return err
	}
	name := setup.FreeName(cmp.Or(w.d.Guide, "tool"), taken)
	if err := w.ask.fill(ctx, question{title: "Name of the tool that will send", why: "It is its user name towards traymail.", value: &name, wrong: func(s string) string {
		if s = strings.TrimSpace(s); slices.Contains(taken, s) {
			return "there is a client " + s + " already"
		}
		if account.ValidateName(s) != nil { // a client's name has the form of an account's
			return "use lower-case letters, digits and '-', such as backup-job"
		}
		return ""
	}}); err != nil {
		return err
	}
	c := mailer.Client{Name: strings.TrimSpace(name), AllowedSenders: setup.ClientSenders(w.d.Account), Account: w.d.Account.Name}
	password, err := w.m.SaveClient(ctx, c, mailer.NewPassword)
	if err != nil && !errors.Is(err, mailer.ErrNotInForce) {
		return err
	}
	c.HasPassword, w.password = true, password.Reveal()
	if err := errors.Join(w.p.showClient(c, w.password), err); err != nil {
		return err
	}
	w.d.Client = c.Name
	return w.keep(ctx)
}

// relay is where the tool hands its messages over: the first listener.
func (w *wizard) relay(ctx context.Context) (setup.Relay, error) {
	home, err := w.p.homeFolder()
	if err != nil {
		return setup.Relay{}, err
	}
	address, tls := "", ""
	if s, err := w.m.Status(ctx); err == nil && len(s.Listeners) > 0 {
		address, tls = s.Listeners[0].Address, s.Listeners[0].TLS
	} else {
		settings, err := mailer.ReadSettings(home)
		if err != nil {
			return setup.Relay{}, err
		}
		address, tls = settings.Listeners[0].Address, settings.Listeners[0].TLS
	}
	machine, _ := os.Hostname() // "" shows as a blank to fill in
	r := setup.RelayAt(address, tls, machine)
	r.Client, r.Password, r.Sender, r.TestTo, r.Home = w.d.Client, w.password, w.d.Account.Sender, cmp.Or(w.d.Account.TestTo, w.d.Account.Sender), home
	if r.Program, err = os.Executable(); err != nil {
		r.Program = "traymail"
	}
	return r, nil
}

// snippet prints what one tool is told.
func (w *wizard) snippet(all []setup.Snippet, id string) {
	i := slices.IndexFunc(all, func(s setup.Snippet) bool { return s.ID == id })
	if all[i].Unfit == setup.NoImplicitTLS {
		w.ask.say(all[i].Name + " cannot send there: it begins without TLS and changes over (STARTTLS), and the listener has TLS from the start. Add a listener with tls = \"starttls\".")
	}
	for _, f := range all[i].Fields {
		if f.Secret {
			f.Value = "(the password)"
		}
		fmt.Fprintf(w.p.stdout, "%-22s %s\n", cmp.Or(f.Name, f.ID), f.Value)
	}
	for _, part := range all[i].Parts {
		fmt.Fprintf(w.p.stdout, "# %s\n%s\n\n", part.ID, part.Text)
	}
}
