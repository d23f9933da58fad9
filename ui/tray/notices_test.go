package tray

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

// A moment is a status and what is said of it.
type moment struct {
	status desk.Status
	after  time.Duration // since the moment before
	said   []string
}

func refused(name string, n int64) mailer.AccountStatus {
	a := ready(name)
	a.Refused = n
	return a
}

func TestEachCauseIsSaidOnce(t *testing.T) {
	words.Use("en")
	const (
		signIn  = "main: sign in again; its messages wait until then"
		secret  = "main: its secret or certificate expires on 2 December"
		stopped = "Nothing is sent: the part of traymail that sends mail does not run. Home says why."
		silence = "The part of traymail that sends mail does not answer. Home says more."
		problem = "The changed configuration is not in force, because something in it is wrong. The former one still is. Settings says what to correct."
	)
	well, revoked := running(ready("main")), running(needy("main", mailer.CauseSignIn))
	revokedAndEnding := running(needy("main", mailer.CauseSignIn))
	ends := mailer.Alert{ID: mailer.AlertSecret, Severity: mailer.AlertWarning, Due: noon.AddDate(0, 0, 12)}
	revokedAndEnding.Accounts[0].Alerts = append(revokedAndEnding.Accounts[0].Alerts, ends)
	silent, down, wrong := revoked, well, well
	silent.Silent = noon
	down.Running = false
	wrong.Problem = "traymail.toml:3"
	many := func(n int) desk.Status {
		var list []mailer.AccountStatus
		for _, name := range []string{"a", "b", "c", "d"}[:n] {
			list = append(list, needy(name, mailer.CauseKeystore))
		}
		return running(list...)
	}

	for name, moments := range map[string][]moment{
		"it stays":               {{status: well}, {status: revoked, said: []string{signIn}}, {status: revoked}, {status: revoked, after: 24 * time.Hour}},
		"it goes and comes back": {{status: revoked, said: []string{signIn}}, {status: well}, {status: revoked, said: []string{signIn}}},
		"another one beside it":  {{status: revoked, said: []string{signIn}}, {status: revokedAndEnding, said: []string{secret}}, {status: revoked}, {status: revokedAndEnding, said: []string{secret}}},
		"no answer in between":   {{status: revoked, said: []string{signIn}}, {status: silent, said: []string{silence}}, {status: silent}, {status: revoked}, {status: silent, said: []string{silence}}},
		"ended in between":       {{status: revoked, said: []string{signIn}}, {status: down, said: []string{stopped}}, {status: down}, {status: revoked}},
		"not known yet":          {{status: desk.Status{}}, {status: well}},
		"did not start":          {{status: desk.Status{Unstarted: errors.New("x")}, said: []string{stopped}}, {status: desk.Status{Unstarted: errors.New("x")}}},
		"the configuration":      {{status: wrong, said: []string{problem}}, {status: wrong}, {status: well}, {status: wrong, said: []string{problem}}},
		"three at once": {{status: many(3), said: []string{"a: the keychain is locked or away; unlock it", "b: the keychain is locked or away; unlock it",
			"c: the keychain is locked or away; unlock it"}}},
		"four at once":     {{status: many(4), said: []string{"4 things wait for you. Home lists them."}}, {status: many(4)}},
		"there is time":    {{status: running(warned("main", mailer.AlertSecret, mailer.AlertNotice, noon.AddDate(0, 0, 29)))}},
		"refused before":   {{status: running(refused("main", 7))}},
		"an account to be": {{status: well}, {status: running(ready("main"), refused("new", 2))}},
		"refused recipients": {{status: running(refused("main", 7))},
			{status: running(refused("main", 8)), said: []string{"main: 1 recipient was refused. History keeps the server's reply."}},
			{status: running(refused("main", 10)), after: time.Minute},
			{status: running(refused("main", 11)), after: time.Hour, said: []string{"main: 3 recipients were refused. History keeps the server's replies."}},
			{status: running(refused("main", 0)), after: 2 * time.Hour},
			{status: running(refused("main", 1)), said: []string{"main: 1 recipient was refused. History keeps the server's reply."}}},
	} {
		t.Run(name, func(t *testing.T) {
			var n Notices
			now := noon
			for i, m := range moments {
				now = now.Add(m.after)
				var said []string
				for _, notice := range n.Of(m.status, now) {
					said = append(said, notice.Text)
				}
				if !slices.Equal(said, m.said) {
					t.Errorf("moment %d: said %q, want %q", i, said, m.said)
				}
			}
		})
	}
}

// What the provider said names people and what they send.
func TestNoticesRepeatNothingThatTheProviderSaid(t *testing.T) {
	words.Use("en")
	for _, cause := range []mailer.Cause{mailer.CauseSignIn, mailer.CauseSettings, mailer.CauseProvider, mailer.CauseKeystore, "moon"} {
		var n Notices
		s := running(needy("main", cause))
		s.Problem = "traymail.toml:3: AADSTS50173 for secret@contoso.com"
		s.Trouble = errors.New("AADSTS50173 for secret@contoso.com")
		for _, notice := range n.Of(s, noon) {
			if all := notice.Title + notice.Text; strings.Contains(all, "AADSTS") || strings.Contains(all, "@") {
				t.Errorf("%s: %s", cause, all)
			}
		}
	}
}
