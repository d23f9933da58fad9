//go:build !darwin || cgo

package ui

import (
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

func TestARehearsalSaysSoEndsWithItsWindowAndKeepsNoneOfItsSettings(t *testing.T) {
	var followed []string
	r := &Rehearsal{Username: "svc@contoso.com", Password: "svc-password-1", Inbox: "http://localhost:1/inbox", Portal: "http://localhost:1/portal",
		Page: func(text string) string {
			return strings.Replace(text, "https://login.microsoftonline.com", "http://localhost:1", 1)
		}}
	f, _ := framed(t, Options{Rehearsal: r})
	f.window.follow = func(address string) { followed = append(followed, address) }
	f.window.rebuild()
	said := ""
	for _, o := range test.LaidOutObjects(r.banner(f.window.follow)) {
		switch o := o.(type) {
		case *widget.Label:
			said += o.Text
		case *widget.Hyperlink:
			o.OnTapped()
		}
	}
	for _, want := range []string{words.Say("common.rehearsal"), r.Username, r.Password} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if !slices.Equal(followed, []string{r.Portal, r.Inbox}) {
		t.Errorf("its links lead to %q", followed)
	}
	f.window.copy("https://login.microsoftonline.com/tenant/oauth2/v2.0/authorize")
	if got := f.app.Clipboard().Content(); got != "http://localhost:1/tenant/oauth2/v2.0/authorize" {
		t.Errorf("the sign-in's address is copied as %s", got)
	}

	f.prefs.SetVariant("dark")
	f.prefs.SetNotifies(false)
	if f.prefs.Variant() != "dark" || f.prefs.Notifies() {
		t.Error("the settings have no effect")
	}
	if kept := f.app.Preferences(); kept.String(variantKey) != "" || kept.Bool(quietKey) {
		t.Error("the settings are kept")
	}

	ended := false
	c := closing{ends: true, tray: true, hide: func() { t.Error("it goes to the tray") }, quit: func() { ended = true }}
	c.asked(desk.Status{Known: true, Status: mailer.Status{Running: true}})
	if !ended {
		t.Error("closing does not end it")
	}
}
