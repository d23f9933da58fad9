package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
	"traymail/internal/setup"
)

// maxJSON bounds the arguments of one call, in octets. A message is no part of
// them.
const maxJSON = 1 << 20

// The arguments of the calls that have more than one, or none.
type (
	nothing struct{}

	saving struct {
		Account account.Account `json:"account"`
		// Secret is in the clear: keystore.Secret would not travel.
		Secret string `json:"secret,omitempty"`
	}
	checking struct {
		Name    string         `json:"name"`
		Options checks.Options `json:"options"`
	}
	delegating struct {
		Name  string `json:"name"`
		Grant bool   `json:"grant,omitempty"`
	}
	testMail struct {
		Name string `json:"name"`
		To   string `json:"to"`
	}
	sending struct {
		Account    string            `json:"account"`
		Submission mailer.Submission `json:"submission"` // without Data, which follows
	}
	changing struct {
		ID     string        `json:"id"`
		Change mailer.Change `json:"change"`
	}
	following struct {
		After mailer.Attempt `json:"after"`
		Limit int            `json:"limit"`
	}
	measuring struct {
		Since time.Time     `json:"since"`
		Step  time.Duration `json:"step"` // nanoseconds
	}
	savingClient struct {
		Client mailer.Client         `json:"client"`
		How    mailer.ClientPassword `json:"password"`
	}
	importing struct {
		Data []byte `json:"data"`
		Name string `json:"name,omitempty"`
	}
	pausing struct {
		Account string    `json:"account,omitempty"`
		Until   time.Time `json:"until,omitzero"`
	}
	drafting struct {
		Draft setup.Draft `json:"draft"`
		// Secret is in the clear, as in saving.
		Secret string `json:"secret,omitempty"`
	}
	signingIn struct {
		Name    string        `json:"name"`
		Open    bool          `json:"open,omitempty"` // which callbacks there are
		Paste   bool          `json:"paste,omitempty"`
		Device  bool          `json:"device,omitempty"`
		Timeout time.Duration `json:"timeout,omitempty"` // nanoseconds
	}
)

// The results that are more than one value, or hold what JSON leaves out.
type (
	greeting struct {
		PID int `json:"pid"`
	}
	accountResult struct {
		Account account.Account `json:"account"`
		Secrets mailer.Secrets  `json:"secrets"`
	}
	deliveryResult struct {
		Delivery mailer.Delivery `json:"delivery"`
		Elapsed  time.Duration   `json:"elapsed"` // nanoseconds
	}
	// The password is in the clear: keystore.Secret would not travel.
	passwordResult struct {
		Password string `json:"password,omitempty"`
	}
	// A Record's Recipients hide those of its Message.
	recordResult struct {
		Record  *mailer.Record `json:"record"`
		Message mailer.Message `json:"message"`
	}
)

// An answer is the reply to a call that does not stream. Both may be set: some
// calls return what they know together with an error.
type answer[T any] struct {
	Result T          `json:"result"`
	Error  *wireError `json:"error,omitempty"`
}

// A wireError is an error on its way.
type wireError struct {
	Text      string     `json:"text"`
	Fix       string     `json:"fix,omitempty"`
	Temporary bool       `json:"temporary,omitempty"`
	Kind      string     `json:"kind,omitempty"`
	Field     *wireField `json:"field,omitempty"`
	// OtherAccount is who signed in, where somebody else should have.
	OtherAccount string `json:"other_account,omitempty"`
}

// A wireField is an *account.FieldError.
type wireField struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Key  string `json:"key,omitempty"`
	Text string `json:"text"`
	Fix  string `json:"fix,omitempty"`
}

// kinds are the errors that callers branch on.
var kinds = []struct {
	kind string
	err  error
}{
	{"no-account", account.ErrNotFound},
	{"no-client", mailer.ErrNoClient},
	{"no-message", mailer.ErrNoMessage},
	{"changed-meanwhile", mailer.ErrChangedMeanwhile},
	{"not-in-force", mailer.ErrNotInForce},
	{"message-state", mailer.ErrMessageState},
	{"not-running", ErrNotRunning},
	{"stopping", mailer.ErrStopping},
	{"not-allowed", mailer.ErrNotAllowed},
	{"deadline", context.DeadlineExceeded},
	{"cancelled", context.Canceled},
}

// kindCaller marks the error of a caller's own callback that came back.
const kindCaller = "caller"

// A callerError is the error of a callback in the caller's process.
type callerError struct {
	text string
	// err is set when more than the text is known. Else what wraps the error
	// here decides about its fix.
	err error
}

func (e *callerError) Error() string { return e.text }
func (e *callerError) Unwrap() error { return e.err }

// ofCaller is decode for the error of a caller's callback.
func (e *wireError) ofCaller() error {
	if e == nil {
		return nil
	}
	caller := &callerError{text: e.Text}
	if e.Fix != "" || e.Temporary || e.Kind != "" || e.Field != nil || e.OtherAccount != "" {
		caller.err = e.decode(nil)
	}
	return caller
}

// encode makes an error ready to travel; nil stays nil.
func encode(err error) *wireError {
	if err == nil {
		return nil
	}
	e := &wireError{Text: err.Error(), Fix: mailer.Fix(err), Temporary: mailer.Temporary(err), OtherAccount: mailer.OtherAccount(err)}
	var caller *callerError
	if errors.As(err, &caller) {
		e.Kind = kindCaller
		return e
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			e.Kind = k.kind
			break
		}
	}
	var field *account.FieldError
	if errors.As(err, &field) {
		e.Field = &wireField{File: field.File, Line: field.Line, Key: field.Key, Text: field.Text, Fix: field.Fix}
	}
	return e
}

// decode is the error that arrived; nil stays nil. caller is what errors.Is is
// to find in an error that the caller's own callback was the cause of.
func (e *wireError) decode(caller error) error {
	if e == nil {
		return nil
	}
	remote := &mailer.RemoteError{Text: e.Text, FixText: e.Fix, TemporaryFlag: e.Temporary, OtherAccount: e.OtherAccount}
	if e.Kind == kindCaller {
		remote.Err = caller
	}
	for _, k := range kinds {
		if e.Kind == k.kind {
			remote.Err = k.err
		}
	}
	if e.Field != nil {
		field := &account.FieldError{File: e.Field.File, Line: e.Field.Line, Key: e.Field.Key, Text: e.Field.Text, Fix: e.Field.Fix}
		switch {
		case remote.Err != nil:
			remote.Err = errors.Join(remote.Err, field)
		case field.Error() == e.Text && field.Fix == e.Fix:
			return field
		default:
			remote.Err = field
		}
	}
	return remote
}

// An event is one line of a stream.
type event struct {
	Event string `json:"event"`
	// N numbers what is to be answered within a sign-in, and what is cancelled.
	N int `json:"n,omitempty"`

	Session string             `json:"session,omitempty"` // of signing-in
	Address string             `json:"address,omitempty"` // of open and paste
	Wrong   *wireError         `json:"wrong,omitempty"`   // of paste
	Device  *mailer.DeviceCode `json:"device,omitempty"`
	Status  *mailer.Status     `json:"status,omitempty"`
	Check   *checks.Result     `json:"check,omitempty"`
	Result  *mailer.SignedIn   `json:"result,omitempty"` // of end, after a sign-in
	Checks  []checks.Result    `json:"checks,omitempty"` // of end, after checks
	Error   *wireError         `json:"error,omitempty"`  // of end
}

// The events.
const (
	eventSigningIn = "signing-in" // first: names the session for answers
	eventOpen      = "open"       // to be answered
	eventPaste     = "paste"      // to be answered
	eventDevice    = "device"     // to be answered
	eventCancel    = "cancel"     // the answer is not wanted any more
	eventStatus    = "status"
	eventCheck     = "check"
	eventEnd       = "end" // last
)

// check reports what an event lacks that its name promises.
func (e *event) check() error {
	switch e.Event {
	case eventSigningIn, eventOpen, eventPaste, eventCancel, eventEnd:
		return nil
	case eventDevice:
		if e.Device != nil {
			return nil
		}
	case eventStatus:
		if e.Status != nil {
			return nil
		}
	case eventCheck:
		if e.Check != nil {
			return nil
		}
	}
	return fmt.Errorf("the running traymail said something unknown, %.40q: restart it", e.Event)
}

// A reply is the caller's answer to a numbered event of a sign-in.
type reply struct {
	Session string     `json:"session"`
	N       int        `json:"n"`
	Pasted  string     `json:"pasted,omitempty"`
	Error   *wireError `json:"error,omitempty"`
}
