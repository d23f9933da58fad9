package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An uploadSession takes an attachment in ranges, in their order.
type uploadSession struct {
	item       *graphItem
	app        string
	address    string // without the token
	attachment graphAttachment
	size       int
	expires    time.Time
}

// attach is POST …/messages/{id}/attachments, with what fits in a request.
func (m *graphMail) attach(c *mailCall) answer {
	var a graphAttachment
	if refused, ok := m.readJSON(c, &a); !ok {
		return refused
	}
	if err := a.valid(); err != nil {
		return m.say(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	item, refused := m.draft(c)
	if item == nil {
		return refused
	}
	if refused, ok := m.keep(item, a); !ok {
		return refused
	}
	return jsonAnswer(http.StatusCreated, struct {
		Context string `json:"@odata.context"`
		graphAttachment
	}{"https://graph.microsoft.com/v1.0/$metadata#users('" + url.PathEscape(c.owner) + "')/messages('" + url.PathEscape(item.id) + "')/attachments/$entity", a})
}

// keep adds an attachment to an item; call it with m's lock held.
func (m *graphMail) keep(item *graphItem, a graphAttachment) (refused answer, ok bool) {
	if item.size()+len(a.Content) > graphMaxMessage {
		return m.refuse(http.StatusBadRequest, "ErrorMessageSizeExceeded", textTooLarge+", Cannot save changes made to an item to store."), false
	}
	item.message.Attachments = append(item.message.Attachments, a)
	return answer{}, true
}

// createSession is POST …/attachments/createUploadSession.
func (m *graphMail) createSession(c *mailCall) answer {
	var request struct {
		Item *struct {
			Type        string `json:"attachmentType"`
			Name        string `json:"name"`
			Size        int    `json:"size"`
			ContentType string `json:"contentType"`
			IsInline    bool   `json:"isInline"`
			ContentID   string `json:"contentId"`
		} `json:"AttachmentItem"`
	}
	if refused, ok := m.readJSON(c, &request); !ok {
		return refused
	}
	asked := request.Item
	switch {
	case asked == nil || asked.Name == "" || !strings.EqualFold(asked.Type, "file"): // assumed
		return m.refuse(http.StatusBadRequest, "ErrorInvalidParameter", "The value of the parameter 'AttachmentItem' is empty or not that of a file.")
	case asked.Size < graphMinUpload: // the text is assumed, the code is not
		return m.refuse(http.StatusBadRequest, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize", "Attachment size must be greater than the minimum size.")
	case asked.Size > graphMaxUpload: // assumed
		return m.refuse(http.StatusBadRequest, "ErrorAttachmentSizeLimitExceeded", "The attachment exceeds the maximum supported size.")
	}
	a := graphAttachment{Type: "#microsoft.graph.fileAttachment", Name: asked.Name, ContentType: asked.ContentType, IsInline: asked.IsInline, ContentID: asked.ContentID}
	if err := a.valid(); err != nil {
		return m.say(err)
	}
	scheme := "https"
	if c.r.TLS == nil {
		scheme = "http"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	item, refused := m.draft(c)
	if item == nil {
		return refused
	}
	for token, s := range m.sessions {
		if !m.now().Before(s.expires) {
			delete(m.sessions, token)
		}
	}
	s := &uploadSession{
		item: item, app: c.claims.AppID, attachment: a, size: asked.Size, expires: m.now().Add(time.Hour),
		address: scheme + "://" + c.r.Host + "/api/v2.0/Users('" + url.PathEscape(c.owner) + "@" + m.tenant.ID +
			"')/Messages('" + item.id + "')",
	}
	token := randomName()
	m.sessions[token] = s
	return jsonAnswer(http.StatusCreated, map[string]any{
		"@odata.context":     "https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.uploadSession",
		"uploadUrl":          s.address + "/AttachmentSessions('" + newGraphID() + "')?authtoken=" + token,
		"expirationDateTime": s.expires.UTC().Format(time.RFC3339Nano),
		"nextExpectedRanges": []string{"0-"},
	})
}

// serveSession makes a handler of handle, for the address that createSession
// gave: it is itself the permission, and a bearer token there is refused.
func (m *graphMail) serveSession(handle func(token string, s *uploadSession, r *http.Request) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fault := m.faults.next(r)
		if fault.Status != 0 {
			fault.finish(w, r, fault.refusal(m.graph))
			return
		}
		if r.Header.Get("Authorization") != "" { // the text is assumed
			fault.finish(w, r, m.refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "The address is authenticated already. Send no Authorization header."))
			return
		}
		token := r.URL.Query().Get("authtoken")
		m.mu.Lock()
		s := m.sessions[token]
		if s != nil && (s.item.gone || !m.now().Before(s.expires) || !strings.Contains(s.address, r.PathValue("message"))) {
			s = nil
		}
		m.mu.Unlock()
		if s == nil {
			fault.finish(w, r, m.refuse(http.StatusNotFound, "ErrorItemNotFound", textNotFound))
			return
		}
		leave, ok := m.enter(s.app, s.item.mailbox)
		if !ok {
			fault.finish(w, r, m.crowded())
			return
		}
		defer leave()
		fault.finish(w, r, handle(token, s, r))
	}
}

// parseContentRange reads "bytes start-end/total" (RFC 9110 section 14.4), all
// three known and in order.
func parseContentRange(value string) (start, end, total int, ok bool) {
	rest, isBytes := strings.CutPrefix(value, "bytes ")
	span, of, hasTotal := strings.Cut(rest, "/")
	first, last, hasEnd := strings.Cut(span, "-")
	if !isBytes || !hasTotal || !hasEnd {
		return 0, 0, 0, false
	}
	var numbers [3]int
	for i, text := range []string{first, last, of} {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return 0, 0, 0, false
		}
		numbers[i] = int(n)
	}
	start, end, total = numbers[0], numbers[1], numbers[2]
	return start, end, total, start <= end && end < total
}

// putRange is PUT to a session: the next octets, 4 MiB at most.
func (m *graphMail) putRange(token string, s *uploadSession, r *http.Request) answer {
	start, end, total, ok := parseContentRange(r.Header.Get("Content-Range"))
	if !ok { // assumed
		return m.refuse(http.StatusBadRequest, "ErrorInvalidParameter", "The Content-Range header is missing or malformed.")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, graphMaxRequest+1))
	switch {
	case err != nil:
		return m.refuse(http.StatusBadRequest, "BadRequest", "The request ended before its body did.") // assumed
	case len(body) > graphMaxRequest:
		return m.refuse(http.StatusRequestEntityTooLarge, "BadRequest", textTooLong)
	case len(body) != end-start+1:
		return m.refuse(http.StatusBadRequest, "ErrorInvalidParameter", "The Content-Range header length does not match the provided number of bytes.")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	a := &s.attachment
	if start != len(a.Content) || total != s.size { // assumed
		var reply map[string]any
		json.Unmarshal(m.refuse(http.StatusRequestedRangeNotSatisfiable, "ErrorInvalidRange", "The range is not the one that comes next.").body, &reply)
		reply["nextExpectedRanges"] = []string{strconv.Itoa(len(a.Content))}
		return jsonAnswer(http.StatusRequestedRangeNotSatisfiable, reply)
	}
	a.Content = append(a.Content, body...)
	if len(a.Content) < s.size {
		return jsonAnswer(http.StatusOK, map[string]any{
			"@odata.context":     s.address + "/AttachmentSessions/$entity",
			"ExpirationDateTime": s.expires.UTC().Format(time.RFC3339Nano),
			"nextExpectedRanges": []string{strconv.Itoa(len(a.Content))},
		})
	}
	delete(m.sessions, token)
	if s.item.gone {
		return m.refuse(http.StatusNotFound, "ErrorItemNotFound", textNotFound)
	}
	a.Size = len(a.Content)
	if refused, ok := m.keep(s.item, *a); !ok {
		return refused
	}
	return answer{status: http.StatusCreated, header: http.Header{"Location": {s.address + "/Attachments('" + a.ID + "')"}}}
}

// cancelSession is DELETE of a session.
func (m *graphMail) cancelSession(token string, _ *uploadSession, _ *http.Request) answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, token)
	return answer{status: http.StatusNoContent}
}
