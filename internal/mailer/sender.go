package mailer

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-sasl"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/keystore"
	"traymail/smtp"
)

// A sender is an account at work: its tokens and its ways to the servers.
type sender struct {
	account *account.Account
	auth    *authcode.Client // nil unless a person signs in
	tokens  tokenSource      // nil where a password is sent
	secret  keystore.Secret  // what the account proves itself with beside a sign-in
	mailer  *Mailer
	roots   *x509.CertPool
	web     *http.Client // to Graph, for all mailboxes

	expires atomic.Pointer[time.Time] // of the access token used last

	mu sync.Mutex
	// insteadOfSMTP is why the messages of a mailbox leave through Graph, of an
	// account whose transport is to be found out.
	insteadOfSMTP map[string]fallback
	closed        bool
	ways          map[string]*way // by mailbox
	turn          int64           // counts the uses of ways
	seen          map[string]seen // by resource
	busy          sync.WaitGroup  // uses of ways, and ways that come to their end
}

// A way is what reaches the servers for one mailbox: its sessions and its
// requests. A person's account has one, for the mailbox "".
type way struct {
	smtp  *smtp.Client
	graph *graph.Client
	users int   // messages under way
	turn  int64 // of the last use
}

// seen is the token of a resource that was looked at last.
type seen struct {
	token    authcode.Secret
	warnings []Warning
}

// A fallback is a refusal that sends messages another way for a while.
type fallback struct {
	since time.Time
	reply string
}

// errRetired means that the account was changed meanwhile: the next sender is
// to be asked.
var errRetired = smtp.ErrClosed

func (m *Mailer) build(ctx context.Context, a *account.Account) (*sender, error) {
	secret, err := m.credential(ctx, a)
	if err != nil {
		return nil, err
	}
	roots, err := m.rootCAs(a.CAFile)
	if err != nil {
		return nil, err
	}
	w := &sender{account: a, secret: secret, mailer: m, roots: roots, web: m.graphClient(roots), ways: map[string]*way{}, seen: map[string]seen{}}
	switch a.SignIn {
	case account.PasswordSignIn:
	case account.AppOnly:
		source, err := m.application(ctx, a, secret, m.applicationConfig(a, roots, resources(a)))
		if err != nil {
			return nil, err
		}
		w.tokens = source
	default:
		w.auth = m.person(a, secret, roots)
		w.tokens = m.stored(a, w.auth)
	}
	return w, nil
}

// mailboxFor is the mailbox that a message from an address leaves through.
func (w *sender) mailboxFor(from string) string {
	switch {
	case w.account.SignIn != account.AppOnly:
		return ""
	case w.account.Mailbox == account.FromMailbox && from != "":
		return strings.ToLower(from)
	}
	return w.account.Sender
}

// manyMailboxes is how many keep warm sessions at most: of a server, which has
// other customers, and of this machine.
const manyMailboxes = 20

// enter returns the way of a mailbox, to be left when the message is through.
// From enter to leave it is not closed.
func (w *sender) enter(mailbox string) (*way, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, errRetired
	}
	y := w.ways[mailbox]
	if y == nil {
		w.letGo()
		y = w.newWay(mailbox)
		w.ways[mailbox] = y
	}
	w.turn++
	y.turn = w.turn
	y.users++
	w.busy.Add(1)
	return y, nil
}

// hold keeps the tokens from being closed until release. It returns false when
// the account was changed, and another sender has taken this one's place.
func (w *sender) hold() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.busy.Add(1)
	}
	return !w.closed
}

func (w *sender) release() { w.busy.Done() }

func (w *sender) leave(y *way) {
	w.mu.Lock()
	y.users--
	w.mu.Unlock()
	w.busy.Done()
}

// letGo ends the way that was not used for the longest time, if there are many.
func (w *sender) letGo() {
	if len(w.ways) < manyMailboxes {
		return
	}
	oldest := ""
	for mailbox, y := range w.ways {
		if y.users == 0 && (w.ways[oldest] == nil || y.turn < w.ways[oldest].turn) {
			oldest = mailbox
		}
	}
	if y := w.ways[oldest]; y != nil && y.users == 0 {
		delete(w.ways, oldest)
		w.busy.Go(func() { y.smtp.Close() })
	}
}

func (w *sender) newWay(mailbox string) *way {
	a := w.account
	timeout := time.Duration(a.Timeout) * time.Second
	y := &way{
		smtp: &smtp.Client{
			Host:    a.SMTPHost,
			Port:    a.SMTPPort,
			TLS:     tlsMode(a.SMTPTLS),
			RootCAs: w.roots,
			Dial:    w.mailer.dialer(),
			Now:     w.mailer.Now,
			WireLog: w.mailer.WireLog,
			Timeout: timeout,

			MaxSessions: a.Sessions,
			Pipeline:    a.PipelineDepth,
			Fewer: func(sessions int, refused *smtp.Error) {
				w.mailer.unasked().Info("the server takes fewer sessions at a time than the account has, and gets no more for a while", "account", a.Name,
					"sessions", sessions, "configured", a.Sessions, "reply", serverText(refused))
			},
		},
		graph: &graph.Client{
			BaseURL: a.GraphURL + "/v1.0",
			Token: func(ctx context.Context, refused string) (string, error) {
				if refused != "" {
					w.tokens.Refused(resourceGraph, authcode.Token{Access: authcode.Secret(refused)})
				}
				t, err := w.token(ctx, resourceGraph)
				return t.Access.Reveal(), err
			},
			HTTPClient:    w.web,
			Timeout:       timeout,
			AnswerTimeout: w.mailer.answerTimeout,
			MaxConcurrent: a.Sessions,
			Now:           w.mailer.Now,
		},
	}
	if w.mailer.shared.Load() {
		// The provider counts the sessions of all machines together, idle ones
		// too, so that a warm one here would take another machine's turn.
		y.smtp.IdleTimeout = time.Nanosecond
	}
	if a.SMTPTLS != account.NoTLS { // neither token nor password goes out in clear text
		y.smtp.Auth = w.authenticate(cmp.Or(mailbox, a.Username))
	}
	return y
}

// token returns an access token and looks at what it says of itself.
func (w *sender) token(ctx context.Context, resource string) (authcode.Token, error) {
	t, err := w.tokens.Token(ctx, resource)
	if err != nil {
		return t, err
	}
	w.expires.Store(&t.Expiry)
	for _, warning := range w.look(resource, t) {
		w.mailer.unasked().Warn("the access token says something that may not work", "account", w.account.Name, "resource", resource, "what", warning.Text, "fix", warning.Fix)
	}
	return t, nil
}

// look notes what a token says of itself, and returns that when the token is a
// new one.
func (w *sender) look(resource string, t authcode.Token) []Warning {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen[resource].token == t.Access {
		return nil
	}
	found := tokenWarnings(w.account, resource, t.Access.Reveal(), w.mailer.now())
	w.seen[resource] = seen{t.Access, found}
	return found
}

// saw reports whether a token was in use before.
func (w *sender) saw(resource string, t authcode.Token) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[resource].token == t.Access
}

// warnings are what the current token of a resource says that will not work.
func (w *sender) warnings(resource string) []Warning {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[resource].warnings
}

// authenticate signs sessions of user in, with a password or with the current
// access token. After a refusal the token that was refused is forgotten first,
// so that a fresh one is fetched.
func (w *sender) authenticate(user string) func(context.Context, *smtp.Error) (sasl.Client, error) {
	if w.tokens == nil {
		return func(_ context.Context, refused *smtp.Error) (sasl.Client, error) {
			switch {
			case refused != nil:
				return nil, errSamePassword
			case w.account.SMTPAuth == account.LoginAuth:
				return smtp.Login(user, w.secret.Reveal()), nil
			}
			return smtp.Plain(user, w.secret.Reveal()), nil
		}
	}
	var mu sync.Mutex
	var used authcode.Token
	return func(ctx context.Context, refused *smtp.Error) (sasl.Client, error) {
		if refused != nil {
			mu.Lock()
			w.tokens.Refused(resourceSMTP, used)
			mu.Unlock()
		}
		t, err := w.token(ctx, resourceSMTP)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		used = t
		mu.Unlock()
		if w.account.SMTPAuth == account.OAuthBearer {
			return smtp.OAuthBearer(user, t.Access.Reveal(), w.account.SMTPHost, w.account.SMTPPort), nil
		}
		return smtp.XOAUTH2(user, t.Access.Reveal()), nil
	}
}

// errSamePassword keeps a refused password from being sent once more, which
// counts against a lockout.
var errSamePassword = errors.New("the password was refused")

// An outgoing message is one with what decides about its way.
type outgoing struct {
	*smtp.Message
	author string // whose mailbox it leaves through, where that is the message's own matter
	own    bool   // a notice of the program, which no setting may keep from leaving
	// resend says that an earlier attempt, since then, may have sent it.
	resend bool
	since  time.Time
}

// submit sends a message the way that the account's transport says.
func (w *sender) submit(ctx context.Context, m outgoing) (*smtp.Receipt, error) {
	mailbox := w.mailboxFor(m.author)
	if w.account.Mailbox == account.FromMailbox && m.From != "" {
		m.From = cmp.Or(m.author, w.account.Sender) // another is not this mailbox's to use
	}
	y, err := w.enter(mailbox)
	if err != nil {
		return nil, err
	}
	defer w.leave(y)
	if w.overGraph(mailbox) {
		return w.submitToGraph(ctx, y.graph, mailbox, m)
	}
	receipt, err := y.smtp.Submit(ctx, m.Message)
	if w.fallsBack(mailbox, err) {
		return w.submitToGraph(ctx, y.graph, mailbox, m)
	}
	return receipt, err
}

// ready reports why the account could not send now: it signs in to the server,
// and sends nothing.
func (w *sender) ready(ctx context.Context) error {
	mailbox := w.mailboxFor("")
	y, err := w.enter(mailbox)
	if err != nil {
		return err
	}
	defer w.leave(y)
	if !w.overGraph(mailbox) {
		if err := y.smtp.Ready(ctx); !w.fallsBack(mailbox, err) {
			return err
		}
	}
	return y.graph.Ready(ctx, mailbox)
}

// sessions is how many connections are open.
func (w *sender) sessions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, y := range w.ways {
		n += y.smtp.Sessions()
	}
	return n
}

// close ends the warm sessions, waits for messages in flight, and ends the rest:
// until then they may need another token, or another request.
func (w *sender) close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock() // from here on ways is nobody else's
	var ending sync.WaitGroup
	errs := make(chan error, len(w.ways))
	for _, y := range w.ways {
		ending.Go(func() { errs <- y.smtp.Close() })
	}
	ending.Wait()
	close(errs)
	w.busy.Wait()
	for _, y := range w.ways {
		y.graph.Close()
	}
	w.web.CloseIdleConnections()
	if w.tokens != nil {
		w.tokens.Close()
	}
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}
