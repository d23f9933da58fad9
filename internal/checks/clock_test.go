package checks

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"traymail/internal/sandbox"
)

func TestClockIsComparedWithWhatServersSay(t *testing.T) {
	for name, c := range map[string]struct {
		ahead   time.Duration // of this computer
		status  Status
		finding string
		words   string
	}{
		"right":           {0, Pass, "", "right to"},
		"a little off":    {2 * time.Minute, Warn, "clock-wrong", "ahead of what"},
		"ahead":           {7 * time.Minute, Fail, "clock-wrong", "ahead of what"},
		"an hour behind":  {-time.Hour, Fail, "clock-wrong", "behind what"},
		"20 days behind":  {-20 * 24 * time.Hour, Fail, "clock-wrong", "20 days behind what"},
		"years behind":    {-9000 * 24 * time.Hour, Fail, "clock-wrong", "9000 days behind what"},
		"two months more": {60 * 24 * time.Hour, Fail, "clock-wrong", "60 days ahead of what"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTenant(t, sandbox.Options{})
			s := b.setup(t, b.person(t))
			s.Now = func() time.Time { return time.Now().Add(c.ahead) }
			// The library asks for the time where the program's clock counts.
			s.Web.Transport.(*http.Transport).TLSClientConfig.Time = s.Now
			want(t, newRun(s, Options{}).clock(t.Context()), c.status, c.finding, c.words)
		})
	}
}

func TestClockOfThisComputerIsWhatMakesTheCertificateSeemExpired(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	s := b.setup(t, b.person(t))
	s.Now = func() time.Time { return time.Now().AddDate(0, 3, 0) }
	s.Web.Transport.(*http.Transport).TLSClientConfig.Time = s.Now
	results := Run(t.Context(), s, Options{NoSend: true}, nil)
	for _, r := range results {
		if r.ID == TLS || r.ID == Clock || r.ID == Authority {
			want(t, r, Fail, "clock-wrong")
		}
	}
}

func TestClockWithoutAnybodyToAsk(t *testing.T) {
	a := own(t, closedPort(t))
	want(t, newRun(setupOf(t, a, nil), Options{}).clock(t.Context()), Skip, "")
	s := setupOf(t, microsoft(t, at("https://"+closedPort(t).String())), nil)
	want(t, newRun(s, Options{}).clock(t.Context()), Skip, "", "did not answer")
}

func TestSettingTheClockIsTheSystemsOwn(t *testing.T) {
	for system, command := range map[string]string{"linux": "timedatectl", "windows": "w32tm /resync", "darwin": "sntp -sS time.apple.com"} {
		if fix, is := setClock(system); fix == "" || !strings.Contains(is, command) {
			t.Errorf("on %s: %s: %s", system, fix, is)
		}
	}
}
