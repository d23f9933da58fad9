//go:build !darwin || cgo

package messages

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/look"
)

// focus walks with Tab until the object has it.
func (b *bench) focus(t *testing.T, o fyne.Focusable) {
	t.Helper()
	for range 30 {
		if b.Window.Canvas().Focused() == o {
			return
		}
		b.Window.Canvas().FocusNext()
	}
	t.Fatalf("Tab does not lead to %T", o)
}

// button is the visible one with a text.
func (b *bench) button(t *testing.T, text string) *look.Button {
	t.Helper()
	for _, top := range append([]fyne.CanvasObject{b.Window.Content()}, b.Window.Canvas().Overlays().List()...) {
		for _, o := range test.LaidOutObjects(top) {
			if x, is := o.(*look.Button); is && x.Text == text && x.Visible() {
				return x
			}
		}
	}
	t.Fatalf("there is no button %q", text)
	return nil
}

func TestTheListIsOneStopAndMovesByKeys(t *testing.T) {
	b := open(t, History, newFake(many(1000)...), desk.Place{})
	if b.Window.Canvas().Focused() != b.list {
		t.Fatalf("%T has the focus", b.Window.Canvas().Focused())
	}
	inSight := int(b.list.scroll.Size().Height / rowHeight)
	for _, c := range []struct {
		key  fyne.KeyName
		want int
	}{
		{fyne.KeyDown, 0}, {fyne.KeyDown, 1}, {fyne.KeyUp, 0}, {fyne.KeyUp, 0},
		{fyne.KeyPageDown, inSight - 1}, {fyne.KeyEnd, 999}, {fyne.KeyDown, 999}, {fyne.KeyPageUp, 1000 - inSight}, {fyne.KeyHome, 0},
	} {
		b.Press(c.key)
		b.settle()
		top, bottom := b.list.scroll.Offset.Y, b.list.scroll.Offset.Y+b.list.scroll.Size().Height
		if y := float32(c.want) * rowHeight; b.p.state.Cursor != c.want || y < top || y+rowHeight > bottom {
			t.Errorf("after %s the cursor is at %d, want %d, in sight from %v to %v", c.key, b.p.state.Cursor, c.want, top, bottom)
		}
	}
	b.Window.Canvas().FocusNext()
	if b.Window.Canvas().Focused() == b.list {
		t.Error("Tab does not leave the list")
	}
	b.Window.Canvas().FocusPrevious()
	if b.Window.Canvas().Focused() != b.list || b.list.drawn.ring.Hidden {
		t.Error("the list's focus is not visible")
	}
}

func TestOnlyRowsInSightAreWidgets(t *testing.T) {
	b := open(t, History, newFake(many(5000)...), desk.Place{})
	for i := range 10 {
		b.list.scrollTo(float32(i*490) * rowHeight)
		b.settle()
		first := i * 490
		for _, v := range b.list.views {
			if v.index >= 0 && (v.cells[columnSubject] != b.p.row(v.index).Subject || v.index < first || v.index > first+20) {
				t.Fatalf("at row %d a widget shows row %d: %q", first, v.index, v.cells[columnSubject])
			}
		}
	}
	if n := len(b.list.views); n > 20 || len(b.list.body.Objects) != n {
		t.Errorf("there are %d rows of %d objects", n, len(b.list.body.Objects))
	}
}

func TestEnterOpensDetailsAndEscapeClosesThem(t *testing.T) {
	b := open(t, History, newFake(sample()...), desk.Place{})
	b.Press(fyne.KeyDown)
	b.Press(fyne.KeyReturn)
	b.settle()
	if !b.pane.content.Visible() || b.pane.subject.Text != "Disk space below 10% on host-00040" {
		t.Fatalf("the pane shows %q", b.pane.subject.Text)
	}
	for range 5 {
		b.Press(fyne.KeyDown)
	}
	b.settle()
	b.focus(t, b.button(t, "Explain this reply"))
	b.Press(fyne.KeySpace)
	reply := b.fake.list[5].Recipients[0].Reply
	if len(b.Opened) != 1 || b.Opened[0] != (desk.Place{Page: desk.Explain, Text: reply, Account: "alerts"}) {
		t.Errorf("it opens %v", b.Opened)
	}
	b.focus(t, b.pane.copyAll)
	b.Press(fyne.KeyReturn)
	if !strings.Contains(b.Copied, reply) || !strings.Contains(b.Copied, "s-71c2") {
		t.Errorf("copied is\n%s", b.Copied)
	}
	b.Press(fyne.KeyEscape)
	if b.pane.content.Visible() || b.Window.Canvas().Focused() != b.list {
		t.Errorf("it is open still: %v, and %T has the focus", b.pane.content.Visible(), b.Window.Canvas().Focused())
	}
	b.list.TypedShortcut(&fyne.ShortcutCopy{})
	if !strings.HasPrefix(b.Copied, "Failed\t") || !strings.Contains(b.Copied, "\tj.doe@contoso.com\tPayslip November\t") {
		t.Errorf("a row is copied as %q", b.Copied)
	}
}

func TestRemovingIsAskedInItsOwnWords(t *testing.T) {
	b := open(t, Queue, newFake(message(1, queued, "Weekly report")), desk.Place{})
	b.Press(fyne.KeyReturn)
	b.settle()
	b.focus(t, b.pane.actions[mailer.Drop])
	b.Press(fyne.KeySpace)
	b.button(t, "Remove 1 message")
	if keep := b.button(t, "Keep it"); b.Window.Canvas().Focused() != keep {
		t.Error("the focus is not on what changes nothing")
	}
	test.AssertRendersToMarkup(t, "asked.xml", b.Window.Canvas())
	b.Press(fyne.KeyEscape)
	if b.settle(); len(b.fake.changed) != 0 {
		t.Error("Escape removes it")
	}
	b.Press(fyne.KeySpace)
	b.button(t, "Remove 1 message").Tapped(nil)
	b.settle()
	if len(b.fake.changed) != 1 || b.pane.state.Text != "Removed" || !b.empty.Visible() {
		t.Errorf("%v was done, the pane says %q", b.fake.changed, b.pane.state.Text)
	}
}

func TestSearchByKeysAndTheWayBack(t *testing.T) {
	b := open(t, History, newFake(sample()...), desk.Place{})
	b.list.TypedShortcut(find)
	if b.Window.Canvas().Focused() != b.search {
		t.Fatalf("%T has the focus", b.Window.Canvas().Focused())
	}
	b.Type("fabrikam")
	b.settle()
	if b.p.state.Total != 1 || b.count.Text != "1 message" {
		t.Errorf("%d are found: %q", b.p.state.Total, b.count.Text)
	}
	b.Type("x")
	b.settle()
	if !b.empty.Visible() || b.card.Visible() {
		t.Error("nothing says that nothing was found")
	}
	b.focus(t, b.button(t, "Clear “fabrikamx”"))
	b.Press(fyne.KeyReturn)
	b.settle()
	if b.p.state.Total != 39 || b.search.Text != "" || b.Window.Canvas().Focused() != b.search {
		t.Errorf("%d are shown of %q", b.p.state.Total, b.search.Text)
	}
	b.Type("report")
	b.settle()
	b.Press(fyne.KeyEscape)
	b.settle()
	if b.search.Text != "" || b.p.state.Total != 39 {
		t.Errorf("after Escape %d are shown of %q", b.p.state.Total, b.search.Text)
	}
}

func TestNewMessagesAreShownWhenAsked(t *testing.T) {
	b := open(t, History, newFake(many(200)...), desk.Place{})
	b.list.scrollTo(50 * rowHeight)
	b.settle()
	b.fake.newest(message(201, queued, "New"))
	b.p.rested = time.Time{}
	b.Page.Status(status())
	b.settle()
	if b.news.what.Text != "1 new message:" || b.list.scroll.Offset.Y != 50*rowHeight {
		t.Errorf("it says %q at %v", b.news.what.Text, b.list.scroll.Offset.Y)
	}
	b.focus(t, b.news.show)
	b.Press(fyne.KeySpace)
	b.settle()
	if b.news.box.Visible() || b.list.scroll.Offset.Y != 0 || b.list.views[0].cells[columnSubject] != "New" {
		t.Errorf("the first row shows %q, at %v", b.list.views[0].cells[columnSubject], b.list.scroll.Offset.Y)
	}
}

func TestWhatOneReadsStaysInItsPlace(t *testing.T) {
	var list []mailer.Record
	for i := range 300 {
		list = append(list, message(300-i, queued, "Later"))
	}
	b := open(t, Queue, newFake(list...), desk.Place{})
	b.list.scrollTo(150*rowHeight + 11)
	b.settle()
	for _, n := range []int{190, 191} { // rows 109 and 110
		b.fake.set(idOf(n), func(r *mailer.Record) { r.State = delivered })
	}
	b.p.rested = time.Time{}
	b.Page.Status(status())
	b.settle()
	if y := b.list.scroll.Offset.Y; y != 148*rowHeight+11 || b.p.row(148).ID != idOf(150) {
		t.Errorf("the list is at %v, row 148 is %s", y, b.p.row(148).ID)
	}
}

func TestTheWholeOfAShortenedAddressIsShownUnderThePointer(t *testing.T) {
	b := open(t, History, newFake(sample()...), desk.Place{})
	v := b.list.views[9]
	s := v.spans[columnFrom]
	if text := v.texts[columnFrom].Text; !strings.HasPrefix(text, "backup") || !strings.HasSuffix(text, ".com") || !strings.Contains(text, "…") {
		t.Errorf("the address is shortened to %q", text)
	}
	v.MouseIn(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(rowInset+s.x+5, 10)}})
	if !b.list.drawn.tip.Visible() || b.list.drawn.tip.Text != b.fake.list[9].From {
		t.Errorf("under the pointer is %q", b.list.drawn.tip.Text)
	}
	v.MouseOut()
	if b.list.drawn.tip.Visible() {
		t.Error("it stays when the pointer has gone")
	}
}

func TestAClickOpensARow(t *testing.T) {
	b := open(t, History, newFake(sample()...), desk.Place{})
	b.Window.Canvas().Focus(b.search)
	test.Tap(b.list.views[5])
	b.settle()
	if b.pane.subject.Text != "Payslip November" || b.Window.Canvas().Focused() != b.list {
		t.Errorf("the pane shows %q", b.pane.subject.Text)
	}
}

func TestTheListIsExportedToTheFileChosen(t *testing.T) {
	b := open(t, History, newFake(sample()...), desk.Place{})
	path, named := filepath.Join(t.TempDir(), "list.csv"), ""
	b.choose = func(name string, chosen func(Target, error)) {
		named = name
		chosen(Target{Name: "list.csv", Path: path}, nil)
	}
	b.focus(t, b.button(t, "Export CSV…"))
	b.Press(fyne.KeySpace)
	b.settle()
	data, err := os.ReadFile(path)
	if err != nil || bytes.Count(data, []byte("\n")) != 40 || named != "traymail History 2026-11-21.csv" {
		t.Errorf("%q has %d lines: %v", named, bytes.Count(data, []byte("\n")), err)
	}
	if b.job.what.Text != "39 messages are in list.csv." {
		t.Errorf("it says %q", b.job.what.Text)
	}
	b.focus(t, b.job.button)
	if b.Press(fyne.KeySpace); b.job.box.Visible() {
		t.Error("what it says stays")
	}
	b.choose = func(_ string, chosen func(Target, error)) { chosen(Target{}, errors.New("the disk is full")) }
	b.button(t, "Export CSV…").Tapped(nil)
	if b.job.what.Text != "Nothing was exported" || b.job.said.Text != "The disk is full" {
		t.Errorf("it says %q, %q", b.job.what.Text, b.job.said.Text)
	}
}

func TestAnExportGoesOnInAnotherLanguage(t *testing.T) {
	f := newFake(sample()...)
	b := open(t, History, f, desk.Place{})
	b.search.SetText("contoso")
	b.settle()
	going, write := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(going) })
	f.block = func(_ context.Context, call string) error {
		if call == "message" {
			once()
			<-write
		}
		return nil
	}
	path := filepath.Join(t.TempDir(), "list.csv")
	b.choose = func(_ string, chosen func(Target, error)) { chosen(Target{Name: "list.csv", Path: path}, nil) }
	b.button(t, "Export CSV…").Tapped(nil)
	<-going
	b.Hide()
	b.Page = b.Anew(b.Frame)
	b.Window.SetContent(b.Content())
	b.Show(desk.Place{})
	if !b.job.box.Visible() || b.search.Text != "contoso" {
		t.Errorf("in the other language it shows no export, or searches for %q", b.search.Text)
	}
	close(write)
	b.settle()
	if data, err := os.ReadFile(path); err != nil || bytes.Count(data, []byte("\n")) < 2 || !strings.Contains(b.job.what.Text, "list.csv") {
		t.Errorf("%d lines, it says %q: %v", bytes.Count(data, []byte("\n")), b.job.what.Text, err)
	}
}

func TestThePagesAreDrawn(t *testing.T) {
	three := func() *fake {
		f := newFake(sample()[2:6]...)
		f.list[1].Account = "alerts"
		return f
	}
	b := open(t, Queue, newFake(), desk.Place{})
	test.AssertRendersToMarkup(t, "queue-empty.xml", b.Window.Canvas())
	b = open(t, History, three(), desk.Place{})
	test.AssertRendersToMarkup(t, "history.xml", b.Window.Canvas())
	b.Press(fyne.KeyDown)
	b.Press(fyne.KeyReturn)
	b.settle()
	test.AssertRendersToMarkup(t, "details.xml", b.Window.Canvas())
	b.Press(fyne.KeyDown)
	b.settle()
	test.AssertRendersToMarkup(t, "unclear.xml", b.Window.Canvas())
	b.Press(fyne.KeyEscape)
	b.Window.Canvas().Focus(b.search)
	b.Type("none")
	b.settle()
	test.AssertRendersToMarkup(t, "nothing-found.xml", b.Window.Canvas())
	b = open(t, Queue, three(), desk.Place{})
	silent := status()
	silent.Silent = clock.Add(-time.Minute)
	b.Page.Status(silent)
	b.p.state.Err, b.p.state.Job, b.p.state.News = errors.New("the program does not answer"), &Job{What: export, Done: 1200, Of: 12000}, 12
	b.p.show()
	test.AssertRendersToMarkup(t, "troubled.xml", b.Window.Canvas())
}

func TestTheFocusGoesOnWhenItsPlaceIsGone(t *testing.T) {
	b := open(t, Queue, newFake(message(1, queued, "Later")), desk.Place{})
	b.Press(fyne.KeyReturn)
	b.settle()
	b.focus(t, b.pane.actions[mailer.Hold])
	b.Press(fyne.KeySpace)
	b.settle()
	if at := b.Window.Canvas().Focused(); b.pane.state.Text != "Held" || at != b.pane.copyAll {
		t.Errorf("of one that is %s, %T has the focus", b.pane.state.Text, at)
	}
	b.Press(fyne.KeyEscape)
	b.fake.set(idOf(1), func(r *mailer.Record) { r.State = removed })
	b.p.rested = time.Time{}
	b.Page.Status(status())
	b.settle()
	if b.Window.Canvas().Focused() != b.search {
		t.Errorf("in an empty queue %T has the focus", b.Window.Canvas().Focused())
	}
}

func TestTheToolkitsDialogAsksForTheFile(t *testing.T) {
	b := open(t, History, newFake(sample()...), desk.Place{})
	b.button(t, "Export CSV…").Tapped(nil)
	if len(b.Window.Canvas().Overlays().List()) != 1 {
		t.Error("nothing asks for a file")
	}
	path := filepath.Join(t.TempDir(), "list.csv")
	w, err := storage.Writer(storage.NewFileURI(path))
	if err != nil {
		t.Fatal(err)
	}
	target, err := targetOf(w)
	if err != nil || target.Path != path || target.Name != "list.csv" {
		t.Errorf("the file chosen is %+v: %v", target, err)
	}
}

func TestAPageThatIsHiddenIsAsItWasWhenItIsShownAgain(t *testing.T) {
	b := open(t, History, newFake(many(1000)...), desk.Place{})
	b.list.scrollTo(500 * rowHeight)
	b.settle()
	b.Hide()
	b.fake.newest(message(1001, queued, "New"))
	b.Page.Status(status())
	b.Show(desk.Place{Page: desk.History})
	b.p.rested = time.Time{}
	b.settle()
	if y := b.list.scroll.Offset.Y; y != 500*rowHeight || b.Window.Canvas().Focused() != b.list {
		t.Errorf("the list is at %v, %T has the focus", y, b.Window.Canvas().Focused())
	}
}
