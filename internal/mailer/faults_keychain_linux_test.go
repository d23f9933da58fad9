package mailer

import (
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"traymail/internal/account"
	"traymail/internal/keyringtest"
	"traymail/internal/queue"
	"traymail/keystore"
)

// A keychain that cannot be read while the program runs means later, and never
// that somebody has to sign in.
func TestAKeychainThatIsLockedOrDiesUnderTheProgramHoldsMessagesUpAndLosesNone(t *testing.T) {
	session := keyringtest.Start(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", session.Address())
	t.Cleanup(func() { // go-keyring keeps one connection for the whole process
		if conn, err := dbus.SessionBus(); err == nil {
			conn.Close()
		}
	})
	f := &faulty{bench: newBench(t, "unpaced")}
	f.clocks()
	f.Secrets = keystore.Keychain()
	f.signIn()
	// It needs no secret, as no other would be available either.
	f.add("well", "client@contoso.com", func(a *account.Account) {
		a.SMTPHost, a.SMTPPort, a.SMTPTLS = "127.0.0.1", scripted(t, "", func(string) string { return "" }), account.NoTLS
	})
	f.run()
	delivered := func(name string) {
		t.Helper()
		for _, r := range f.settled(t, name, f.handOver(t, name, 1, 0)) {
			if r.State != queue.Delivered {
				t.Errorf("it is %s:\n%s", r.State, replies(r))
			}
		}
	}
	delivered("main")
	for _, c := range []struct {
		says        string
		broken, end func()
	}{
		{"the keychain is locked", func() { session.Lock(t) }, func() { session.Unlock(t) }},
		{"no keychain service answers", func() { session.Kill() }, func() { session.Restart(t) }},
	} {
		c.broken()
		delivered("main") // by the token that it has
		f.pass(2 * time.Hour)
		queued := f.handOver(t, "main", 3, 0)
		poll(t, "waiting because "+c.says, func() bool {
			s := f.accountStatus("main")
			return s.Cause == CauseKeystore && s.State == Paused && strings.Contains(s.Reason, c.says) && strings.Contains(s.Fix, "unlock the keychain")
		})
		delivered("well")
		c.end()
		for i, r := range f.settled(t, "main", queued) {
			if r.State != queue.Delivered || r.Recipients[0].Tries != 0 || f.arrivals(queued[i].MessageID) != 1 {
				t.Errorf("it is %s after %d tries that counted:\n%s", r.State, r.Recipients[0].Tries, replies(r))
			}
		}
	}
}
