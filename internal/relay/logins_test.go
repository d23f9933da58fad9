package relay

import (
	"context"
	"encoding/base64"
	"net/netip"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

func TestPasswords(t *testing.T) {
	plain, hash := NewPassword()
	if ok, err := VerifyPassword(hash, plain); !ok || err != nil {
		t.Errorf("the right password: %t, %v", ok, err)
	}
	if ok, err := VerifyPassword(hash, plain+"x"); ok || err != nil {
		t.Errorf("a wrong password: %t, %v", ok, err)
	}
	if again, _ := NewPassword(); again == plain || len(plain) < 26 {
		t.Error("the password can be guessed")
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=7168,t=5,p=1$") {
		t.Errorf("got %q", hash)
	}
	if _, other := NewPassword(); other[:60] == hash[:60] {
		t.Error("two hashes have the same salt")
	}
	// From the reference implementation's command: echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -e
	const known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := VerifyPassword(known, "password"); !ok || err != nil {
		t.Errorf("the reference hash: %t, %v", ok, err)
	}
}

func TestHashesThatCannotBeRead(t *testing.T) {
	good := cheapHash("x")
	for _, hash := range []string{
		"", "secret", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=64", "m=9999999", 1), strings.Replace(good, "t=1", "t=99", 1), strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=1,x=2", 1), good + "$", good[:60], strings.Replace(good, "c2Fsd", "!", 1),
	} {
		ok, err := VerifyPassword(hash, "x")
		if ok || err == nil {
			t.Errorf("%q was read", hash)
		} else if len(hash) > 5 && strings.Contains(err.Error(), hash) {
			t.Errorf("the error repeats what may be a password")
		}
	}
}

// A clock that moves only when somebody sleeps.
type clock struct{ now time.Time }

func (c *clock) sleep(_ context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return nil
}

func TestWrongPasswordsAreSlowedWhereTheyComeFrom(t *testing.T) {
	c := &clock{testNow}
	l := newLogins(func() time.Time { return c.now }, c.sleep)
	client := &Client{Name: "printer", PasswordHash: cheapHash("right")}
	attempt := func(from, name, password string) (bool, time.Duration) {
		t.Helper()
		before := c.now
		known := client
		if name != "printer" {
			known = nil
		}
		ok, err := l.check(t.Context(), netip.MustParseAddr(from), name, known, password)
		if err != nil {
			t.Fatal(err)
		}
		return ok, c.now.Sub(before)
	}
	for i, want := range []time.Duration{0, 1, 2, 4, 8, 16, 30, 30} {
		if ok, waited := attempt("192.0.2.1", "printer", "wrong"); ok || waited != want*time.Second {
			t.Errorf("attempt %d: %t after %s, want %ds", i+1, ok, waited, want)
		}
	}
	if ok, waited := attempt("192.0.2.2", "printer", "right"); !ok || waited != 0 {
		t.Errorf("another address: %t after %s", ok, waited)
	}
	if ok, _ := attempt("192.0.2.1", "scanner", "right"); ok {
		t.Error("an unknown name was let in")
	}
	if ok, waited := attempt("2001:db8::1", "printer", "wrong"); ok || waited != 0 {
		t.Errorf("an IPv6 address: %t after %s", ok, waited)
	}
	if ok, waited := attempt("2001:db8::2", "printer", "right"); !ok || waited == 0 {
		t.Errorf("its neighbour: %t after %s", ok, waited)
	}
	if _, waited := attempt("2001:db8::1", "printer", "wrong"); waited != 0 {
		t.Errorf("after the right password there is no wait, but it was %s", waited)
	}
	// Many at a time stand in one line.
	s := suspectOf(netip.MustParseAddr("192.0.2.9"), "printer")
	l.note(s, false)
	if a, b, d := l.turn(s), l.turn(s), l.turn(s); a != time.Second || b != 2*time.Second || d != 3*time.Second {
		t.Errorf("three at once wait %s, %s and %s", a, b, d)
	}
}

func TestSuspectsAreForgotten(t *testing.T) {
	c := &clock{testNow}
	l := newLogins(func() time.Time { return c.now }, c.sleep)
	addr := netip.MustParseAddr("10.0.0.0")
	for range maxSuspects + 50 {
		addr = addr.Next()
		l.note(suspectOf(addr, "x"), false)
	}
	if n := len(l.suspects); n > maxSuspects {
		t.Errorf("%d are remembered", n)
	}
	c.now = c.now.Add(forgetAfter + 1)
	l.note(suspectOf(addr.Next(), "x"), false)
	if n := len(l.suspects); n != 2 { // the name, and all of its address
		t.Errorf("%d are remembered after a quiet time", n)
	}
}

func TestAFailedLoginIsLoggedWithoutThePassword(t *testing.T) {
	c := testConfig()
	c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash(testPassword)}}
	r := newRig(t, c)
	conn := textproto.NewConn(r.dial(t, "local"))
	expect(t, conn, 220)
	command(t, conn, 250, "HELO x")
	plain := base64.StdEncoding.EncodeToString([]byte("\x00printer\x00hunter2"))
	command(t, conn, 535, "AUTH PLAIN "+plain)
	command(t, conn, 221, "QUIT")
	log := r.log.String()
	if !strings.Contains(log, "wrong name or password") || !strings.Contains(log, "name=printer remote=127.0.0.1") {
		t.Errorf("the log says %s", log)
	}
	if strings.Contains(log, "hunter2") || strings.Contains(log, plain) {
		t.Error("the password is in the log")
	}
}

func TestARightPasswordIsRememberedUntilTheNextReload(t *testing.T) {
	c := &clock{testNow}
	l := newLogins(func() time.Time { return c.now }, c.sleep)
	hash := cheapHash("right")
	for range 2 {
		if ok, err := l.matches(t.Context(), netip.Prefix{}, hash, "right"); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if ok, _ := l.matches(t.Context(), netip.Prefix{}, hash, "wrong"); ok {
		t.Error("a wrong one was let in after it")
	}
	l.clear()
	if len(l.verified) > 0 {
		t.Error("it is still remembered")
	}
}
