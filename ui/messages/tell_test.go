package messages

import (
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/mailer"
)

// mono has all runes as wide as each other.
func mono(rune) float32 { return 10 }

func TestLongTextsAreShortened(t *testing.T) {
	for _, c := range []struct {
		text   string
		width  float32
		middle bool
		want   string
	}{
		{"ops@contoso.com", 150, true, "ops@contoso.com"},
		{"ops@contoso.com", 140, true, "ops@cont…o.com"},
		{"backup-service@backup.contoso.com", 160, true, "backup-se…so.com"},
		{"backup-service@backup.contoso.com", 160, false, "backup-service@…"},
		{"Disk space below", 60, false, "Disk…"},
		{"日本語の件名です", 50, false, "日本語の…"},
		{"x", 5, true, "…"},
		{"", 0, true, ""},
	} {
		got, cut := shorten(c.text, c.width, c.middle, mono)
		if got != c.want || cut != (c.text != got) {
			t.Errorf("%q becomes %q (%v), want %q", c.text, got, cut, c.want)
		}
	}
}

func TestColumnsFoldWhereThereIsNoRoom(t *testing.T) {
	shown := func(width float32, accounts bool) (keys []string) {
		spans := fit(width, accounts, 0)
		end := float32(0)
		for i, s := range spans {
			if s.width == 0 {
				continue
			}
			if s.x < end || s.width < columns[i].least {
				t.Errorf("at %v the column %s is at %v", width, columns[i].key, s)
			}
			end = s.x + s.width
			keys = append(keys, columns[i].key)
		}
		if end > width+0.5 {
			t.Errorf("at %v they end at %v", width, end)
		}
		return keys
	}
	for _, c := range []struct {
		width    float32
		accounts bool
		want     string
	}{
		{1600, true, "state when from to subject account client size reply"},
		{1600, false, "state when from to subject client size reply"},
		{984, true, "state when from to subject account reply"},
		{900, true, "state when from to subject reply"},
		{550, true, "state when to subject"},
		{450, true, "state to subject"},
	} {
		if got := strings.Join(shown(c.width, c.accounts), " "); got != c.want {
			t.Errorf("at %v it shows %s, want %s", c.width, got, c.want)
		}
	}
	if got := fit(984, true, 140)[columnState].width; got != 140 {
		t.Errorf("the state has %v for a word that needs 140", got)
	}
}

func TestRecipientsThatStandTheSameAreToldTogether(t *testing.T) {
	rec := putOff(message(1, queued, "Report", "a@x.com", "b@x.com", "c@x.com", "d@x.com", "e@x.com"))
	rec.Recipients[1].State, rec.Recipients[1].Reply, rec.Recipients[1].Next = delivered, "250 OK", time.Time{}
	rec.Recipients[3].State, rec.Recipients[3].Reply, rec.Recipients[3].Next = failed, "550 5.1.1 unknown", time.Time{}
	rec.Recipients[4].Reply = "452 full"
	var heads []string
	for _, g := range groups(&rec) {
		heads = append(heads, g.head(&rec, clock)+": "+strings.Join(g.addresses, " "))
	}
	want := []string{
		"Refused: d@x.com",
		"2 wait · tried 2 times · next attempt in 7 min: a@x.com c@x.com",
		"Waits · tried 2 times · next attempt in 7 min: e@x.com",
		"Delivered: b@x.com",
	}
	if !slices.Equal(heads, want) {
		t.Errorf("it tells\n%s", strings.Join(heads, "\n"))
	}
}

func TestACopyHasAllThatIsKnown(t *testing.T) {
	rec := message(1, failed, "Payslip November", "j.doe@contoso.com")
	rec.ReturnTo = "hr@contoso.com"
	text := whole(&rec, clock)
	a := rec.Attempts[0]
	for _, want := range []string{rec.Subject, "Failed", rec.From, rec.ReturnTo, rec.Account, rec.Client, rec.MessageID, rec.ID, "3 KB (2,731 bytes)",
		"j.doe@contoso.com", a.Reply, a.Session, "21 November, 12:23:00 (1 h ago)", "1.2\u00a0s", "refused"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
}

func TestEveryStateHasAWordAndEveryOutcomeToo(t *testing.T) {
	for _, s := range mailer.States {
		if w := stateWord(s, false, 0); w == "" || strings.Contains(w, "messages.") {
			t.Errorf("of %s it says %q", s, w)
		}
	}
	for _, outcome := range []string{"delivered", "refused", "retry", "partly", "paused", "held", "unknown", ""} {
		if head := attemptHead(mailer.Attempt{N: 1, Outcome: outcome}, clock); strings.Contains(head, "messages.") {
			t.Errorf("of %q it says %q", outcome, head)
		}
	}
}
