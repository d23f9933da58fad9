package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/keystore"
)

func (p *program) setupCommand() *cobra.Command {
	var plain, again bool
	c := &cobra.Command{
		Use:   "setup [flags]",
		Short: "Set an account up, step by step",
		Long: `Set an account up in the terminal, step by step: how you send, addresses, the app
registration with what to click in the portal, the sign-in, the checks, the test
email, and what to type into the tool.

Every step can be left with Ctrl+C and taken up again: 'traymail setup' goes on
where it was. Escape goes back a step; with --plain it is the answer <.

Flags of 'traymail account add' answer beforehand what is set up otherwise, such as
--provider, --smtp-host or --ca-file.`,
		Example: `  traymail setup
  traymail setup --plain
  traymail setup --provider microsoft365-gcc-high`,
		Args: usage(cobra.NoArgs),
	}
	c.RunE = p.with(func(c *cobra.Command, m mailer.Program, _ []string) error {
		w := &wizard{p: p, m: m, ask: p.newAsker(plain), prefill: func(a *account.Account) error { _, err := setFields(c, a); return err }}
		return w.run(c.Context(), again)
	})
	registerFields(c)
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = true }) // 'traymail account add --help' has them
	c.Flags().BoolVar(&plain, "plain", false, "ask line by line, for terminals without a cursor and for screen readers")
	c.Flags().BoolVar(&again, "new", false, "begin anew, and forget an unfinished setup")
	return c
}

// A wizard is one run of the setup.
type wizard struct {
	p       *program
	m       mailer.Program
	ask     *asker
	prefill func(*account.Account) error // with what was given as flags

	d        setup.Draft
	guide    setup.Guide     // the one that was followed, or none
	pasted   setup.Found     // from pastes
	secret   keystore.Secret // typed, and not kept yet
	password string          // of the client, told once
}

// run goes through the steps, from where a former run was left.
func (w *wizard) run(ctx context.Context, again bool) error {
	if err := w.begin(ctx, again); err != nil {
		return w.left(ctx, err)
	}
	steps := map[string]func(context.Context) error{
		setup.StepMethod: w.method, setup.StepAddresses: w.addresses, setup.StepRegistration: w.registration,
		setup.StepSignIn: w.signIn, setup.StepChecks: w.checks, setup.StepDone: w.done,
	}
	if w.ask.plain {
		w.ask.say("The answer < goes back a step; Ctrl+C leaves, and 'traymail setup' then goes on where it was.")
	} else {
		w.ask.say("Escape goes back a step; Ctrl+C leaves, and 'traymail setup' then goes on where it was.")
	}
	for !w.d.Done {
		w.heading()
		w.ask.backward = w.d.Step != setup.StepMethod
		err := steps[w.d.Step](ctx)
		switch {
		case err == nil:
			w.d.Step = w.d.Next()
		case errors.Is(err, errBack):
			w.d.Step = w.d.Back()
		default:
			return w.left(ctx, err)
		}
		if w.d.Done {
			break
		}
		if err := w.keep(ctx); err != nil {
			return err
		}
	}
	return w.m.DropDraft(ctx)
}

// begin takes up what was left.
func (w *wizard) begin(ctx context.Context, again bool) error {
	d, err := w.m.Draft(ctx)
	if err != nil && !again {
		return err
	}
	if !d.Empty() && !again {
		name := d.Account.Username
		if name == "" {
			name = "an account without an address yet"
		}
		goOn, err := w.ask.confirm(ctx, "There is an unfinished setup, of "+name, "", "Go on with it", "Begin anew")
		if err != nil {
			return errLeft
		}
		again = !goOn
	}
	if d.Empty() || again {
		if err := w.m.DropDraft(ctx); err != nil {
			return err
		}
		w.d = setup.Draft{Step: setup.StepMethod, Ticks: map[string]bool{}}
		return nil
	}
	w.d = d
	if w.d.Ticks == nil {
		w.d.Ticks = map[string]bool{}
	}
	w.guide, _ = setup.GuideByID(d.Guide)
	if a, s, err := w.m.Account(ctx, d.Account.Name); err == nil && a.ID == d.Account.ID {
		w.d.HasSecret = w.d.HasSecret || s.ClientSecret || s.Password || s.Certificate
		if !s.SignedIn {
			w.d.SignedIn = ""
		}
	} else {
		w.d.SignedIn = ""
	}
	w.d.Step = w.d.Resume()
	return nil
}

// keep keeps the draft, with the secret when one was typed.
func (w *wizard) keep(ctx context.Context) error {
	if err := w.m.SaveDraft(ctx, w.d, w.secret); err != nil {
		return err
	}
	w.d.HasSecret = w.d.HasSecret || w.secret != ""
	w.secret = ""
	return nil
}

// left ends a run before its end. What was typed is kept, also after the signal
// that ended ctx.
func (w *wizard) left(ctx context.Context, cause error) error {
	if !errors.Is(cause, errLeft) && ctx.Err() == nil {
		return errors.Join(cause, w.keep(ctx))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if w.d.Method == "" {
		return &account.FieldError{Text: errLeft.Error(), Fix: "nothing was typed yet; begin again with: traymail setup"}
	}
	if err := w.keep(ctx); err != nil {
		return err
	}
	return &account.FieldError{Text: errLeft.Error(), Fix: "what was typed is kept; go on with: traymail setup"}
}

// stepWords are the headings.
var stepWords = map[string]string{
	setup.StepMethod: "How do you send?", setup.StepAddresses: "Addresses", setup.StepRegistration: "App registration",
	setup.StepSignIn: "Sign in", setup.StepChecks: "Checks and test email", setup.StepDone: "What to type into the tool",
}

func (w *wizard) heading() {
	all := setup.Order()
	title := stepWords[w.d.Step]
	if w.d.Step == setup.StepRegistration && w.d.Account.SignIn == account.PasswordSignIn {
		title = "Password"
	}
	fmt.Fprintf(w.p.stderr, "\n== Step %d of %d: %s\n", slices.Index(all, w.d.Step)+1, len(all), title)
}

// method asks how to send.
func (w *wizard) method(ctx context.Context) error {
	const guided = "guide"
	var cards []choice
	at := ""
	for _, m := range setup.Methods() {
		if m.ID == w.d.Method {
			at = m.Card
		}
		if !slices.ContainsFunc(cards, func(c choice) bool { return c.id == m.Card }) {
			cards = append(cards, choice{m.Card, methodWords[m.Card]})
		}
	}
	cards = append(cards, choice{guided, "I followed the guide of another program"})
	if w.d.Guide != "" {
		at = guided
	}
	card, err := w.ask.choose(ctx, "How do you send?", "", at, cards)
	if errors.Is(err, errBack) {
		return errLeft // there is nothing before it
	}
	if err != nil {
		return err
	}
	id, guide := card, ""
	switch card {
	case setup.GraphCard:
		id, err = w.ask.choose(ctx, "Who signs in?", "", w.d.Method, []choice{
			{setup.GraphBrowser, "A person, once, in the browser"}, {setup.GraphApp, "The application by itself; an administrator permits it"}})
	case guided:
		var all []choice
		for _, g := range setup.Guides() {
			all = append(all, choice{g.ID, g.Name})
		}
		guide, err = w.ask.choose(ctx, "Whose guide?", "", w.d.Guide, all)
	}
	if errors.Is(err, errBack) {
		return w.method(ctx)
	}
	if err != nil {
		return err
	}
	return w.choose(id, guide)
}

// choose takes over a method, or the one of a guide. What was typed before stays.
func (w *wizard) choose(id, guide string) error {
	begun := w.d.Account
	if g, ok := setup.GuideByID(guide); ok {
		if w.d.Guide == guide {
			return nil
		}
		w.guide = g
		w.d.Method, w.d.Guide = g.Method, g.ID
		w.d.Account = g.Account(g.ID)
		if begun.ID != "" {
			m, _ := setup.MethodByID(g.Method)
			kept := m.Switch(begun)
			former := kept
			kept.Registration, kept.Credential, kept.Timeout = w.d.Account.Registration, w.d.Account.Credential, g.Timeout
			kept.Follow(former)
			w.d.Account = kept
		}
	} else {
		if w.d.Method == id && w.d.Guide == "" {
			return nil
		}
		m, _ := setup.MethodByID(id)
		w.guide = setup.Guide{}
		w.d.Method, w.d.Guide = id, ""
		if begun.ID != "" {
			w.d.Account = m.Switch(begun)
		} else {
			w.d.Account = m.Account("")
		}
	}
	return w.prefill(&w.d.Account)
}
