package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	chunkSize  = 12 * 320 << 10 // below 4 MB, and a multiple of 320 KiB as upload sessions like it
	chunkTries = 5
	chunkPause = time.Second // before a piece is sent again

)

// upload adds one large attachment to the draft, piece by piece. One piece is
// held in memory, so that it can be sent again.
func (s *submission) upload(ctx context.Context, id string, a attachment) error {
	address, err := s.openSession(ctx, id, a)
	if err != nil {
		return err
	}
	var src io.ReadCloser
	defer func() {
		if src != nil {
			src.Close()
		}
	}()
	for offset, read, failed := int64(0), int64(-1), 0; offset < a.size; {
		if read != offset { // at first, and when another piece is wanted than the next
			if src != nil {
				src.Close()
			}
			if src, err = s.content.decoded(a.part, offset); err != nil {
				return err
			}
		}
		piece := make([]byte, min(chunkSize, a.size-offset))
		if _, err := io.ReadFull(src, piece); err != nil {
			var reading *Error
			if errors.As(err, &reading) {
				return err
			}
			return &Error{Op: OpRead, Err: fmt.Errorf("an attachment is not what it was a moment ago: %w", err)}
		}
		read = offset + int64(len(piece))
		next, err := s.put(ctx, address, piece, offset, a.size)
		for ; err != nil; next, err = s.put(ctx, address, piece, offset, a.size) {
			if failed++; failed == chunkTries || !brokenOff(err) || s.c.sleep(ctx, chunkPause) != nil {
				return err
			}
			// What arrived of it, if it can be asked; else the piece goes out again.
			if wanted, ok := s.expected(ctx, address); ok && wanted != offset {
				next = wanted
				break
			}
		}
		if next < 0 || next > a.size {
			return &Error{Op: OpUpload, Host: (&request{url: address}).host(), Status: http.StatusOK, Err: errors.New("the upload session expects octets that are not there")}
		}
		if err == nil && next <= offset {
			if failed++; failed == chunkTries {
				return &Error{Op: OpUpload, Host: (&request{url: address}).host(), Status: http.StatusOK, Err: errors.New("the upload session does not come forward")}
			}
		}
		offset = next
	}
	return nil
}

// openSession returns the address that the pieces go to, which is a secret.
func (s *submission) openSession(ctx context.Context, id string, a attachment) (string, error) {
	var ask struct {
		Item struct {
			Type string `json:"attachmentType"`
			attachmentFacts
			Size int64 `json:"size"`
		} `json:"AttachmentItem"`
	}
	ask.Item.Type, ask.Item.attachmentFacts, ask.Item.Size = "file", a.facts(), a.size
	body, err := json.Marshal(ask)
	if err != nil {
		return "", &Error{Op: OpMessage, Err: err}
	}
	got, err := s.do(ctx, &request{op: OpAttach, method: http.MethodPost, url: s.draft(id) + "/attachments/createUploadSession", contentType: "application/json",
		length: int64(len(body)), body: inMemory(body), want: http.StatusCreated})
	if err != nil {
		return "", err
	}
	var session struct {
		UploadURL string `json:"uploadUrl"`
	}
	_ = json.Unmarshal(got.body, &session)
	if u, err := url.Parse(session.UploadURL); err != nil || u.Scheme != "https" || u.Host == "" {
		e := &Error{Op: OpAttach, Host: (&request{url: s.base}).host(), Status: got.status, RequestID: got.requestID}
		e.Err = errors.New("the answer does not say where to upload the attachment: a proxy may have changed it")
		return "", e
	}
	return session.UploadURL, nil
}

// put sends one piece and returns the offset of the one that is wanted next.
func (s *submission) put(ctx context.Context, address string, piece []byte, offset, size int64) (next int64, err error) {
	end := offset + int64(len(piece))
	a, err := s.do(ctx, &request{op: OpUpload, method: http.MethodPut, url: address, contentType: "application/octet-stream", anonymous: true,
		contentRange: fmt.Sprintf("bytes %d-%d/%d", offset, end-1, size), length: int64(len(piece)), body: inMemory(piece)})
	if err != nil {
		return 0, err
	}
	if a.status == http.StatusCreated {
		if end < size {
			return -1, nil
		}
		return size, nil
	}
	if next, ok := nextRange(a.body); ok {
		return next, nil
	}
	return end, nil
}

// expected asks the session which octet it wants next.
func (s *submission) expected(ctx context.Context, address string) (int64, bool) {
	a, err := s.do(ctx, &request{op: OpUpload, method: http.MethodGet, url: address, anonymous: true, want: http.StatusOK})
	if err != nil {
		return 0, false
	}
	return nextRange(a.body)
}

// nextRange reads nextExpectedRanges, whose items are "0-", "2097152" or
// "1998457-2097094".
func nextRange(body []byte) (int64, bool) {
	var session struct {
		Ranges []string `json:"nextExpectedRanges"`
	}
	if err := json.Unmarshal(body, &session); err != nil || len(session.Ranges) == 0 {
		return 0, false
	}
	first, _, _ := strings.Cut(session.Ranges[0], "-")
	n, err := strconv.ParseInt(first, 10, 64)
	return n, err == nil && n >= 0
}

// brokenOff reports whether a piece may be sent again.
func brokenOff(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Op == OpUpload &&
		(e.Status == 0 || e.Status >= 500 && !e.Throttled() || e.Status == http.StatusRequestedRangeNotSatisfiable || e.Status == http.StatusRequestTimeout)
}

func inMemory(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}
