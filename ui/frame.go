//go:build !darwin || cgo

package ui

import (
	"context"
	_ "embed"
	"io"
	"slices"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/tray"
	"traymail/ui/words"
)

//go:embed icon.png
var iconPNG []byte

// A frame is everything that is there while the program runs: the window, shown
// or not, the tray, and what watches the program.
type frame struct {
	app     fyne.App
	options Options
	desk    *desk.Desk
	window  *window
	closing *closing
	prefs   *preferences
	inside  hosted

	icon    *tray.Icon // nil where there can be none
	notices tray.Notices
	status  desk.Status
	resting context.CancelFunc // nil while the window is seen
	raised  io.Closer          // nil when nobody else can raise the window
	left    sync.Once
	screen  fyne.Size // of the desktop, in pixels; zero: not known
	fitted  bool      // the window's size goes by it
	ctx     context.Context
}

// newFrame makes the window and the tray, neither of them shown. do runs a
// function on the window's goroutine. The caller calls show, and close when the
// app has ended.
func newFrame(ctx context.Context, a fyne.App, o Options, do func(func())) (*frame, error) {
	f := &frame{app: a, options: o, desk: desk.New(do), ctx: ctx}
	copied := a.Clipboard().SetContent
	kept := a.Preferences()
	if r := o.Rehearsal; r != nil {
		kept = newForgetful(kept)
		copied = func(text string) { a.Clipboard().SetContent(r.Page(text)) }
	}
	// Later: the list that the language was chosen from is taken off the screen first.
	f.prefs = &preferences{app: a, kept: kept, rebuild: func() { f.desk.Post(func() { f.window.rebuild() }) }}
	f.prefs.apply()
	a.SetIcon(fyne.NewStaticResource("traymail.png", iconPNG))
	w := a.NewWindow("traymail")
	w.SetMaster()
	w.SetIcon(a.Icon())
	w.SetPadded(false)
	f.window = &window{
		Window: w, desk: f.desk, do: do, played: o.Rehearsal, copy: copied, follow: f.follow, notify: f.notify, changed: f.told,
		calmed: f.calmed, build: f.pages, place: desk.Place{Page: desk.Home},
	}
	first := desk.Status{Service: o.Service, Unstarted: o.Unstarted}
	f.status, f.window.status = first, first
	f.window.rebuild()
	f.window.shortcuts()
	w.Resize(usual)
	w.CenterOnScreen()
	f.closing = &closing{canvas: w.Canvas(), hide: f.hide, quit: f.quit, notify: f.notify, first: f.firstInTray, ends: o.Rehearsal != nil}
	w.SetCloseIntercept(func() { f.closing.asked(f.status) })
	f.hostTray()
	if o.Raised != nil {
		var err error
		if f.raised, err = o.Raised(func() { f.desk.Post(f.raise) }); err != nil {
			f.raised = nil
			f.close()
			return nil, err
		}
	}
	watch(f.desk, o.Program, first, f.window.told)
	f.window.told(first)
	return f, nil
}

// hostTray sets the icon up, where there can be one, and notes whether the
// desktop shows it.
func (f *frame) hostTray() {
	d, ok := f.app.(desktop.App)
	if !ok || !tray.Possible() {
		return
	}
	f.icon = tray.New(d, tray.Of(f.status, time.Now()), f.act)
	present, changes := tray.Host(f.ctx)
	f.closing.tray = present
	f.desk.Start(func(ctx context.Context) func() {
		for {
			select {
			case is, more := <-changes:
				if !more {
					is, changes = false, nil
				}
				f.desk.Post(func() { f.hosted(is) })
			case <-ctx.Done():
				return nil
			}
		}
	})
	// What the line says of times grows old.
	f.desk.Every(time.Minute, func() { f.icon.Show(tray.Of(f.status, time.Now())) })
}

// hosted notes that the tray came or went. A window that is hidden where no
// tray shows it any more comes back.
func (f *frame) hosted(is bool) {
	f.closing.tray = is
	if !is {
		f.appear()
	}
}

// show shows the window, unless it is to stay in a tray that is there, or comes.
func (f *frame) show() {
	switch {
	case f.options.Hidden && f.closing.tray:
		f.rest()
	case f.options.Hidden && f.icon != nil:
		f.awaitTray(f.begin)
	default:
		f.begin()
	}
}

// panelPatience is how long a hidden start waits for a tray: when a person logs
// in, the panel may start later than this program does.
const panelPatience = 10 * time.Second

// awaitTray calls without when there is no tray after a while, and the window was
// not shown for another reason.
func (f *frame) awaitTray(without func()) {
	f.rest()
	f.desk.Start(func(ctx context.Context) func() {
		select {
		case <-time.After(panelPatience):
		case <-ctx.Done():
			return nil
		}
		return func() {
			if !f.closing.tray && f.resting != nil {
				without()
			}
		}
	})
}

// usual is the window's size where the screen has room for it, and around is
// what the desktop puts around a window, at most.
var (
	usual  = fyne.NewSize(1280, 720)
	around = fyne.NewSize(16, 48)
)

// fit makes the window as small as the screen wants it when it is shown for the
// first time, which is when its scale is known: on a screen of 1920×1080 at 150%
// the usual one would have its title above the edge.
func (f *frame) fit() {
	scale := f.window.Canvas().Scale()
	if f.fitted || f.screen.IsZero() || scale <= 0 {
		return
	}
	f.fitted = true
	room := fyne.NewSize(f.screen.Width/scale, f.screen.Height/scale).Subtract(around)
	if size := room.Min(usual); size != usual {
		f.window.Resize(size)
		f.window.CenterOnScreen()
	}
}

// begin shows the window where it begins.
func (f *frame) begin() {
	if f.options.Account != "" {
		f.window.open(desk.Place{Page: desk.Setup, Account: f.options.Account, Do: desk.DoSignIn})
	} else {
		f.greet()
	}
	f.appear()
}

// greet opens the setup at the first start, when there is no account yet.
func (f *frame) greet() {
	f.desk.Start(func(ctx context.Context) func() {
		s, err := f.options.Program.Status(ctx)
		return func() {
			if err == nil && len(s.Accounts) == 0 && f.window.place.Page == desk.Home {
				f.window.open(desk.Place{Page: desk.Setup})
			}
		}
	})
}

// raise brings the window to the front.
func (f *frame) raise() {
	f.appear()
	f.window.RequestFocus()
}

// calmed returns a status that does not call for the sign-in that the open setup
// leads to: an account is saved before it is signed in to for the first time.
func (f *frame) calmed(s desk.Status) desk.Status {
	name := f.inside.end.wizard.FirstSignIn()
	at := slices.IndexFunc(s.Accounts, func(a mailer.AccountStatus) bool { return a.Name == name })
	if name == "" || at < 0 {
		return s
	}
	s.Accounts = slices.Clone(s.Accounts)
	a := &s.Accounts[at]
	if a.State == mailer.Attention && a.Cause == mailer.CauseSignIn {
		a.State, a.Cause, a.Reason, a.Fix = mailer.Ready, "", "", ""
	}
	a.Alerts = slices.DeleteFunc(slices.Clone(a.Alerts), func(alert mailer.Alert) bool { return alert.ID == string(mailer.CauseSignIn) })
	return s
}

// told is called with every new status, when the pages have it.
func (f *frame) told(s desk.Status) {
	f.status = s
	now := time.Now()
	if f.icon != nil {
		f.icon.Show(tray.Of(s, now))
	}
	for _, n := range f.notices.Of(s, now) {
		f.notify(n.Title, n.Text)
	}
}

// notify shows a notification of the desktop, if those are wanted. The desktop
// may take its time.
func (f *frame) notify(title, say string) {
	if f.prefs.Notifies() {
		go f.app.SendNotification(fyne.NewNotification(title, say))
	}
}

// follow opens an address in the browser. Its failure is not the page's
// business: the address stands there to be copied.
func (f *frame) follow(address string) {
	// Not on the desk, which waits at the end for what it started: where no
	// browser was open, this may last as long as the new one is.
	go func() { _ = f.options.OpenBrowser(address) }()
}

// act does what was chosen in the tray.
func (f *frame) act(a tray.Action) {
	p := f.options.Program
	switch a.Do {
	case tray.Open:
		f.raise()
	case tray.SendTest:
		f.raise()
		f.window.open(desk.Place{Page: desk.Accounts, Account: a.Account, Do: desk.DoTest})
	case tray.SignIn:
		f.raise()
		f.window.open(desk.Place{Page: desk.Setup, Account: a.Account, Do: desk.DoSignIn})
	case tray.Pause:
		until := time.Time{}
		if a.For > 0 {
			until = time.Now().Add(a.For)
		}
		f.call(func(ctx context.Context) error { return p.Pause(ctx, a.Account, until) })
	case tray.Resume:
		f.call(func(ctx context.Context) error { return p.Resume(ctx, a.Account) })
	case tray.Quit:
		f.quit()
	}
}

// call does what was chosen in the tray; the window comes up with an error.
func (f *frame) call(do func(ctx context.Context) error) {
	f.desk.Start(func(ctx context.Context) func() {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		return func() {
			f.raise()
			look.Tell(f.window.Canvas(), failure(err), words.Say("common.close_message"))
		}
	})
}

// firstInTray reports whether the window goes to the tray for the first time.
func (f *frame) firstInTray() bool {
	p := f.prefs.kept
	if p.Bool(trayToldKey) {
		return false
	}
	p.SetBool(trayToldKey, true)
	return true
}

// quit ends the program.
func (f *frame) quit() {
	f.leave()
	f.app.Quit()
}

// leave keeps what was typed, and has nothing more come to the window's
// goroutine: once its loop has stopped, the toolkit would run it on whichever
// goroutine it comes from. The loop may have stopped already, because the
// toolkit ends by itself with a signal.
func (f *frame) leave() {
	f.left.Do(func() {
		f.window.pages[f.window.place.Page].Hide()
		f.window.pagesDesk.End()
		f.desk.End()
	})
}

// close gives up what is under way and waits for it, when the app has ended.
func (f *frame) close() {
	f.leave()
	if f.raised != nil {
		_ = f.raised.Close() // first: a window that is opened from now on is another one
	}
	f.window.pagesDesk.Close()
	f.desk.Close()
	if f.icon != nil {
		f.icon.Close()
	}
}
