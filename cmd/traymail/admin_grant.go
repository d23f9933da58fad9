package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

// A grant is one run of admin --grant.
type grant struct {
	account string
	yes     bool
}

// errDeclined is a no to a question: nothing was changed.
var errDeclined = errors.New("not granted: nothing was changed")

// grantSendOnBehalf lets the account's username send on behalf of its sender,
// after somebody agreed: by the account's own rights or, where it has none, by
// those of an administrator who signs in.
func (p *program) grantSendOnBehalf(ctx context.Context, g grant) error {
	m, done, err := p.reach(ctx)
	if err != nil {
		return err
	}
	defer done()
	d, err := m.SendOnBehalf(ctx, g.account, false)
	switch {
	case errors.Is(err, mailer.ErrNotAllowed):
		d, err = p.grantAsAdministrator(ctx, g)
	case err == nil && !d.Granted:
		if err = p.agree(g, d); err == nil {
			d, err = m.SendOnBehalf(ctx, g.account, true)
		}
	}
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(d)
	}
	fmt.Fprintf(p.stdout, "%s may send on behalf of %s. Delegates: %s.\n", d.Username, d.Mailbox, strings.Join(d.Delegates, ", "))
	fmt.Fprintf(p.stderr, "A message proves it: traymail check %s. It may take some minutes until Exchange goes by it.\n", g.account)
	return nil
}

// grantAsAdministrator works in this process, whatever else runs: what it does
// needs no queue, and the browser is here.
func (p *program) grantAsAdministrator(ctx context.Context, g grant) (mailer.Delegation, error) {
	m, done, err := p.engine()
	if err != nil {
		return mailer.Delegation{}, err
	}
	defer done()
	fmt.Fprintln(p.stderr, "The account may not do it by itself. An administrator of Exchange signs in now; nothing is kept of that sign-in.")
	return m.SendOnBehalfAs(ctx, g.account, p.openBrowser, func(d mailer.Delegation) error { return p.agree(g, d) })
}

// agree asks before anything is changed.
func (p *program) agree(g grant, d mailer.Delegation) error {
	by := d.By
	if by == "" {
		by = "the account's own rights"
	}
	now := strings.Join(d.Delegates, ", ")
	if now == "" {
		now = "nobody"
	}
	fmt.Fprintf(p.stderr, "By %s: let %s send on behalf of %s? At present that may: %s.\n", by, d.Username, d.Mailbox, now)
	if g.yes {
		return nil
	}
	if !p.interactive() {
		return &account.FieldError{Text: "nobody can be asked: standard input is no terminal", Fix: "agree beforehand: traymail admin " + g.account + " --grant --yes"}
	}
	fmt.Fprint(p.stderr, "Type yes to grant it: ")
	line, err := bufio.NewReader(p.stdin).ReadString('\n')
	if strings.EqualFold(strings.TrimSpace(line), "yes") {
		return nil
	}
	if err != nil && line == "" {
		return fmt.Errorf("%w (%w)", errDeclined, err)
	}
	return errDeclined
}
