package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheInboxShowsWhatArrived(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	b.get(c, b.InboxURL).says(t, "No message has arrived.")
	if v := b.get(c, b.InboxJSONURL); v.body != "[]" {
		t.Errorf("the empty list is %s", v.body)
	}
	data := []byte("Subject: <b>hello</b>\r\nMessage-ID: <1@x>\r\n\r\n<script>alert(1)</script>\xff\r\n")
	b.Tenant().Deliver(Message{
		ReceivedAt: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), User: "svc@contoso.com", From: "svc@contoso.com",
		To: []string{"ops@contoso.com"}, Subject: "<b>hello</b>", Size: len(data), Turns: 1, Data: data,
	})
	b.get(c, b.InboxURL).says(t, "2026-11-20 09:00:00Z", "svc@contoso.com", "ops@contoso.com", "<b>hello</b>", fmt.Sprint(len(data)))
	v := b.get(c, b.InboxURL+"/1")
	v.says(t, "Message-ID: <1@x>", "<script>alert(1)</script>")
	if strings.Contains(v.body, "<script>") || strings.Contains(v.body, "<b>hello") {
		t.Error("the message's markup is live")
	}
	v = b.get(c, b.InboxURL+"/1/raw")
	if !bytes.Equal([]byte(v.body), data) || v.header.Get("Content-Type") != "text/plain; charset=utf-8" || v.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%q %v", v.body, v.header)
	}
	var list []struct {
		ID      int
		Subject string
		Raw     string
		Turns   int
	}
	if err := json.Unmarshal([]byte(b.get(c, b.InboxJSONURL).body), &list); err != nil || len(list) != 1 || list[0].Raw != "/inbox/1/raw" || list[0].Turns != 1 {
		t.Errorf("%v %+v", err, list)
	}
	for _, path := range []string{"/0", "/2", "/x", "/2/raw"} {
		if v := b.get(c, b.InboxURL+path); v.status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, v.status)
		}
	}
}

func TestALongMessageIsCutOnThePageOnly(t *testing.T) {
	b := newBench(t, "default")
	data := []byte("Subject: long\r\n\r\n" + strings.Repeat("é", maxSource))
	b.Tenant().Deliver(Message{Subject: "long", Size: len(data), Data: data})
	if v := b.get(b.browser(), b.InboxURL+"/1"); len(v.body) > 2*maxSource || !strings.Contains(v.screen.text, "…") {
		t.Errorf("the page has %d octets", len(v.body))
	}
	if v := b.get(b.browser(), b.InboxURL+"/1/raw"); v.body != string(data) {
		t.Errorf("raw has %d octets", len(v.body))
	}
}

func TestTheOldestMessagesMakeRoomAndKeepTheirRows(t *testing.T) {
	b := newBench(t, "default")
	all := make([]byte, inboxLimit) // shared, so that the test takes little room itself
	half := all[:inboxLimit/2]
	for _, data := range [][]byte{half, half, []byte("Subject: small\r\n\r\n"), all, all[:10]} {
		b.Tenant().Deliver(Message{Subject: "hello", Size: len(data), Data: data})
	}
	kept := 0
	for i, m := range b.Tenant().Inbox() {
		kept += len(m.Data)
		if m.ID != i+1 || m.Subject != "hello" || m.Gone() != (i < 4) {
			t.Errorf("message %d: %d octets of %d", m.ID, len(m.Data), m.Size)
		}
	}
	if kept > inboxLimit {
		t.Errorf("%d octets are kept", kept)
	}
	c := b.browser()
	b.get(c, b.InboxURL).says(t, fmt.Sprint(inboxLimit/2))
	b.get(c, b.InboxURL+"/1").says(t, "hello", "The message itself is gone")
	if v := b.get(c, b.InboxURL+"/1/raw"); v.status != http.StatusGone {
		t.Errorf("raw: status %d", v.status)
	}
	if v := b.get(c, b.InboxURL+"/5/raw"); v.status != http.StatusOK || len(v.body) != 10 {
		t.Errorf("raw of the latest: status %d, %d octets", v.status, len(v.body))
	}
}

func TestTheReadyFileIsPrivateAndComplete(t *testing.T) {
	b := newBench(t, "default")
	path := filepath.Join(t.TempDir(), "ready.json")
	for _, before := range []string{"", "something old"} {
		if before != "" {
			if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.WriteReady(path); err != nil {
			t.Fatal(err)
		}
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var r Ready
		if err := json.Unmarshal(body, &r); err != nil {
			t.Fatal(err)
		}
		if r.TokenURL != b.TokenURL || r.SMTPHost != "localhost" || r.SMTPPort == 0 || len(r.Users) != 5 || len(r.Apps) != 5 || r.Users[2].MFACode == "" {
			t.Errorf("%+v", r)
		}
		ca, err := os.ReadFile(r.CAFile)
		if err != nil || string(ca) != r.CAPEM || r.CAFile != strings.TrimSuffix(path, ".json")+".ca.pem" {
			t.Errorf("%v %s", err, r.CAFile)
		}
	}
	if err := b.WriteReady(filepath.Join(t.TempDir(), "nowhere", "ready.json")); err == nil {
		t.Error("a folder that does not exist was written to")
	}
}

func TestTheHomePageNamesUsersAndApplications(t *testing.T) {
	b := newBench(t, "mfa")
	b.get(b.browser(), b.Authority+"/").says(t, "Sandbox: this is not Microsoft", "svc-password-1", "135790", webAppID, "http://localhost:53682/callback",
		"svc is asked for a code", fmt.Sprintf("localhost:%d", b.SMTPPort))
}
