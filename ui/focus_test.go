//go:build !darwin || cgo

package ui

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/keystore"
	"traymail/ui/desk"
)

// A moody program answers what pages ask for when they are opened as it likes.
type moody struct {
	*mailer.Mailer
	status mailer.Status
	mood   func(ctx context.Context) error // before each answer
}

func (m *moody) Watch(ctx context.Context, changed func(mailer.Status) error) error {
	if err := m.mood(ctx); err != nil {
		return err
	}
	if err := changed(m.status); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func (m *moody) Settings(ctx context.Context) (s mailer.Settings, err error) {
	if err = m.mood(ctx); err == nil {
		s, err = m.Mailer.Settings(ctx)
	}
	return s, err
}

func (m *moody) Clients(ctx context.Context) (all []mailer.Client, err error) {
	if err = m.mood(ctx); err == nil {
		all, err = m.Mailer.Clients(ctx)
	}
	return all, err
}

func (m *moody) Account(ctx context.Context, name string) (a account.Account, s mailer.Secrets, err error) {
	if err = m.mood(ctx); err == nil {
		a, s, err = m.Mailer.Account(ctx, name)
	}
	return a, s, err
}

func (m *moody) Draft(ctx context.Context) (d setup.Draft, err error) {
	if err = m.mood(ctx); err == nil {
		d, err = m.Mailer.Draft(ctx)
	}
	return d, err
}

func (m *moody) Messages(ctx context.Context, f mailer.Filter) (all []mailer.Message, err error) {
	if err = m.mood(ctx); err == nil {
		all, err = m.Mailer.Messages(ctx, f)
	}
	return all, err
}

func (m *moody) Count(ctx context.Context, f mailer.Filter) (n int, err error) {
	if err = m.mood(ctx); err == nil {
		n, err = m.Mailer.Count(ctx, f)
	}
	return n, err
}

func (m *moody) Traffic(ctx context.Context, since time.Time, step time.Duration) (all []mailer.Volume, err error) {
	if err = m.mood(ctx); err == nil {
		all, err = m.Mailer.Traffic(ctx, since, step)
	}
	return all, err
}

// Whatever the program answers, and as long as it does not, there is something on
// the page that was opened, or beside it, that has the focus and can be seen.
func TestEachPageThatAKeyOpensHasAFocusThatIsSeen(t *testing.T) {
	answers := func(context.Context) error { return nil }
	for name, c := range map[string]struct {
		mood     func(ctx context.Context) error
		accounts []string
		loads    bool // the page itself has it in the end
	}{
		"nothing is answered": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, []string{"svc"}, false},
		"all fails":           {func(context.Context) error { return errors.New("the program has gone") }, []string{"svc"}, false},
		"there is no account": {answers, nil, true},
		"one account":         {answers, []string{"svc"}, true},
		"several accounts":    {answers, []string{"svc", "invoices"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := &moody{Mailer: &mailer.Mailer{Home: filepath.Join(t.TempDir(), "home"), Secrets: keystore.Memory()}, mood: c.mood}
			t.Cleanup(func() { m.Close() })
			m.status = mailer.Status{Running: true}
			for _, name := range c.accounts {
				a := account.New(name)
				a.Username, a.ClientID, a.Tenant = name+"@contoso.com", "11111111-2222-4333-8444-555555555555", "contoso.com"
				if err := m.Accounts().Save(a); err != nil {
					t.Fatal(err)
				}
				m.status.Accounts = append(m.status.Accounts, mailer.AccountStatus{Name: name, Username: a.Username, Sender: a.Username, State: mailer.Ready})
			}
			f, until := framed(t, Options{Program: m})
			has := func(page desk.Page) bool { return seen(f.window.pages[page].Content(), f.window.Canvas().Focused()) }
			takes := func(page desk.Page, each func()) { // the page has it in the end
				end := time.Now().Add(30 * time.Second)
				until(func() bool { each(); return has(page) || time.Now().After(end) })
				if !has(page) {
					t.Fatalf("%s: %T has the focus, and not the page", page, f.window.Canvas().Focused())
				}
			}
			if c.loads {
				takes(desk.Home, func() {}) // with the first status
			}
			keys := []fyne.KeyName{fyne.Key1, fyne.Key2, fyne.Key3, fyne.Key4, fyne.Key5, fyne.Key6, fyne.Key7, fyne.Key8, fyne.Key9}
			walk := slices.Concat(desk.Pages, []desk.Page{desk.Home, desk.About, desk.Explain, desk.Settings, desk.Relay, desk.Accounts, desk.History, desk.Queue, desk.Setup, desk.Home})
			for _, page := range walk {
				press(f.window, keys[slices.Index(desk.Pages, page)])
				check := func() {
					if !seen(f.window.Canvas().Content(), f.window.Canvas().Focused()) {
						t.Fatalf("%s: %T has the focus, and is not seen", page, f.window.Canvas().Focused())
					}
				}
				check()
				if c.loads {
					takes(page, check)
				}
				for range 3 { // what else has come, and what that began
					done := false
					f.window.pagesDesk.Start(func(context.Context) func() { return func() { done = true } })
					until(func() bool { check(); return done })
				}
			}
		})
	}
}

// press presses a key together with the modifier of shortcuts, as the toolkit
// tells it.
func press(w *window, key fyne.KeyName) {
	s := &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}
	if focused, is := w.Canvas().Focused().(fyne.Shortcutable); is {
		focused.TypedShortcut(s)
		return
	}
	w.Canvas().(fyne.Shortcutable).TypedShortcut(s)
}

// seen reports whether what has the focus is below an object, and nothing on the
// way to it hidden.
func seen(in fyne.CanvasObject, focused fyne.Focusable) bool {
	if focused == nil || !in.Visible() {
		return false
	}
	var below []fyne.CanvasObject
	switch in := in.(type) {
	case *fyne.Container:
		below = in.Objects
	case fyne.Widget:
		below = test.WidgetRenderer(in).Objects()
	}
	return in == focused.(fyne.CanvasObject) || slices.ContainsFunc(below, func(o fyne.CanvasObject) bool { return seen(o, focused) })
}
