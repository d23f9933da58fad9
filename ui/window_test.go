//go:build !darwin || cgo

package ui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/uitest"
)

// A sheet is a page that notes what is done with it.
type sheet struct {
	content *widget.Label
	noted   []string
	at      desk.Place
	status  desk.Status
}

func (p *sheet) Content() fyne.CanvasObject { return p.content }
func (p *sheet) Show(at desk.Place)         { p.at, p.noted = at, append(p.noted, "show") }
func (p *sheet) Hide()                      { p.noted = append(p.noted, "hide") }
func (p *sheet) Status(s desk.Status)       { p.status = s }
func (p *sheet) Escape()                    { p.noted = append(p.noted, "escape") }

// opened returns a window of sheets.
func opened(t *testing.T) (*window, *uitest.Bench, map[desk.Page]*sheet) {
	b := uitest.New(t)
	sheets := map[desk.Page]*sheet{}
	w := &window{Window: b.Window, desk: b.Desk, follow: b.Follow, copy: b.Copy, notify: b.Notify, do: func(f func()) { f() },
		build: func(*desk.Desk, look.Frame) map[desk.Page]page {
			pages := map[desk.Page]page{}
			for _, p := range desk.Pages {
				sheets[p] = &sheet{content: widget.NewLabel(string(p))}
				pages[p] = sheets[p]
			}
			return pages
		}}
	w.Resize(fyne.NewSize(1280, 720))
	w.rebuild()
	w.shortcuts()
	return w, b, sheets
}

func (w *window) seen() []desk.Page {
	var all []desk.Page
	for i, p := range desk.Pages {
		if w.stack.Objects[i].Visible() {
			all = append(all, p)
		}
	}
	return all
}

func TestEveryPageIsReachedByItsKeyAndByTheRail(t *testing.T) {
	w, b, sheets := opened(t)
	if got := w.seen(); !slices.Equal(got, []desk.Page{desk.Home}) {
		t.Fatalf("at first %v are seen", got)
	}
	keys := []fyne.KeyName{fyne.Key1, fyne.Key2, fyne.Key3, fyne.Key4, fyne.Key5, fyne.Key6, fyne.Key7, fyne.Key8, fyne.Key9}
	for i, p := range desk.Pages {
		w.Canvas().(fyne.Shortcutable).TypedShortcut(&desktop.CustomShortcut{KeyName: keys[i], Modifier: fyne.KeyModifierShortcutDefault})
		if got := w.seen(); !slices.Equal(got, []desk.Page{p}) || !w.rail.items[p].chosen {
			t.Errorf("its key leads to %v, want %s", got, p)
		}
		b.Press(fyne.KeyEscape)
		if n := sheets[p].noted; n[len(n)-1] != "escape" {
			t.Errorf("%s was not told of Escape: %v", p, n)
		}
	}
	w.Canvas().Focus(w.rail.items[desk.Home])
	b.Press(fyne.KeyDown)
	b.Press(fyne.KeyReturn)
	if got := w.seen(); !slices.Equal(got, []desk.Page{desk.Setup}) {
		t.Errorf("Down and Enter on the rail lead to %v", got)
	}
	if n := sheets[desk.About].noted; n[len(n)-1] != "hide" {
		t.Errorf("the page that was left was not told: %v", n)
	}
}

func TestANarrowWindowHasTheSignsAloneWithTheirWordsUnderThePointer(t *testing.T) {
	w, b, _ := opened(t)
	b.Look("frame")
	if w.rail.folded || w.stack.Size().Width < 1000 {
		t.Fatalf("at 1280 the rail is folded: %v, the page has %v", w.rail.folded, w.stack.Size())
	}
	w.Resize(fyne.NewSize(1024, 700))
	item := w.rail.items[desk.Relay]
	if !w.rail.folded || item.word.Visible() {
		t.Fatal("at 1024 the rail is not folded")
	}
	test.MoveMouse(w.Canvas(), fyne.CurrentApp().Driver().AbsolutePositionForObject(item).AddXY(10, 10))
	b.Look("frame-folded")
	tip := func(text string) bool {
		return slices.ContainsFunc(test.LaidOutObjects(w.Canvas().Content()), func(o fyne.CanvasObject) bool {
			line, is := o.(*canvas.Text)
			return is && line.Text == text
		})
	}
	if want := "Relay  " + look.Shortcut("6"); !tip(want) {
		t.Errorf("under the pointer there is no %q", want)
	}
	if got := w.Canvas().Content().MinSize(); got.Width > 1024 || got.Height > 700 {
		t.Errorf("the frame needs %v", got)
	}
	w.Resize(fyne.NewSize(1280, 720))
	test.MoveMouse(w.Canvas(), fyne.NewPos(900, 500))
	test.MoveMouse(w.Canvas(), fyne.CurrentApp().Driver().AbsolutePositionForObject(item).AddXY(10, 10))
	if want := look.Shortcut("6"); !tip(want) {
		t.Errorf("beside its word there is no %q", want)
	}
}

func TestTheWindowSaysWhatKeepsTheProgramFromWorking(t *testing.T) {
	w, b, sheets := opened(t)
	at := time.Now().Add(-time.Minute)
	for name, c := range map[string]struct {
		status desk.Status
		want   string
	}{
		"frozen":     {desk.Status{Known: true, Silent: at}, "silent since"},
		"gone":       {desk.Status{Known: true, Silent: at, Trouble: errors.New("no traymail runs for this home")}, "has not answered"},
		"unstarted":  {desk.Status{Unstarted: errors.New("port 2525 is taken")}, "sending is off"},
		"not valid":  {desk.Status{Known: true, Status: mailer.Status{Problem: "traymail.toml:3: relay.max_size_mb: -1 is negative"}}, "not in force"},
		"all right":  {desk.Status{Known: true, Status: mailer.Status{Running: true}}, ""},
		"never seen": {desk.Status{}, ""},
	} {
		w.open(desk.Place{Page: desk.Home})
		w.told(c.status)
		if w.wrong.Visible() {
			t.Errorf("%s: it is said on Home, which says it too", name)
		}
		w.open(desk.Place{Page: desk.Queue})
		if w.wrong.Visible() != (c.want != "") || c.want != "" && !strings.Contains(w.wrongText.What.Text, c.want) {
			t.Errorf("%s: it says %q (seen: %v), want %q", name, w.wrongText.What.Text, w.wrong.Visible(), c.want)
		}
		if sheets[desk.Queue].status.Known != c.status.Known {
			t.Errorf("%s: the pages are not told", name)
		}
	}
	w.told(desk.Status{Known: true, Silent: at})
	b.Look("frame-frozen")
}

func TestThePagesAreMadeAnewInAnotherLanguageAndTheSameOneStaysOpen(t *testing.T) {
	w, _, sheets := opened(t)
	w.open(desk.Place{Page: desk.Relay, Account: "main", Do: desk.DoTest})
	before := sheets[desk.Relay]
	w.told(desk.Status{Known: true})
	w.rebuild()
	after := sheets[desk.Relay]
	if before == after || !slices.Equal(w.seen(), []desk.Page{desk.Relay}) || !after.status.Known {
		t.Errorf("after it %v are seen, known: %v", w.seen(), after.status.Known)
	}
	if after.at != (desk.Place{Page: desk.Relay, Account: "main"}) {
		t.Errorf("it was opened at %+v: what a place begins is begun once", after.at)
	}
}

func TestTheCloseButtonNeverStopsSendingUnasked(t *testing.T) {
	running := desk.Status{Known: true, Status: mailer.Status{Running: true, Accounts: []mailer.AccountStatus{{Waiting: 3}}}}
	attached := running
	attached.Service = true
	for name, c := range map[string]struct {
		tray           bool
		status         desk.Status
		hidden, ended  bool
		asked, notable bool
	}{
		"in the tray":         {tray: true, status: running, hidden: true, notable: true},
		"beside a service":    {status: attached, ended: true},
		"alone, without tray": {status: running, asked: true},
		"nothing runs":        {status: desk.Status{Known: true}, ended: true},
	} {
		t.Run(name, func(t *testing.T) {
			_, b, _ := opened(t)
			var hidden, ended bool
			told := false
			cl := &closing{canvas: b.Window.Canvas(), tray: c.tray, hide: func() { hidden = true }, quit: func() { ended = true },
				notify: b.Notify, first: func() bool { was := told; told = true; return !was }}
			cl.asked(c.status)
			cl.asked(c.status) // once more asks nothing twice
			over := b.Window.Canvas().Overlays().Top()
			if hidden != c.hidden || ended != c.ended || (over != nil) != c.asked || (len(b.Notified) == 1) != c.notable {
				t.Fatalf("hidden %v, ended %v, asked %v, told %v", hidden, ended, over != nil, b.Notified)
			}
			if !c.asked {
				return
			}
			b.Look("closing")
			b.Press(fyne.KeyEscape)
			if ended || b.Window.Canvas().Overlays().Top() != nil {
				t.Fatal("Escape ends the program")
			}
			cl.asked(c.status)
			b.Window.Canvas().FocusNext()
			b.Press(fyne.KeyReturn)
			if !ended {
				t.Error("the answer to stop does not end it")
			}
		})
	}
}

func TestAHiddenWindowHasNoPageAtWorkAndComesBackWithWhatHappenedMeanwhile(t *testing.T) {
	w, _, sheets := opened(t)
	w.open(desk.Place{Page: desk.Queue})
	w.sleep()
	before := len(sheets[desk.Queue].noted)
	w.told(desk.Status{Known: true, Status: mailer.Status{PID: 7}})
	if p := sheets[desk.Queue]; p.status.PID == 7 || p.noted[before-1] != "hide" {
		t.Fatalf("while it is hidden the page is told: %v, %v", p.status.PID, p.noted)
	}
	w.awake()
	if p := sheets[desk.Queue]; p.status.PID != 7 || p.noted[len(p.noted)-1] != "show" {
		t.Errorf("after it the page has %v, %v", p.status.PID, p.noted)
	}
}
