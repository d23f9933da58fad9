package mailer

import (
	"errors"
	"testing"
	"time"

	"traymail/internal/account"
)

func TestMessagesAreCountedAndTheirTrafficToo(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.start()
	begin := time.Now().Add(-time.Hour)
	for range 3 {
		b.ended(b.enqueueTo("main").ID)
	}
	b.ended(b.enqueue("ceo@contoso.com", "ops@contoso.com").ID) // no permission to send as
	b.until("told of it", func(Status) bool { n, err := b.Count(t.Context(), Filter{}); return n >= 5 && err == nil })
	for want, f := range map[int]Filter{3: {State: "delivered", Subject: "hello", Account: "main", Limit: 1, Client: "command"}, 1: {State: "failed"}, 0: {Account: "other"}} {
		if n, err := b.Count(t.Context(), f); n != want || err != nil {
			t.Errorf("%+v: %d, %v", f, n, err)
		}
	}
	volumes, err := b.Traffic(t.Context(), begin, 30*time.Minute)
	if err != nil || len(volumes) != 3 {
		t.Fatalf("%+v, %v", volumes, err)
	}
	if v := volumes[2]; v.Accepted < 5 || v.Delivered < 3 || v.Refused != 1 || volumes[0].Accepted != 0 {
		t.Errorf("%+v", volumes)
	}
	var field *account.FieldError
	if _, err := b.Traffic(t.Context(), begin, 0); !errors.As(err, &field) || field.Key != "step" {
		t.Errorf("steps of nothing: %v", err)
	}
}
