package main

import (
	"flag"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"traymail/internal/queuetest"
	"traymail/internal/sandbox"
)

var screenshots = flag.String("screenshots", "", "write screenshots of the window to this `folder`")

// lived is a home with a past: an account whose mail flows, one that waits for a
// person, tools with passwords, and a hundred messages.
func lived(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, "")
	b.must(nil, "account", "edit", "demo", "--test-to", "ops@contoso.com", "--messages-per-minute", "600")
	r := b.ready
	b.must(nil, "account", "add", "invoices", "--username", "mfa@contoso.com", "--sender", "invoices@contoso.com", "--client-id", r.Apps[0].ClientID, "--tenant", r.TenantID,
		"--authority-url", r.Authority, "--graph-url", r.GraphURL, "--exchange-url", r.ExchangeURL, "--smtp-host", r.SMTPHost, "--smtp-port", "1", "--ca-file", filepath.Join(b.home, "ca.pem"))
	b.signIn()
	for _, tool := range []string{"scanner", "backup", "erp", "monitoring"} {
		b.must(nil, "client", "add", tool, "--account", "demo")
	}
	s := b.serve("") // which makes the queue
	for _, m := range []struct{ from, subject string }{
		{"svc@contoso.com", "Backup of server 4 done"}, {"invoices@contoso.com", "Invoice 20141"}, {"invoices@contoso.com", "Invoice 20142"}, {"invoices@contoso.com", "Invoice 20143"},
	} {
		b.must(strings.NewReader("From: "+m.from+"\nTo: ops@contoso.com\nSubject: "+m.subject+"\n\nHello.\n"), "send", "-f", m.from, "ops@contoso.com")
	}
	b.awaitSubject("Backup of server 4 done")
	s.end()
	queuetest.FillHistory(t, filepath.Join(b.home, "state", "queue.db"), "demo", 100, 23*time.Hour)
	return b
}

// awaitSubject waits until a message has arrived.
func (b *bench) awaitSubject(subject string) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		for _, m := range b.sandbox.Tenant().Inbox() {
			if m.Subject == subject {
				return
			}
		}
		if time.Now().After(end) {
			b.t.Fatalf("%q does not arrive", subject)
		}
	}
}

// end ends it as the system does.
func (s *served) end() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	<-s.ended
}

// TestWindowLooks takes the pictures of README and docs, which make screenshots
// keeps. In an ordinary run it shows that every page comes up, in German.
func TestWindowLooks(t *testing.T) {
	for name, env := range map[string][]string{
		"light":  {"FYNE_THEME=light"},
		"dark":   {"FYNE_THEME=dark"},
		"german": {"FYNE_THEME=light", "LANG=de_DE.UTF-8", "LANGUAGE=de", "LC_ALL=de_DE.UTF-8"},
	} {
		if *screenshots == "" && name != "german" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := lived(t)
			d := newDesk(t, b.home, env...)
			desktop(t, d.session.Address())
			window := d.open()
			d.Find(t, "demo") // the accounts are known by now
			seen := ""
			for i, page := range []string{"home", "setup", "queue", "history", "accounts", "relay", "settings", "explain", "about"} {
				if i > 0 {
					d.Key(t, "ctrl+"+string(rune('1'+i)))
				}
				switch page {
				case "explain":
					d.TypeOn(t, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.")
				case "history":
					d.settled()
					d.ClickAt(t, d.Place(t, window).Min.Add(image.Pt(600, 375))) // a row, whose attempts are then shown
				}
				d.settled()
				picture := string(d.Picture(d.Place(t, window)).Pix)
				if picture == seen {
					t.Errorf("%s looks like the page before", page)
				}
				seen = picture
				d.shoot(window, page+"-"+name)
			}
			if *screenshots != "" {
				d.shootFurther(b, window, name)
				return
			}
			// In English, by keys, and with one that comes before it is drawn.
			d.Key(t, "ctrl+7")
			d.Find(t, "Sprache")
			d.Key(t, "Return", "Down", "Down", "Return", "space", "Escape")
			d.Find(t, "Light or dark")
		})
	}
}

// shootFurther takes the pictures of what is not there at once: a step of the
// setup, and a check that fails.
func (d *desk) shootFurther(b *bench, window, name string) {
	d.t.Helper()
	onward := d.Place(d.t, window).Max.Sub(image.Pt(60, 38)) // the primary button of each step
	d.Key(d.t, "ctrl+2")
	d.Click(d.t, "Endpoint Central", "Endpoint") // in every language
	d.ClickAt(d.t, onward)
	d.Find(d.t, "Sender Email Address")
	d.Type(d.t, "svc@contoso.com")
	d.settled()
	d.ClickAt(d.t, onward)
	d.Find(d.t, "Client Secret")
	d.settled()
	d.shoot(window, "setup-registration-"+name)

	off := true
	b.sandbox.Tenant().Change(func(t *sandbox.Tenant) { t.Mailboxes[0].SMTPAuthDisabled = &off })
	d.Key(d.t, "ctrl+5")
	d.Click(d.t, "Check the setup", "Einrichtung prüfen")
	d.Find(d.t, "Check setup", "Einrichtung prüfen")
	d.settled()
	d.Key(d.t, "Return")
	d.Find(d.t, "Check again", "Erneut prüfen")
	d.settled()
	d.shoot(window, "checks-failed-"+name)
}

// settled waits until the window rests, as well as it can: a cursor blinks for
// ever.
func (d *desk) settled() {
	d.t.Helper()
	last, since, began := "", time.Now(), time.Now()
	d.until("the window to rest", func() bool {
		if now := string(d.Strips()); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 700*time.Millisecond || time.Since(began) > 4*time.Second
	})
}

// shoot keeps a picture of the window where screenshots are wanted, in few
// colours, which its flat surfaces do not show.
func (d *desk) shoot(window, name string) {
	d.t.Helper()
	if *screenshots == "" {
		return
	}
	file := filepath.Join(*screenshots, name+".png")
	f, err := os.Create(file)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, d.Picture(d.Place(d.t, window))); err != nil {
		d.t.Fatal(err)
	}
	if out, err := exec.Command("convert", file, "+dither", "-colors", "36", "-strip", "-define", "png:compression-level=9", "PNG8:"+file).CombinedOutput(); err != nil {
		d.t.Fatalf("convert: %v: %s", err, out)
	}
}
