package sandbox

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// What Graph's mail does to every client.
const (
	graphMaxRequest    = 4 << 20   // octets of a request, and of a range
	graphMaxConcurrent = 4         // requests of one app for one mailbox at once
	graphMaxMessage    = 35 << 20  // octets of a message before its encoding
	graphMinUpload     = 3 << 20   // octets: smaller attachments need no session
	graphMaxUpload     = 150 << 20 // octets of an attachment
)

// Texts of refusals.
const (
	textConcurrency  = "Application is over its MailboxConcurrency limit."
	textDenied       = "Access is denied. Check credentials and try again."
	textPolicy       = "Access to OData is disabled."
	textSendAs       = "The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account., Cannot submit message."
	textInactive     = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
	textBadBase64    = "Invalid base64 string for MIME content."
	textTooLong      = "The maximum request length supported is 4MB."
	textTooLarge     = "The message exceeds the maximum supported size."
	textNotFound     = "The specified object was not found in the store."
	textNoRecipients = "At least one recipient is not valid., A message can't be sent because it contains no recipients."
	textBadJSON      = "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."
)

// graphMail is the part of Graph that sends mail. Its handlers are safe for
// concurrent use.
type graphMail struct {
	graph
	faults GraphFaults

	mu       sync.Mutex // guards what follows, and the items themselves
	running  map[string]int
	items    []*graphItem // oldest first
	sessions map[string]*uploadSession
}

// register adds the endpoints to mux, each for the signed-in user and for any.
func (m *graphMail) register(mux *http.ServeMux) {
	send := graphNeed{permissions: []string{"Mail.Send"}, sends: true}
	write := graphNeed{permissions: []string{"Mail.ReadWrite"}}
	read := graphNeed{permissions: []string{"Mail.ReadBasic", "Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite"}}
	for _, whose := range []string{"/v1.0/me", "/v1.0/users/{user}"} {
		mux.HandleFunc("POST "+whose+"/sendMail", m.serve(send, m.sendMail))
		mux.HandleFunc("POST "+whose+"/sendmail", m.serve(send, m.sendMail)) // the spelling of some documents
		mux.HandleFunc("GET "+whose+"/messages", m.serve(read, m.find))
		mux.HandleFunc("POST "+whose+"/messages", m.serve(write, m.createDraft))
		mux.HandleFunc("GET "+whose+"/messages/{message}", m.serve(read, m.get))
		mux.HandleFunc("PATCH "+whose+"/messages/{message}", m.serve(write, m.patchDraft))
		mux.HandleFunc("DELETE "+whose+"/messages/{message}", m.serve(write, m.remove))
		mux.HandleFunc("POST "+whose+"/messages/{message}/send", m.serve(send, m.sendDraft))
		mux.HandleFunc("POST "+whose+"/messages/{message}/attachments", m.serve(write, m.attach))
		mux.HandleFunc("POST "+whose+"/messages/{message}/attachments/createUploadSession", m.serve(write, m.createSession))
	}
	// These stand at another host of Microsoft's, without a bearer token.
	mux.HandleFunc("PUT /api/v2.0/{user}/{message}/{session}", m.serveSession(m.putRange))
	mux.HandleFunc("DELETE /api/v2.0/{user}/{message}/{session}", m.serveSession(m.cancelSession))
}

// graphNeed is what a token must allow for a request.
type graphNeed struct {
	// permissions: one of them, as a scope or a role. For a mailbox that is not
	// the user's own, the scope ends in ".Shared".
	permissions []string
	sends       bool
}

// A mailCall is a request that is allowed.
type mailCall struct {
	r       *http.Request
	claims  accessClaims
	mailbox string // the address of the mailbox that the path names
	owner   string // as that mailbox is named in addresses of resources
	body    []byte
}

// appOnly tells whether no user is behind the request.
func (c *mailCall) appOnly() bool { return c.claims.UPN == "" }

// user is who sends: the signed-in user, or the mailbox that an app acts as.
func (c *mailCall) user() string {
	if c.appOnly() {
		return c.mailbox
	}
	return c.claims.UPN
}

// serve makes a handler of handle, which gets requests that need allows.
func (m *graphMail) serve(need graphNeed, handle func(*mailCall) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fault := m.faults.next(r)
		if fault.Status != 0 {
			fault.finish(w, r, fault.refusal(m.graph))
			return
		}
		call, refused := m.admit(r, need)
		if call == nil {
			fault.finish(w, r, refused)
			return
		}
		leave, ok := m.enter(call.claims.AppID, call.mailbox)
		if !ok {
			fault.finish(w, r, m.crowded())
			return
		}
		defer leave()
		if refused, ok = m.readBody(call); ok {
			refused = handle(call)
		}
		fault.finish(w, r, refused)
	}
}

// crowded refuses one request too many at once. The seconds are assumed.
func (m *graphMail) crowded() answer {
	a := m.refuse(http.StatusTooManyRequests, "ApplicationThrottled", textConcurrency)
	a.header.Set("Retry-After", "1")
	return a
}

// enter counts a request of an app for a mailbox until leave, unless there are
// as many as may be.
func (m *graphMail) enter(app, mailbox string) (leave func(), ok bool) {
	key := strings.ToLower(app + " " + mailbox)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running[key] >= graphMaxConcurrent {
		return nil, false
	}
	m.running[key]++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.running[key]--; m.running[key] == 0 {
			delete(m.running, key)
		}
	}, true
}

// readBody reads a request, or gives the answer that refuses it.
func (m *graphMail) readBody(c *mailCall) (refused answer, ok bool) {
	body, err := io.ReadAll(io.LimitReader(c.r.Body, graphMaxRequest+1))
	switch {
	case err != nil:
		return m.refuse(http.StatusBadRequest, "BadRequest", "The request ended before its body did."), false // assumed
	case len(body) > graphMaxRequest:
		return m.refuse(http.StatusRequestEntityTooLarge, "BadRequest", textTooLong), false
	}
	c.body = body
	return answer{}, true
}

// isMIME tells whether a request's body is MIME in base64 and not JSON.
func (c *mailCall) isMIME() bool {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	return err == nil && kind == "text/plain"
}

// readJSON decodes a request's body, or gives the answer that refuses it.
func (m *graphMail) readJSON(c *mailCall, into any) (refused answer, ok bool) {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" || json.Unmarshal(c.body, into) != nil {
		return m.refuse(http.StatusBadRequest, "BadRequest", textBadJSON), false
	}
	return answer{}, true
}

// admit decides whether a request's token may do what need says with the
// mailbox that the path names; call is nil when refused.
func (m *graphMail) admit(r *http.Request, need graphNeed) (call *mailCall, refused answer) {
	claims, refused, ok := m.bearer(r)
	if !ok {
		return nil, refused
	}
	name := r.PathValue("user")
	if name == "" {
		if claims.UPN == "" {
			return nil, m.onlyDelegated()
		}
		name = claims.UPN
	}
	m.tenant.enforced(func(t *Tenant) {
		if !need.mayEver(t, claims) {
			refused = m.refuse(http.StatusForbidden, "ErrorAccessDenied", textDenied)
			return
		}
		mailbox, owner, code := graphMailbox(t, name)
		switch code {
		case "ErrorInvalidUser":
			refused = m.refuse(http.StatusNotFound, code, "The requested user '"+name+"' is invalid.")
		case "MailboxNotEnabledForRESTAPI":
			refused = m.refuse(http.StatusNotFound, code, textInactive)
		}
		if code != "" {
			return
		}
		if code, text := need.mayUse(t, claims, mailbox); code != "" {
			refused = m.refuse(http.StatusForbidden, code, text)
			return
		}
		call = &mailCall{r: r, claims: claims, mailbox: mailbox.Address, owner: owner}
	})
	return call, refused
}

// graphMailbox finds the mailbox that a path names, or the code of the refusal.
// A shared mailbox needs no licence, and no account here.
func graphMailbox(t *Tenant, name string) (mailbox *Mailbox, owner, code string) {
	user := graphUser(t, name)
	if user == nil {
		for _, b := range t.Mailboxes {
			if b.Shared && strings.EqualFold(b.Address, name) {
				return b, b.Address, ""
			}
		}
		return nil, "", "ErrorInvalidUser"
	}
	mailbox = t.mailbox(user.UPN)
	if mailbox == nil || !licensed(t, mailbox) {
		return nil, "", "MailboxNotEnabledForRESTAPI"
	}
	return mailbox, user.ObjectID, ""
}

// mayEver tells whether a token could do this with any mailbox.
func (n graphNeed) mayEver(t *Tenant, c accessClaims) bool {
	for _, p := range n.permissions {
		assigned := func(a RoleAssignment) bool { return strings.EqualFold(a.AppID, c.AppID) && a.Role == rbac(p) }
		if c.UPN == "" && (slices.Contains(c.Roles, p) || slices.ContainsFunc(t.RoleAssignments, assigned)) ||
			c.UPN != "" && (slices.Contains(c.Scopes, p) || slices.Contains(c.Scopes, p+".Shared")) {
			return true
		}
	}
	return false
}

// rbac is the role of RBAC for Applications that gives a permission.
func rbac(permission string) string { return "Application " + permission }

// mayUse decides about one mailbox; code is that of the refusal, "" for none.
//
// For an app, what Entra granted reaches every mailbox but those that an access
// policy keeps from it; RBAC for Applications adds to it, whatever the policy
// says. A user needs Full Access to a mailbox that is not its own.
func (n graphNeed) mayUse(t *Tenant, c accessClaims, mailbox *Mailbox) (code, text string) {
	is := func(address string) bool { return t.mailbox(address) == mailbox }
	if c.UPN == "" {
		policy, restricted := accessPolicy(t, c.AppID)
		inPolicy := !restricted || slices.ContainsFunc(policy, is)
		app, outside := t.app(c.AppID), false
		for _, p := range n.permissions {
			if app != nil && registered(t, app) && assigned(t, app, rbac(p), mailbox) {
				return "", ""
			}
			if slices.Contains(c.Roles, p) {
				if inPolicy {
					return "", ""
				}
				outside = true
			}
		}
		if outside {
			return "ErrorAccessDenied", textPolicy
		}
		return "ErrorAccessDenied", textDenied
	}
	if is(c.UPN) {
		return "", ""
	}
	shared := slices.ContainsFunc(n.permissions, func(p string) bool { return slices.Contains(c.Scopes, p+".Shared") })
	switch {
	case shared && contains(mailbox.FullAccess, c.UPN):
		return "", ""
	case n.sends: // which of the two codes comes here is assumed
		return "ErrorSendAsDenied", textSendAs
	}
	return "ErrorAccessDenied", textDenied
}

// accessPolicy finds the mailboxes that an app is restricted to, if it is.
func accessPolicy(t *Tenant, appID string) (mailboxes []string, restricted bool) {
	for id, list := range t.AccessPolicies {
		if strings.EqualFold(id, appID) {
			return list, true
		}
	}
	return nil, false
}
