package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A submission is one call of Send.
type submission struct {
	dialog
	content *content
	base    string    // the mailbox's address
	since   time.Time // nothing of this message was in the mailbox before
	draftID string    // of the draft that was made, "" for none
	receipt Receipt
}

// sendMIME sends the message in one request.
func (s *submission) sendMIME(ctx context.Context) error {
	a, err := s.do(ctx, &request{op: OpSend, method: http.MethodPost, url: s.base + "/sendMail", contentType: "text/plain",
		length: base64Size(s.content.size(nil)), body: s.mime(nil), want: http.StatusAccepted, once: true})
	return s.settle(ctx, a, err)
}

// mime is the message with these edits, in base64.
func (s *submission) mime(edits []edit) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		r, err := s.content.reader(edits)
		if err != nil {
			return nil, err
		}
		return readCloser{newBase64Reader(r), r}, nil
	}
}

// settle makes the receipt of an accepted message, or finds out what became of
// one whose answer was lost.
func (s *submission) settle(ctx context.Context, a *answer, err error) error {
	if err == nil {
		s.accepted(a.requestID)
		return nil
	}
	var e *Error
	if !errors.As(err, &e) || !e.Unknown {
		return err
	}
	if sent, _ := s.lookUp(ctx, true); sent {
		s.found(e)
		return nil
	}
	return err
}

func (s *submission) accepted(requestID string) {
	s.receipt.RequestID = requestID
	s.receipt.Reply = "202 Accepted"
	if requestID != "" {
		s.receipt.Reply += " (request-id " + requestID + ")"
	}
}

func (s *submission) found(e *Error) {
	s.receipt.RequestID = e.RequestID
	s.receipt.Reply = fmt.Sprintf("accepted: the answer was lost (%v), and the message is in the mailbox as sent", e.cause())
}

// cause is what happened, in a few words.
func (e *Error) cause() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
}

// lookups is when the mailbox is searched after a lost answer, each time after
// the one before: a copy in Sent Items can take a while.
var lookups = []time.Duration{0, 3 * time.Second, 10 * time.Second}

// sentBefore reports whether an earlier attempt has sent the message, and makes
// the receipt of it. A draft that it left behind is removed, and with it the
// chance that it is sent later.
func (s *submission) sentBefore(ctx context.Context) bool {
	sent, drafts := s.lookUp(ctx, s.c.now().Sub(s.since) < time.Minute)
	if sent {
		s.receipt.Reply = "accepted: an earlier attempt, whose end nobody saw, has sent it, and the message is in the mailbox as sent"
		return true
	}
	for _, id := range drafts {
		_ = s.remove(ctx, id) // one that stays is no reason not to send
	}
	return false
}

// lookUp searches the mailbox for the message, as search does; again after a
// pause when that failed, or, if late says that it may still come, when nothing
// was found. Without the permission to read it finds nothing.
func (s *submission) lookUp(ctx context.Context, late bool) (sent bool, drafts []string) {
	for _, wait := range lookups {
		if wait > 0 && s.c.sleep(ctx, wait) != nil {
			return false, nil
		}
		var err error
		if sent, drafts, err = s.search(ctx); sent || err == nil && !late {
			return sent, drafts
		}
		var e *Error
		if errors.As(err, &e) && e.Status/100 == 4 && !e.Throttled() {
			return false, nil // it may not read, and will not a moment later
		}
	}
	return false, drafts
}
