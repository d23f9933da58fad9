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
	base    string // the mailbox's address
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
	s.receipt.MessageID = s.content.messageID
	if err == nil {
		s.accepted(a.requestID)
		return nil
	}
	var e *Error
	if !errors.As(err, &e) || !e.Unknown {
		return err
	}
	if sent, _ := s.lookUp(ctx); sent {
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

// lookUp searches the mailbox for the message. sent says that there is a copy
// that is not a draft; drafts are the ids of the others. Without the permission
// to read it finds nothing.
func (s *submission) lookUp(ctx context.Context) (sent bool, drafts []string) {
	for _, wait := range lookups {
		if wait > 0 && s.c.sleep(ctx, wait) != nil {
			return false, nil
		}
		var err error
		if sent, drafts, err = s.search(ctx); sent {
			return true, drafts
		}
		var e *Error
		if errors.As(err, &e) && e.Status/100 == 4 && !e.Throttled() {
			return false, nil // it may not read, and will not a moment later
		}
	}
	return false, drafts
}
