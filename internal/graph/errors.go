package graph

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ErrClosed is returned after Close.
var ErrClosed = errors.New("the Graph client is closed")

// Steps at which a submission can fail, as an Error's Op tells them.
const (
	OpMessage = "message" // refused before anything was sent
	OpRead    = "read"    // the message's own reader failed
	OpToken   = "token"   // no access token
	OpSend    = "sendMail"
	OpDraft   = "draft"      // creating the draft of a large message
	OpAttach  = "attachment" // adding an attachment to it
	OpUpload  = "upload"     // sending a piece of a large attachment
	OpSubmit  = "send"       // sending the draft
	OpLookup  = "lookup"     // searching the mailbox after a lost answer
	OpDelete  = "delete"     // removing the draft
	OpMe      = "me"         // who is signed in
	// OpLicences asks for the plans of who is signed in.
	OpLicences = "licenseDetails"
)

// An Error tells why a message was not submitted. It holds neither the access
// token nor anything of the message's body.
type Error struct {
	Op        string // one of the Op constants
	Host      string // Graph's
	Status    int    // HTTP status, 0 if there was no answer
	Code      string // Graph's error code, such as ErrorSendAsDenied
	Message   string // Graph's text, verbatim
	RequestID string // what Microsoft's support asks for
	// RetryAfter is how long Graph wants to be left alone, 0 if it did not say.
	RetryAfter time.Duration
	// Unknown says that the whole request may have been received and no answer to
	// it came: the message may have been sent, and sending it again may double it.
	// Such an error is neither temporary nor permanent: look at this field first.
	Unknown bool
	Err     error // the cause, when it is not, or not only, Graph's answer
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Unknown {
		b.WriteString("outcome unknown, the message may have been sent: ")
	}
	switch {
	case e.Op == OpMessage || e.Op == OpRead:
		return "the message cannot be sent: " + e.Err.Error()
	case e.Op == OpToken:
		return "no access token for Microsoft Graph: " + e.Err.Error()
	case e.Status == 0:
		fmt.Fprintf(&b, "%s at %s", e.Host, e.Op)
	case e.Status/100 == 2:
		fmt.Fprintf(&b, "%s answered %s with %d %s", e.Host, e.Op, e.Status, http.StatusText(e.Status))
	default:
		fmt.Fprintf(&b, "%s refused %s: %d %s", e.Host, e.Op, e.Status, http.StatusText(e.Status))
	}
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.RequestID != "" {
		b.WriteString(" (request-id " + e.RequestID + ")")
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same submission may succeed later without
// anybody changing anything: lost connections, throttling, failures of Graph's
// own. It is false if the outcome is Unknown, since the first submission may
// have succeeded. For OpToken it is what the cause says of itself.
func (e *Error) Temporary() bool {
	switch {
	case e.Unknown, e.Op == OpMessage:
		return false
	case e.Op == OpRead:
		return true
	case e.Op == OpToken:
		var t interface{ Temporary() bool }
		return errors.As(e.Err, &t) && t.Temporary()
	case e.Status == 0:
		var cert *tls.CertificateVerificationError
		return !errors.As(e.Err, &cert) && !errors.Is(e.Err, errPlain)
	case e.Status >= 500, e.Status/100 == 2, e.Status/100 == 3, // the latter two are a proxy's
		e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooManyRequests:
		return true
	}
	switch e.Op {
	case OpUpload:
		return true // the session has ended; another draft has another one
	case OpAttach, OpSubmit:
		return e.Status == http.StatusNotFound // somebody removed the draft
	}
	return false
}

// Throttled reports whether Graph asks for fewer requests. RetryAfter tells for
// how long, if Graph did.
func (e *Error) Throttled() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
}

// Account reports whether the account, its permissions or the way to Graph are
// to blame and not the message: any other message would have met the same. A
// refusal to create a draft is the large message's, since smaller ones do not
// need one, and so is a wait that ran out while a body was on its way.
func (e *Error) Account() bool {
	switch e.Op {
	case OpMessage, OpRead:
		return false
	case OpToken:
		return true
	}
	if _, stalled := errors.AsType[*stalledError](e.Err); stalled {
		return false
	}
	switch e.Code {
	case "ErrorSendAsDenied", "ErrorInvalidRecipients", "ErrorMessageSizeExceeded", "ErrorMimeContentInvalidBase64String",
		"ErrorMimeContentInvalid", "ErrorItemNotFound":
		return false
	case "MailboxNotEnabledForRESTAPI", "ErrorInvalidUser", "ErrorMessageSubmissionBlocked", "ErrorExceededMessageLimit":
		return true
	}
	switch e.Status {
	case http.StatusForbidden:
		return e.Op != OpDraft && e.Op != OpAttach && e.Op != OpUpload
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return false
	case http.StatusNotFound:
		return e.Op == OpSend || e.Op == OpMe
	}
	return e.Op != OpUpload || e.Status == 0 || e.Status >= 500 || e.Throttled()
}
