package mailer

import (
	"context"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/queue"
	"traymail/internal/setup"
	"traymail/keystore"
)

// Service is what the setup of an account needs of the program. All of it
// blocks and is safe for concurrent use.
type Service interface {
	// Account returns one account, and whether its secrets are there.
	Account(ctx context.Context, name string) (account.Account, Secrets, error)
	// Save stores an account and, unless it is empty, the secret that it proves
	// itself with: a client secret, a certificate with its key as PEM, or a
	// password. When it returns an error nothing has changed.
	Save(ctx context.Context, a account.Account, secret keystore.Secret) error
	// SignIn signs the account in and stores its refresh token.
	SignIn(ctx context.Context, name string, how SignIn) (SignedIn, error)
	// SendTest sends the test email; to may be empty for the account's own.
	SendTest(ctx context.Context, name, to string) (Delivery, error)
}

// Sending is how messages are handed over.
type Sending interface {
	// Send submits one message now and waits for the server's reply.
	Send(ctx context.Context, account string, s Submission) (Delivery, error)
	// Enqueue puts one message into the queue; from then on nothing loses it.
	// account may be empty, as with Send.
	Enqueue(ctx context.Context, account string, s Submission) (Queued, error)
}

// Queue is what can be seen of messages, and done with them.
type Queue interface {
	// Messages lists messages, newest first.
	Messages(ctx context.Context, f Filter) ([]Message, error)
	// Message returns all that is known of one.
	Message(ctx context.Context, id string) (*Record, error)
	// Change does one thing to one message.
	Change(ctx context.Context, id string, what Change) error
	// Flush makes what waits for a later attempt due now, of one account or,
	// when that is empty, of all, and returns how many messages that were.
	Flush(ctx context.Context, account string) (int, error)
	// Count returns how many messages Messages would list without a limit.
	Count(ctx context.Context, f Filter) (int, error)
	// Traffic returns what happened since then, in steps of equal length, oldest
	// first: the first step begins with since, and the last one holds now.
	Traffic(ctx context.Context, since time.Time, step time.Duration) ([]Volume, error)
}

// Running is what can be seen of the program as a whole.
type Running interface {
	// Status returns the state of everything.
	Status(ctx context.Context) (Status, error)
	// Watch calls changed whenever the status may have changed, at most five
	// times a second, and at least every Heartbeat, until ctx ends, changed
	// returns an error, or the program stops. Silence that is longer means that
	// the program does not answer.
	Watch(ctx context.Context, changed func(Status) error) error
	// Log lists attempts that ended, oldest first, from behind the one given.
	Log(ctx context.Context, after Attempt, limit int) ([]Attempt, error)
	// Reload reads the configuration again. When it returns an error the
	// former one is still in force.
	Reload(ctx context.Context) error
	// Diagnostics returns what a report for others holds. There is no secret in
	// it, no message's text and no whole address of a recipient.
	Diagnostics(ctx context.Context) ([]Document, error)
}

// Heartbeat is the longest silence of a Watch while the program is well.
const Heartbeat = 10 * time.Second

// Configuring is how the configuration is seen and changed. What is saved is in
// force when the call returns, in the program that runs; when it is saved and
// could not be taken over, the error matches ErrNotInForce.
type Configuring interface {
	// Settings returns what traymail.toml says, with the defaults filled in and
	// paths made absolute.
	Settings(ctx context.Context) (Settings, error)
	// SaveSettings changes traymail.toml so that Settings returns s. What does not
	// differ stays in the file as it is written, with its comments. The error is
	// an *account.FieldError that names the key where a value cannot be used, and
	// matches ErrChangedMeanwhile when the file is not the one that s was read
	// from; in both cases nothing has changed.
	SaveSettings(ctx context.Context, s Settings) error
	// Clients lists the clients by name, without the hashes of their passwords.
	Clients(ctx context.Context) ([]Client, error)
	// SaveClient adds a client, or changes the one of that name. c.PasswordHash
	// has no meaning. The password is that of NewPassword, told this once.
	SaveClient(ctx context.Context, c Client, how ClientPassword) (password Secret, err error)
	// RemoveClient deletes a client. The error matches ErrNoClient when there is
	// none of that name.
	RemoveClient(ctx context.Context, name string) error
	// Export returns an account as TOML for Import, without its secrets.
	Export(ctx context.Context, name string) ([]byte, error)
	// Import adds the account in data, TOML or JSON as Export or traymail account
	// export wrote it, under a name of its own unless that is "". Its secrets are
	// not there yet. The error is an *account.FieldError when data cannot be used
	// or the name is taken.
	Import(ctx context.Context, data []byte, name string) (account.Account, error)
}

// Pausing is the person's own pause, of one account or, with "", of all. It
// outlives a restart. Messages are taken, and not sent until it ends; those that
// are being sent are finished. What a person sends directly is sent.
type Pausing interface {
	// Pause begins a pause, or changes the end of the one there is; zero: until
	// Resume.
	Pause(ctx context.Context, account string, until time.Time) error
	// Resume ends it; one that is not paused stays as it is. With "" it ends
	// every pause that a person made. Pauses of other causes stay.
	Resume(ctx context.Context, account string) error
}

// Drafting keeps an unfinished setup, so that nothing typed is lost; one a home.
type Drafting interface {
	// Draft returns it, the zero Draft when there is none.
	Draft(ctx context.Context) (setup.Draft, error)
	// SaveDraft keeps it in place of the one there was. The secret is kept in the
	// keystore, and "" leaves the one that is kept; whether there is one is told by
	// the HasSecret that Draft returns. Save of the draft's account, the one of its
	// ID, without a secret takes it over: the account has it then, and the draft no
	// longer.
	SaveDraft(ctx context.Context, d setup.Draft, secret Secret) error
	// DropDraft forgets it with its secret.
	DropDraft(ctx context.Context) error
}

// ClientPassword says what becomes of a client's password.
type ClientPassword string

// The three ways.
const (
	KeepPassword ClientPassword = "keep" // it stays as it is; a new client has none
	NewPassword  ClientPassword = "new"  // one is made
	NoPassword   ClientPassword = "none" // the client is known by its networks alone
)

// A Document is one file of the diagnostics.
type Document struct {
	Name    string `json:"name"`  // such as "status.json"
	About   string `json:"about"` // what is in it, in one sentence
	Content []byte `json:"content"`
}

// A Pause is one that a person made.
type Pause struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"` // when it ends by itself; zero: with Resume
}

// Program is the whole of it: a Mailer in this process, or one in another,
// reached through internal/control.
type Program interface {
	Service
	Sending
	Queue
	Running
	Configuring
	Pausing
	Drafting
	// Validate gets a token and signs in to the server, and sends nothing.
	Validate(ctx context.Context, name string) (Validation, error)
	// Check does the setup checks of an account and tells report of each.
	Check(ctx context.Context, name string, o checks.Options, report func(checks.Result)) ([]checks.Result, error)
	// SendOnBehalf asks who may send on behalf of the account's sender and, with
	// grant, lets the username do so. Its error may match ErrNotAllowed.
	SendOnBehalf(ctx context.Context, name string, grant bool) (Delegation, error)
	// Remove deletes an account with its secrets.
	Remove(ctx context.Context, name string) error
	// Close ends what the Program holds open.
	Close() error
}

var _ Program = (*Mailer)(nil)

// The queue's own types, for faces that know the queue through this package.
type (
	Filter  = queue.Filter
	Message = queue.Summary
	Record  = queue.Record
	Attempt = queue.Attempt
	State   = queue.State
)

// States are all that a message can be in; OpenStates are those in which it is
// not done with.
var (
	States     = append(OpenStates[:len(OpenStates):len(OpenStates)], queue.Delivered, queue.Failed, queue.Removed)
	OpenStates = []State{queue.Queued, queue.Sending, queue.Held}
)

// What a Change, or looking at one message, may fail with.
var (
	ErrNoMessage    = queue.ErrNotFound // no message has that ID
	ErrMessageState = queue.ErrState    // the message is not in a state that allows the change
)

// A Change is one thing that can be done to a message that waits.
type Change string

// The changes.
const (
	Retry   Change = "retry"   // the next attempt is due now
	Hold    Change = "hold"    // wait for Release
	Release Change = "release" // go on
	Drop    Change = "remove"  // take it out, telling nobody
)

// Queued is a message that the queue has taken.
type Queued struct {
	ID         string   `json:"id"` // the queue's
	Account    string   `json:"account"`
	MessageID  string   `json:"message_id"`
	Recipients []string `json:"recipients"`
	// Waiting says that no program runs that would deliver it.
	Waiting bool `json:"waiting"`
}

// A Status is what the program is doing, as one immutable snapshot.
type Status struct {
	Running   bool             `json:"running"` // false: no program runs; the queue is as it was left
	Version   string           `json:"version,omitempty"`
	PID       int              `json:"pid,omitempty"`
	Started   time.Time        `json:"started,omitzero"`
	Home      string           `json:"home"`
	Queue     string           `json:"queue"` // the file, or the database's host and name
	Listeners []ListenerStatus `json:"listeners"`
	Folders   []FolderStatus   `json:"folders,omitempty"`
	Accounts  []AccountStatus  `json:"accounts"`
	Clients   []ClientStatus   `json:"clients"`
	// Problem is why the configuration as it is in the files is not in force;
	// empty when it is.
	Problem string `json:"problem,omitempty"`
	// Damaged tells of damaged files of the queue that were set aside and are still
	// there, oldest first.
	Damaged []Damage `json:"damaged,omitempty"`
	// Paused is a person's pause of all accounts; nil: there is none.
	Paused *Pause `json:"paused,omitempty"`
	// Window says that a window belongs to this process.
	Window bool `json:"window,omitempty"`
}

// A ListenerStatus is an address the relay listens on.
type ListenerStatus struct {
	Name    string `json:"name"`
	Address string `json:"address"` // as bound
	TLS     string `json:"tls"`
}

// A FolderStatus is a drop folder that is watched.
type FolderStatus struct {
	Name string `json:"name"`
	Path string `json:"path"`
	// Problem is why files that are dropped there are not taken; empty if they are.
	Problem string `json:"problem,omitempty"`
}

// A ClientStatus is what was seen of a client since the program started.
type ClientStatus struct {
	Name     string    `json:"name"`
	LastSeen time.Time `json:"last_seen,omitzero"`
	Messages int64     `json:"messages"` // taken
	Refused  int64     `json:"refused"`
}

// AccountState is an account's state in one word.
type AccountState string

// The states of an account.
const (
	Ready     AccountState = "ready"     // delivers
	Paused    AccountState = "paused"    // waits, and goes on by itself or, when a person paused it, as that person wants
	Attention AccountState = "attention" // waits for a person
)

// An AccountStatus is how one account is doing. The counts are of this program
// since it started; what waits is of the whole queue.
type AccountStatus struct {
	Name     string       `json:"name"`
	Username string       `json:"username,omitempty"`
	Sender   string       `json:"sender,omitempty"`
	State    AccountState `json:"state"`
	// Cause, Reason and Fix say why it is not ready, and what to do; Since and
	// Until when that began, and when it goes on, if that is known.
	Cause  Cause     `json:"cause,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Fix    string    `json:"fix,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	// Elsewhere says that other machines of the same queue send its messages
	// meanwhile.
	Elsewhere bool `json:"elsewhere,omitempty"`

	Waiting int `json:"waiting"`
	Sending int `json:"sending"`
	Held    int `json:"held"`
	// Unknown are those of Held that may have been sent: a person must find out.
	Unknown int       `json:"unknown"`
	Bytes   int64     `json:"bytes"`
	Oldest  time.Time `json:"oldest,omitzero"`

	Delivered     int64            `json:"delivered"` // recipients
	Refused       int64            `json:"refused"`   // recipients
	Replies       map[string]int64 `json:"replies"`   // attempts by the server's reply code, such as "250", "554 5.2.252" and "403 ErrorAccessDenied"
	RoundTrips    int64            `json:"round_trips"`
	Sessions      int              `json:"sessions"` // open now
	LastDelivered time.Time        `json:"last_delivered,omitzero"`
	LastReply     string           `json:"last_reply,omitempty"`
	// Over is how messages leave just now, smtp or graph; Instead is the refusal
	// for which an account with transport = "auto" does not use SMTP, and InsteadFor
	// the mailboxes that it is about, where the account has several.
	Over          account.Transport `json:"over,omitempty"`
	Instead       string            `json:"instead_of_smtp,omitempty"`
	InsteadFor    []string          `json:"instead_for,omitempty"`
	TokenExpires  time.Time         `json:"token_expires,omitzero"`
	SecretExpires time.Time         `json:"secret_expires,omitzero"`

	Alerts []Alert `json:"alerts"` // the gravest first
}

// A Cause is why an account is paused, in a word that programs can go by.
type Cause string

// The causes. Of those that a person must end, the account is in need of
// attention; the others end by themselves.
const (
	CauseSignIn   Cause = "sign-in"       // somebody has to sign in
	CauseSettings Cause = "settings"      // the account's settings cannot work
	CauseProvider Cause = "provider"      // the provider refuses the account, and an administrator must act
	CauseKeystore Cause = "keystore"      // the keychain is locked or away
	CauseNetwork  Cause = "network"       // the server or the identity provider is not reached
	CauseThrottle Cause = "throttled"     // the provider wants a rest
	CauseQuota    Cause = "quota"         // the day's recipients are used up
	CauseUser     Cause = queue.PauseUser //  a person paused it; no cause of another kind is shown meanwhile
)
