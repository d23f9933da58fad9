package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// sendLarge makes a draft of what fits, adds the attachments and sends it. A
// draft that was not sent is removed.
func (s *submission) sendLarge(ctx context.Context) error {
	d, err := s.content.divide(maxRequest / 4 * 3)
	if err != nil {
		return err
	}
	s.content.header = d.header
	id, err := s.createDraft(ctx, d.edits)
	if err != nil {
		return err
	}
	for _, a := range d.attachments {
		if err := s.attach(ctx, id, a); err != nil {
			s.discard(ctx, id)
			return err
		}
	}
	a, err := s.do(ctx, &request{op: OpSubmit, method: http.MethodPost, url: s.draft(id) + "/send", want: http.StatusAccepted, once: true})
	if err == nil {
		s.accepted(a.requestID)
		return nil
	}
	var e *Error
	if errors.As(err, &e) && e.Unknown {
		return s.settleDraft(ctx, id, e)
	}
	s.discard(ctx, id)
	return err
}

func (s *submission) draft(id string) string { return s.base + "/messages/" + url.PathEscape(id) }

func (s *submission) createDraft(ctx context.Context, edits []edit) (id string, err error) {
	a, err := s.do(ctx, &request{op: OpDraft, method: http.MethodPost, url: s.base + "/messages", contentType: "text/plain",
		length: base64Size(s.content.size(edits)), body: s.mime(edits), want: http.StatusCreated})
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Status == 0 && s.receipt.MessageID != "" {
			s.discardUnknown(ctx) // it may have come into being
		}
		return "", err
	}
	var made struct {
		ID                string `json:"id"`
		InternetMessageID string `json:"internetMessageId"`
	}
	if err := json.Unmarshal(a.body, &made); err != nil || made.ID == "" {
		e := &Error{Op: OpDraft, Host: (&request{url: s.base}).host(), Status: a.status, RequestID: a.requestID}
		e.Err = errors.New("the answer does not say which draft was made: a proxy may have changed it")
		return "", e
	}
	s.draftID = made.ID
	if made.InternetMessageID != "" {
		s.receipt.MessageID = made.InternetMessageID
	}
	return made.ID, nil
}

// settleDraft finds out what became of a draft that may have been sent.
func (s *submission) settleDraft(ctx context.Context, id string, e *Error) error {
	sent, drafts := s.lookUp(ctx, true)
	if sent {
		s.found(e)
		return nil
	}
	if !slices.Contains(drafts, id) || s.remove(ctx, id) != nil {
		return e
	}
	// What could be removed from Drafts is not on its way.
	e.Unknown = false
	e.Err = fmt.Errorf("%s; the draft was still there and was removed, so the message was not sent", e.cause())
	return e
}

// attach adds one attachment to the draft: with one request if it fits.
func (s *submission) attach(ctx context.Context, id string, a attachment) error {
	head, err := json.Marshal(fileAttachment{Type: "#microsoft.graph.fileAttachment", attachmentFacts: a.facts()})
	if err != nil {
		return &Error{Op: OpMessage, Err: err}
	}
	before, after := strings.TrimSuffix(string(head), "}")+`,"contentBytes":"`, `"}`
	length := int64(len(before)+len(after)) + base64Size(a.size)
	if length > maxRequest {
		return s.upload(ctx, id, a)
	}
	_, err = s.do(ctx, &request{op: OpAttach, method: http.MethodPost, url: s.draft(id) + "/attachments", contentType: "application/json",
		length: length, want: http.StatusCreated, body: func() (io.ReadCloser, error) {
			r, err := s.content.decoded(a.part, 0)
			if err != nil {
				return nil, err
			}
			return readCloser{io.MultiReader(newPiece(before), newBase64Reader(io.LimitReader(r, a.size)), newPiece(after)), r}, nil
		}})
	return err
}

// attachmentFacts are what Graph knows of an attachment besides its content.
type attachmentFacts struct {
	Name        string `json:"name"`
	ContentType string `json:"contentType"`
	IsInline    bool   `json:"isInline,omitempty"`
	ContentID   string `json:"contentId,omitempty"`
}

type fileAttachment struct {
	Type string `json:"@odata.type"`
	attachmentFacts
	ContentBytes []byte `json:"contentBytes,omitempty"`
}

func (p *part) facts() attachmentFacts {
	related := p.parent != nil && p.parent.mediaType == "multipart/related"
	return attachmentFacts{Name: p.fileName(), ContentType: p.contentType, ContentID: p.contentID,
		IsInline: p.contentID != "" && (p.inline || related && !p.attachment)}
}

// remove deletes a draft.
func (s *submission) remove(ctx context.Context, id string) error {
	_, err := s.do(ctx, &request{op: OpDelete, method: http.MethodDelete, url: s.draft(id), want: http.StatusNoContent})
	return err
}

// discard deletes a draft that failed, also after ctx has ended. What cannot be
// deleted stays among the user's drafts, and that is not worth another error.
func (s *submission) discard(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_ = s.remove(ctx, id)
}

// discardUnknown deletes the draft whose making was not answered, if there is one.
func (s *submission) discardUnknown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_, drafts, _ := s.search(ctx)
	for _, id := range drafts {
		_ = s.remove(ctx, id)
	}
}
