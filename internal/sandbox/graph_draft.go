package sandbox

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// createDraft is POST …/messages.
func (m *graphMail) createDraft(c *mailCall) answer {
	if !c.isMIME() {
		if refused, ok := m.readJSON(c, &map[string]any{}); !ok {
			return refused
		}
	}
	item, err := m.readItem(c, c.body)
	if err != nil {
		return m.say(err)
	}
	item.draft = true
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items = append(m.items, item)
	return jsonAnswer(http.StatusCreated, item.resource(c, nil))
}

// item finds a message of the call's mailbox, or gives the answer that there is
// none. Call it with m's lock held.
func (m *graphMail) item(c *mailCall) (*graphItem, answer) {
	id := c.r.PathValue("message")
	for _, i := range m.items {
		if i.id == id && i.mailbox == c.mailbox {
			return i, answer{}
		}
	}
	return nil, m.refuse(http.StatusNotFound, "ErrorItemNotFound", textNotFound)
}

// draft is item for what only a draft allows.
func (m *graphMail) draft(c *mailCall) (*graphItem, answer) {
	item, refused := m.item(c)
	if item != nil && !item.draft { // assumed
		return nil, m.refuse(http.StatusBadRequest, "ErrorInvalidRequest", "The operation can only be performed on a draft message.")
	}
	return item, refused
}

// forget takes an item out of its mailbox; call it with m's lock held.
func (m *graphMail) forget(item *graphItem) {
	item.gone = true
	m.items = slices.DeleteFunc(m.items, func(i *graphItem) bool { return i == item })
}

// get is GET …/messages/{id}.
func (m *graphMail) get(c *mailCall) answer {
	chosen, refused, ok := m.selected(c)
	if !ok {
		return refused
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	item, refused := m.item(c)
	if item == nil {
		return refused
	}
	return jsonAnswer(http.StatusOK, item.resource(c, chosen))
}

var messageIDFilter = regexp.MustCompile(`^\s*internetMessageId\s+eq\s+'((?:[^']|'')*)'\s*$`)

// find is GET …/messages, of everything or by internetMessageId; the newest
// come first, ten at most.
func (m *graphMail) find(c *mailCall) answer {
	chosen, refused, ok := m.selected(c)
	if !ok {
		return refused
	}
	wanted := ""
	if filter := c.r.URL.Query().Get("$filter"); filter != "" {
		found := messageIDFilter.FindStringSubmatch(filter)
		if found == nil {
			return m.refuse(http.StatusBadRequest, "ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.")
		}
		wanted = strings.ReplaceAll(found[1], "''", "'")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value := []any{}
	for _, item := range slices.Backward(m.items) {
		if item.mailbox == c.mailbox && (wanted == "" || item.message.MessageID == wanted) && len(value) < 10 {
			resource := item.resource(c, chosen)
			delete(resource, "@odata.context")
			value = append(value, resource)
		}
	}
	return jsonAnswer(http.StatusOK, map[string]any{
		"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users('" + url.PathEscape(c.owner) + "')/messages", "value": value,
	})
}

// selected reads $select; nil is everything.
func (m *graphMail) selected(c *mailCall) (names []string, refused answer, ok bool) {
	list := c.r.URL.Query().Get("$select")
	if list == "" {
		return nil, answer{}, true
	}
	known := new(graphItem).resource(c, nil)
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if _, ok := known[name]; !ok {
			return nil, m.refuse(http.StatusBadRequest, "BadRequest", "Parsing OData Select and Expand failed: Could not find a property named '"+name+"' on type 'microsoft.graph.message'."), false
		}
		names = append(names, name)
	}
	return names, answer{}, true
}

// resource is an item as Graph shows it, with the chosen properties or all.
func (i *graphItem) resource(c *mailCall, chosen []string) map[string]any {
	stamp := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return t.UTC().Format(time.RFC3339)
	}
	people := func(list []graphRecipient) []graphRecipient { return append([]graphRecipient{}, list...) }
	folder, body := "SentItems", i.message.Body
	if i.draft {
		folder = "Drafts"
	}
	if body.ContentType == "" {
		body.ContentType = "text"
	}
	all := map[string]any{
		"id": i.id, "subject": i.message.Subject, "body": body, "isDraft": i.draft,
		"from": i.message.From, "sender": i.message.Sender, "replyTo": people(i.message.ReplyTo),
		"toRecipients": people(i.message.To), "ccRecipients": people(i.message.Cc), "bccRecipients": people(i.message.Bcc),
		"internetMessageId": i.message.MessageID, "hasAttachments": len(i.message.Attachments) > 0,
		"createdDateTime": stamp(i.created), "sentDateTime": stamp(i.sent), "parentFolderId": folder,
	}
	reply := all
	if chosen != nil {
		reply = map[string]any{"id": i.id} // is always there
		for _, name := range chosen {
			reply[name] = all[name]
		}
	}
	reply["@odata.context"] = "https://graph.microsoft.com/v1.0/$metadata#users('" + url.PathEscape(c.owner) + "')/messages/$entity"
	return reply
}

// patchDraft is PATCH …/messages/{id}.
func (m *graphMail) patchDraft(c *mailCall) answer {
	if refused, ok := m.readJSON(c, &map[string]any{}); !ok {
		return refused
	}
	change, given, err := decodeMessage(c.body)
	if err != nil {
		return m.say(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	item, refused := m.draft(c)
	switch {
	case item == nil:
		return refused
	case slices.Contains(given, "attachments"): // assumed: they have an address of their own
		return m.refuse(http.StatusBadRequest, "ErrorInvalidRequest", "Attachments cannot be changed by a PATCH of the message.")
	case slices.Contains(given, "body") && item.mime != nil: // Exchange would, and lose what the MIME holds
		return m.refuse(http.StatusBadRequest, "ErrorInvalidRequest", "The body of a message that was made from MIME cannot be changed here.")
	}
	item.message.patch(change, given)
	for _, name := range given {
		item.changed[name] = true
	}
	return jsonAnswer(http.StatusOK, item.resource(c, nil))
}

// remove is DELETE …/messages/{id}.
func (m *graphMail) remove(c *mailCall) answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	item, refused := m.item(c)
	if item == nil {
		return refused
	}
	m.forget(item)
	return answer{status: http.StatusNoContent}
}

// sendDraft is POST …/messages/{id}/send. What was sent has another ID.
func (m *graphMail) sendDraft(c *mailCall) answer {
	m.mu.Lock()
	item, refused := m.draft(c)
	if item != nil {
		m.forget(item) // nobody else sends it
	}
	m.mu.Unlock()
	if item == nil {
		return refused
	}
	a := m.submit(c, item, true)
	if a.status != http.StatusAccepted {
		m.mu.Lock()
		defer m.mu.Unlock()
		item.gone = false
		m.items = append(m.items, item)
	}
	return a
}
