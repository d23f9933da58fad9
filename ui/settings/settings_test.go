//go:build !darwin || cgo

package settings

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"go.uber.org/goleak"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

func TestMain(m *testing.M) {
	os.Setenv("LANG", "en_US.UTF-8")
	goleak.VerifyTestMain(m)
}

// A program is the real one on a home folder of its own; nothing of it runs.
func program(t *testing.T, file string) (*mailer.Mailer, string) {
	t.Helper()
	m := &mailer.Mailer{Home: t.TempDir()}
	path := filepath.Join(m.Home, "traymail.toml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, path
}

// chosen are preferences and the autostart that a test looks at.
type chosen struct {
	language, variant string
	quiet, auto       bool
	failing           error
}

func (c *chosen) Language() string       { return c.language }
func (c *chosen) SetLanguage(tag string) { c.language = tag }
func (c *chosen) Variant() string        { return c.variant }
func (c *chosen) SetVariant(name string) { c.variant = name }
func (c *chosen) Notifies() bool         { return !c.quiet }
func (c *chosen) SetNotifies(on bool)    { c.quiet = !on }
func (c *chosen) Enabled() (bool, error) { return c.auto, nil }
func (c *chosen) Set(on bool) error {
	if c.failing == nil {
		c.auto = on
	}
	return c.failing
}

// opened is the page on a window.
func opened(t *testing.T, p Program, c *chosen) (*Page, *uitest.Bench) {
	t.Helper()
	b := uitest.New(t)
	v := New(b.Desk, p, b.Frame, c, c)
	b.Window.SetContent(v.Content())
	b.Window.Resize(fyne.NewSize(1064, 720))
	v.Status(desk.Status{Status: mailer.Status{Accounts: []mailer.AccountStatus{{Name: "invoices"}, {Name: "scanner"}}}})
	v.Show(desk.Place{Page: desk.Settings})
	b.Until(func() bool { return v.presenter.state.Known && !v.presenter.state.Busy && !v.auto.Disabled() })
	return v, b
}

const file = `# our relay
[relay]
max_size_mb = 50 # the scanner's

[queue]
retry = ["1m", "90s", "2h"]
`

func TestWhatIsAppliedIsInTheFileAndTheRestOfItStays(t *testing.T) {
	m, path := program(t, file)
	v, b := opened(t, m, &chosen{})
	b.Look("settings")
	if got := v.rows["queue.retry"].entry.Text; got != "1m 1m30s 2h" {
		t.Errorf("the waits show as %q", got)
	}
	b.Window.Canvas().Focus(v.rows["relay.max_recipients"].entry)
	b.Type("300")
	b.Window.Canvas().Focus(v.rows["queue.expire"].entry)
	b.Type("48h")
	if !v.banner.Container.Visible() || !strings.Contains(v.banner.Then.Text, "next time") {
		t.Errorf("before it is applied it says %q, %q", v.banner.What.Text, v.banner.Then.Text)
	}
	b.Press(fyne.KeyReturn)
	b.Until(func() bool { return !v.presenter.state.Busy })
	if s := v.presenter.state; !s.Saved || s.Changed() {
		t.Fatalf("it is not saved: %v", s.Err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# our relay", "max_size_mb = 50 # the scanner's", "max_recipients = 300", `expire = "48h`, `retry = ["1m", "90s", "2h"]`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the file lacks %q:\n%s", want, text)
		}
	}
	b.Look("settings-saved")
}

func TestADurationIsAlsoSaidInWords(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	m, _ := program(t, file)
	v, b := opened(t, m, &chosen{})
	means := func(key, typed string) string {
		b.Window.Canvas().Focus(v.rows[key].entry)
		v.rows[key].entry.SetText(typed)
		if l := v.rows[key].means; l.Visible() {
			return l.Text
		}
		return ""
	}
	for _, c := range []struct{ key, typed, want string }{
		{"relay.timeout", "", "5 minutes"}, // the default
		{"relay.timeout", " 90s ", "1 minute and 30 seconds"},
		{"relay.timeout", "soon", ""},
		{"queue.expire", "", "5 days"},
		{"queue.retry", "1m, 90s 2h", "1 minute, 1 minute and 30 seconds, 2 hours"},
		{"queue.keep_days", "30", ""},
	} {
		if got := means(c.key, c.typed); got != c.want {
			t.Errorf("%s of %q is %q in words, want %q", c.key, c.typed, got, c.want)
		}
	}
	words.Use("de")
	v = v.Anew(b.Frame)
	b.Window.SetContent(v.Content())
	v.Show(desk.Place{Page: desk.Settings})
	if got := means("queue.expire", "48h"); got != "2 Tage" {
		t.Errorf("in German it is %q", got)
	}
}

func TestAValueThatCannotBeUsedIsToldAtItsFieldAndNothingChanges(t *testing.T) {
	for key, typed := range map[string]string{
		"relay.max_size_mb": "fifty",
		"queue.expire":      "5 days",
		"queue.retry":       "1m soon",
		"relay.hostname":    "not a name",
		"queue.postgresql":  "host=db password=x",
	} {
		t.Run(key, func(t *testing.T) {
			m, path := program(t, file)
			v, b := opened(t, m, &chosen{})
			v.rows[key].entry.SetText(typed)
			v.apply.Tapped(nil)
			b.Until(func() bool { return !v.presenter.state.Busy })
			r := v.rows[key]
			if !r.alarm.Visible() || r.wrong.Text == "" || b.Window.Canvas().Focused() != r.entry {
				t.Errorf("its field says nothing: %v", v.presenter.state.Err)
			}
			if r.entry.Text != typed {
				t.Errorf("what was typed is gone: %q", r.entry.Text)
			}
			if text, _ := os.ReadFile(path); string(text) != file {
				t.Errorf("the file changed:\n%s", text)
			}
			b.Look("settings-wrong")
		})
	}
}

func TestAFileThatSomebodyElseChangedIsNotOverwritten(t *testing.T) {
	m, path := program(t, file)
	v, b := opened(t, m, &chosen{})
	v.rows["relay.max_recipients"].entry.SetText("300")
	theirs := file + "\n[log]\nlevel = \"debug\"\n"
	if err := os.WriteFile(path, []byte(theirs), 0o600); err != nil {
		t.Fatal(err)
	}
	v.apply.Tapped(nil)
	b.Until(func() bool { return !v.presenter.state.Busy })
	if text, _ := os.ReadFile(path); string(text) != theirs || !v.presenter.state.Stale {
		t.Fatalf("stale: %v, the file:\n%s", v.presenter.state.Stale, text)
	}
	b.Look("settings-stale")
	v.discard.Tapped(nil)
	b.Until(func() bool { return !v.presenter.state.Busy })
	if got := v.rows["log.level"].choice.Selected; got != "debug" || v.presenter.state.Changed() {
		t.Errorf("after discarding the level is %q", got)
	}
}

func TestAPageThatIsLeftKeepsWhatWasTyped(t *testing.T) {
	m, _ := program(t, file)
	v, _ := opened(t, m, &chosen{})
	v.rows["relay.max_recipients"].entry.SetText("300")
	v.Hide()
	v.Show(desk.Place{Page: desk.Settings})
	if got := v.rows["relay.max_recipients"].entry.Text; got != "300" {
		t.Errorf("it says %q", got)
	}
}

func TestWhatIsChosenForTheWindowTakesEffectAtOnce(t *testing.T) {
	m, _ := program(t, "")
	c := &chosen{}
	v, b := opened(t, m, c)
	v.language.SetSelected("Deutsch")
	v.variant.SetSelectedIndex(2)
	v.notify.SetChecked(false)
	if c.language != "de" || c.variant != "dark" || !c.quiet {
		t.Errorf("chosen: %+v", c)
	}
	v.auto.SetChecked(true)
	b.Until(func() bool { return !v.auto.Disabled() })
	if !c.auto {
		t.Error("it does not start with the session")
	}
	c.failing = errors.New("the folder cannot be written")
	v.auto.SetChecked(false)
	b.Until(func() bool { return !v.auto.Disabled() })
	if !v.auto.Checked || !v.autoErr.Visible() {
		t.Errorf("a failure shows as %v, %q", v.auto.Checked, v.autoErr.Text)
	}
}

// failing is a program that cannot be asked.
type failing struct{ err error }

func (f failing) Settings(context.Context) (mailer.Settings, error)   { return mailer.Settings{}, f.err }
func (f failing) SaveSettings(context.Context, mailer.Settings) error { return f.err }

func TestSettingsThatCannotBeReadSayWhyAndCannotBeChanged(t *testing.T) {
	b := uitest.New(t)
	err := &account.FieldError{File: "traymail.toml", Line: 3, Key: "keystore.kind", Text: `"vault" is not a kind of keystore`, Fix: `use "keychain"`}
	c := &chosen{}
	v := New(b.Desk, failing{err}, b.Frame, c, c)
	b.Window.SetContent(v.Content())
	v.Show(desk.Place{Page: desk.Settings})
	b.Until(func() bool { return v.presenter.state.Err != nil && !v.presenter.state.Busy })
	if !strings.Contains(v.detail.Text, "vault") || !v.rows["relay.timeout"].entry.Disabled() || !v.apply.Disabled() {
		t.Errorf("it says %q", v.detail.Text)
	}
	b.Look("settings-failed")
}

func TestTheDefaultsAreThoseOfTheDocumentation(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range Groups() {
		for _, f := range g.Fields {
			table, key, _ := strings.Cut(f.Key, ".")
			_, section, _ := strings.Cut(string(page), fmt.Sprintf("\n### `[%s]`", table))
			section, _, _ = strings.Cut(section, "\n#")
			m := regexp.MustCompile("(?m)^\\| `" + key + "` \\| ([^|]*) \\|").FindStringSubmatch(section)
			if m == nil {
				t.Errorf("docs/configuration.md has no %s", f.Key)
				continue
			}
			documented := strings.Join(strings.FieldsFunc(m[1], func(r rune) bool { return strings.ContainsRune("`[]\", ", r) }), " ")
			if f.Default != "" && documented != f.Default {
				t.Errorf("%s: the page has the default %q, the documentation %q", f.Key, f.Default, documented)
			}
		}
	}
}

func TestThePageFitsTheSmallestWindow(t *testing.T) {
	m, _ := program(t, file)
	v, b := opened(t, m, &chosen{})
	b.Window.Resize(fyne.NewSize(944, 660))
	b.Look("settings-small")
	if size := v.Content().MinSize(); size.Width > 944 || size.Height > 660 {
		t.Errorf("it needs %v", size)
	}
}

func TestThePageScrollsUnderThePointerOnAField(t *testing.T) {
	m, _ := program(t, file)
	v, b := opened(t, m, &chosen{})
	b.Window.Resize(fyne.NewSize(1064, 500))
	e := v.rows["relay.max_size_mb"].entry
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject(e).AddXY(20, 10)
	test.Scroll(b.Window.Canvas(), at, 0, -30)
	if v.scroll.Offset.Y != 30 {
		t.Errorf("it is scrolled to %v", v.scroll.Offset.Y)
	}
}

func TestAnotherLanguageKeepsWhatWasTypedAndNotApplied(t *testing.T) {
	m, path := program(t, file)
	c := &chosen{}
	v, b := opened(t, m, c)
	v.rows["relay.max_size_mb"].entry.SetText("7")
	v.language.SetSelectedIndex(2)
	if c.language != "de" || b.Window.Canvas().Overlays().Top() != nil {
		t.Fatalf("the language is %q, or something is asked", c.language)
	}
	v = v.Anew(b.Frame)
	b.Window.SetContent(v.Content())
	v.Show(desk.Place{Page: desk.Settings})
	if got := v.rows["relay.max_size_mb"].entry.Text; got != "7" || v.apply.Disabled() {
		t.Fatalf("%q stands there", got)
	}
	v.apply.Tapped(nil)
	b.Until(func() bool { return !v.presenter.state.Busy })
	if text, _ := os.ReadFile(path); !strings.Contains(string(text), "max_size_mb = 7 ") || !v.banner.Container.Visible() {
		t.Errorf("the file has\n%s", text)
	}
}
