package control

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
	"traymail/keystore"
)

// A program is a mailer.Program made of functions; one that is not set panics.
type program struct {
	account  func(context.Context, string) (account.Account, mailer.Secrets, error)
	save     func(context.Context, account.Account, keystore.Secret) error
	signIn   func(context.Context, string, mailer.SignIn) (mailer.SignedIn, error)
	sendTest func(context.Context, string, string) (mailer.Delivery, error)
	send     func(context.Context, string, mailer.Submission) (mailer.Delivery, error)
	enqueue  func(context.Context, string, mailer.Submission) (mailer.Queued, error)
	messages func(context.Context, mailer.Filter) ([]mailer.Message, error)
	message  func(context.Context, string) (*mailer.Record, error)
	change   func(context.Context, string, mailer.Change) error
	flush    func(context.Context, string) (int, error)
	status   func(context.Context) (mailer.Status, error)
	watch    func(context.Context, func(mailer.Status) error) error
	log      func(context.Context, mailer.Attempt, int) ([]mailer.Attempt, error)
	reload   func(context.Context) error
	remove   func(context.Context, string) error
	delegate func(context.Context, string, bool) (mailer.Delegation, error)
	validate func(context.Context, string) (mailer.Validation, error)
	check    func(context.Context, string, checks.Options, func(checks.Result)) ([]checks.Result, error)
	configuring
}

func (p *program) Account(ctx context.Context, name string) (account.Account, mailer.Secrets, error) {
	return p.account(ctx, name)
}
func (p *program) Save(ctx context.Context, a account.Account, s keystore.Secret) error {
	return p.save(ctx, a, s)
}
func (p *program) Validate(ctx context.Context, name string) (mailer.Validation, error) {
	return p.validate(ctx, name)
}
func (p *program) SendOnBehalf(ctx context.Context, name string, grant bool) (mailer.Delegation, error) {
	return p.delegate(ctx, name, grant)
}
func (p *program) Check(ctx context.Context, name string, o checks.Options, report func(checks.Result)) ([]checks.Result, error) {
	return p.check(ctx, name, o, report)
}
func (p *program) SignIn(ctx context.Context, name string, how mailer.SignIn) (mailer.SignedIn, error) {
	return p.signIn(ctx, name, how)
}
func (p *program) SendTest(ctx context.Context, name, to string) (mailer.Delivery, error) {
	return p.sendTest(ctx, name, to)
}
func (p *program) Send(ctx context.Context, name string, s mailer.Submission) (mailer.Delivery, error) {
	return p.send(ctx, name, s)
}
func (p *program) Enqueue(ctx context.Context, name string, s mailer.Submission) (mailer.Queued, error) {
	return p.enqueue(ctx, name, s)
}
func (p *program) Messages(ctx context.Context, f mailer.Filter) ([]mailer.Message, error) {
	return p.messages(ctx, f)
}
func (p *program) Message(ctx context.Context, id string) (*mailer.Record, error) {
	return p.message(ctx, id)
}
func (p *program) Change(ctx context.Context, id string, what mailer.Change) error {
	return p.change(ctx, id, what)
}
func (p *program) Flush(ctx context.Context, name string) (int, error) { return p.flush(ctx, name) }
func (p *program) Status(ctx context.Context) (mailer.Status, error)   { return p.status(ctx) }
func (p *program) Reload(ctx context.Context) error                    { return p.reload(ctx) }
func (p *program) Remove(ctx context.Context, name string) error       { return p.remove(ctx, name) }
func (p *program) Close() error                                        { panic("the server closes the program") }
func (p *program) Watch(ctx context.Context, f func(mailer.Status) error) error {
	return p.watch(ctx, f)
}
func (p *program) Log(ctx context.Context, after mailer.Attempt, limit int) ([]mailer.Attempt, error) {
	return p.log(ctx, after, limit)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *lockedBuffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b.Reset()
}

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// a rig is a program that is served, and the client that reaches it.
type rig struct {
	program *program
	*Client
	server *Server
	home   string
	log    *lockedBuffer
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{program: &program{}, home: t.TempDir(), log: &lockedBuffer{}}
	r.server = serve(t, r.home, r.program, r.log)
	r.Client = dialed(t, r.home)
	return r
}

func serve(t testing.TB, home string, p mailer.Program, log io.Writer) *Server {
	t.Helper()
	s, err := Serve(home, p, logTo(log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, s) })
	return s
}

func shutdown(t testing.TB, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

func dialed(t testing.TB, home string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

var discard = slog.New(slog.DiscardHandler)
