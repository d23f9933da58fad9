package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/sandbox"
	"traymail/keystore"
)

func (p *program) demoCommand() *cobra.Command {
	var headless, setup bool
	c := p.reporting(&cobra.Command{
		Use:   "demo",
		Short: "Show the whole job on the sandbox: sign in, send, arrive",
		Long: `Show the whole job on the sandbox: a browser sign-in, the refresh token in the
keychain, a message submitted over STARTTLS with XOAUTH2, the server's reply, and
a message that a tool hands to the relay, delivered in the background.
Nothing leaves this machine, and nothing stays on it.

With --setup the window begins as at the very first start, and you take every
step of the setup yourself. Microsoft 365's own names lead to the sandbox: its
links and its sign-in open the sandbox's pages in your browser.`,
		Example: `  traymail demo
  traymail demo --setup
  traymail demo --headless`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if setup {
				return p.showSetup(c)
			}
			r, err := p.rehearse(c.Context())
			if err != nil {
				return err
			}
			defer r.close()
			if headless || p.json {
				return p.headlessDemo(c.Context(), r)
			}
			return p.showDemo(c, r)
		},
	})
	c.Flags().BoolVar(&headless, "headless", false, "sign in through the sandbox's pages without a browser, and tell each step")
	c.Flags().BoolVar(&setup, "setup", false, "rehearse the setup: a window on an empty home, in front of the sandbox")
	c.MarkFlagsMutuallyExclusive("setup", "headless")
	c.MarkFlagsMutuallyExclusive("setup", "json")
	return c
}

// distance is how far away the demo's server is. With it, the waits that the
// server counts are exact: without, two of them may look like one.
const distance = 20 * time.Millisecond

// A rehearsal is the program on a sandbox, with a home folder of its own. close
// ends both, and nothing is left of them.
type rehearsal struct {
	sandbox *sandbox.Sandbox
	ready   sandbox.Ready
	user    sandbox.ReadyUser
	mailer  *mailer.Mailer
	account account.Account
	close   func()
}

// rehearse starts a sandbox and puts an account for it in a new home folder.
func (p *program) rehearse(ctx context.Context) (*rehearsal, error) {
	r, err := p.stage(ctx, sandbox.Options{RTT: distance, Pages: true}, p.demoKeystore)
	if err != nil {
		return nil, err
	}
	r.account, err = sandboxAccount(r.mailer.Home, r.ready, r.user)
	if err == nil {
		err = r.mailer.Save(ctx, r.account, "")
	}
	if err != nil {
		r.close()
		return nil, err
	}
	end := r.close
	r.close = func() {
		r.mailer.Remove(context.WithoutCancel(ctx), r.account.Name)
		end()
	}
	return r, nil
}

// stage starts a sandbox and the program on a new home folder, which is empty.
// open opens the keystore for a home.
func (p *program) stage(ctx context.Context, o sandbox.Options, open func(context.Context, string) (keystore.Store, error)) (*rehearsal, error) {
	r := &rehearsal{}
	var undo []func()
	r.close = func() {
		for i := len(undo) - 1; i >= 0; i-- {
			undo[i]()
		}
	}
	fail := func(err error) (*rehearsal, error) { r.close(); return nil, err }

	var err error
	if r.sandbox, err = sandbox.Start(o); err != nil {
		return nil, err
	}
	undo = append(undo, func() { r.sandbox.Close() })
	r.ready = r.sandbox.Ready()
	r.user = r.ready.Users[0]
	p.tell("The sandbox listens: sign-in pages on %s, SMTP on %s:%d.", r.ready.Authority, r.ready.SMTPHost, r.ready.SMTPPort)

	home, err := os.MkdirTemp("", "traymail-demo-*")
	if err != nil {
		return fail(err)
	}
	undo = append(undo, func() { os.RemoveAll(home) })
	secrets, err := open(ctx, home)
	if err != nil {
		return fail(err)
	}
	m, done, err := p.engineOn(home, secrets)
	if err != nil {
		return fail(err)
	}
	undo = append(undo, done)
	r.mailer = m
	return r, nil
}

// sandboxAccount is an account as an administrator would make it for the
// sandbox's tenant.
func sandboxAccount(home string, ready sandbox.Ready, user sandbox.ReadyUser) (account.Account, error) {
	a := account.New("demo")
	a.Username = user.Username
	a.TestTo = "ops@" + ready.Domain
	a.Tenant = ready.TenantID
	a.ClientID = ready.Apps[0].ClientID
	a.AuthorityURL = ready.Authority
	a.GraphURL = ready.GraphURL
	a.ExchangeURL = ready.ExchangeURL
	a.SMTPHost = ready.SMTPHost
	a.SMTPPort = ready.SMTPPort
	a.CAFile = filepath.Join(home, "sandbox-ca.pem")
	return *a, os.WriteFile(a.CAFile, []byte(ready.CAPEM), 0o600)
}

// demoKeystore is the system's keychain, or, said aloud, an encrypted file.
func (p *program) demoKeystore(ctx context.Context, home string) (keystore.Store, error) {
	asking, cancel := context.WithTimeout(ctx, time.Minute) // a locked one may ask for its password
	defer cancel()
	err := keystore.Available(asking)
	if err == nil {
		return keystore.Keychain(), nil
	}
	if !errors.Is(err, keystore.ErrUnavailable) {
		return nil, err
	}
	p.tell("There is no keychain here (%s): the demo uses an encrypted file.", oneLine(err))
	key := filepath.Join(home, "demo.key")
	if err := keystore.CreateKeyFile(key); err != nil {
		return nil, err
	}
	return keystore.OpenFile(filepath.Join(home, "secrets.age"), keystore.KeyFile(key))
}

// tell prints a step of the demo; with --json only the result is printed.
func (p *program) tell(format string, args ...any) {
	out := p.stdout
	if p.json {
		out = io.Discard
	}
	fmt.Fprintf(out, format+"\n", args...)
}

// headlessDemo walks the sign-in pages as a person would, and sends twice: on
// a cold session and on the warm one.
func (p *program) headlessDemo(ctx context.Context, r *rehearsal) error {
	start := time.Now()
	walking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var walk sync.WaitGroup
	in, err := r.mailer.SignIn(walking, r.account.Name, mailer.SignIn{Open: func(address string) error {
		p.tell("The browser would open %.60s… Signing in on its pages as %s.", address, r.user.Username)
		walk.Go(func() {
			person := sandbox.Person{Username: r.user.Username, Password: r.user.Password, MFACode: r.user.MFACode, Client: trusting(r.ready.CAPEM)}
			if _, err := person.Visit(ctx, address); err != nil {
				stop(fmt.Errorf("the sign-in pages: %w", err)) // nobody will come back
			}
		})
		return nil
	}})
	if err != nil {
		return err
	}
	walk.Wait()
	kept := fmt.Sprint(r.mailer.Secrets)
	p.tell("Signed in as %s. The refresh token is in: %s.", in.Username, kept)
	cold, err := r.mailer.SendTest(ctx, r.account.Name, "")
	if err != nil {
		return err
	}
	p.tell("The test email went to %s over %s with XOAUTH2. The server said: %s", cold.Accepted[0], cold.TLS, cold.Reply)
	if _, err := r.mailer.SendTest(ctx, r.account.Name, ""); err != nil {
		return err
	}
	inbox := r.sandbox.Tenant().Inbox()
	if len(inbox) != 2 {
		return fmt.Errorf("the sandbox holds %d messages, two were sent", len(inbox))
	}
	p.tell("It arrived as %s. Waits for the server, as it counted them: %d on a cold session, %d on the warm one.", inbox[0].MessageID, inbox[0].Turns, inbox[1].Turns)
	relayed, err := p.handToRelay(ctx, r)
	if err != nil {
		return err
	}
	if err := p.awaitRelayed(ctx, r, &relayed); err != nil {
		return err
	}
	if !p.json {
		return nil
	}
	return p.printJSON(demoResult{
		SignedInAs: in.Username, Keystore: kept, SMTPReply: cold.Reply, MessageID: cold.MessageID,
		RoundTripsCold: inbox[0].Turns, RoundTripsWarm: inbox[1].Turns, Relayed: relayed, ElapsedMS: time.Since(start).Milliseconds(),
	})
}

// trusting returns a client that trusts the sandbox's CA.
func trusting(pem string) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(pem))
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
}

type demoResult struct {
	SignedInAs     string         `json:"signed_in_as"`
	Keystore       string         `json:"keystore"`
	SMTPReply      string         `json:"smtp_reply"`
	MessageID      string         `json:"message_id"`
	RoundTripsCold int            `json:"round_trips_cold"`
	RoundTripsWarm int            `json:"round_trips_warm"`
	Relayed        relayedMessage `json:"relayed"`
	ElapsedMS      int64          `json:"elapsed_ms"`
}
