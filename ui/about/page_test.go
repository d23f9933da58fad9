//go:build !darwin || cgo

package about

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

var noon = time.Date(2026, 11, 20, 12, 10, 0, 0, time.UTC)

// fake is a program whose diagnostics are these.
type fake struct {
	documents []mailer.Document
	err       error
	hang      bool
}

func (f *fake) Diagnostics(ctx context.Context) ([]mailer.Document, error) {
	if f.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return f.documents, f.err
}

var report = []mailer.Document{
	{Name: "about.txt", About: "The version of traymail, the system, and how traymail runs.", Content: []byte("traymail 1.2.0\nlinux amd64\n")},
	{Name: "status.json", About: "What traymail is doing: accounts, listeners, clients and alerts.", Content: []byte("{\n  \"running\": true\n}\n" + strings.Repeat("  \"a long line\": \"of which there are many, and that goes on beyond the end of what there is room for in the window\",\n", 200))},
	{Name: "accounts/main.toml", About: "The account main; its secrets are kept elsewhere, and stay there.", Content: []byte("id = \"abc\"\n")},
}

// A target is the file that the person chose.
type target struct {
	bytes.Buffer
	broken error
	closed bool
}

func (f *target) Write(b []byte) (int, error) {
	if f.broken != nil {
		return 0, f.broken
	}
	return f.Buffer.Write(b)
}

func (f *target) Close() error {
	f.closed = true
	return nil
}

// A screen is the page in a window on the test driver.
type screen struct {
	*uitest.Bench
	*Page
	file  target
	asked string // the name that was proposed
	fails error  // of the dialogue
}

func open(t *testing.T, f *fake) *screen {
	t.Helper()
	s := &screen{Bench: uitest.New(t)}
	s.Page = New(s.Desk, f, s.Frame, desk.Files{Save: func(name string, chosen func(io.WriteCloser, string, error)) {
		s.asked = name
		if s.fails != nil {
			chosen(nil, "", s.fails)
			return
		}
		chosen(&s.file, "/home/ada/"+name, nil)
	}})
	s.now = func() time.Time { return noon }
	s.Window.SetContent(container.New(layout.NewCustomPaddedLayout(12, 16, 16, 16), s.Content()))
	st := desk.Status{Known: true}
	st.Running, st.Version, st.PID, st.Started, st.Home, st.Queue = true, "1.2.0", 4711, noon.Add(-3*time.Hour), "/home/ada/.config/traymail", "/home/ada/.config/traymail/queue.db"
	s.Page.Status(st)
	s.Page.Show(desk.Place{Page: desk.About})
	return s
}

// collected has the report shown.
func (s *screen) collected() *screen {
	s.Press(fyne.KeyReturn)
	s.Until(func() bool { return s.shown.Stage != Collecting })
	return s
}

func TestTheReportIsShownBeforeItIsSaved(t *testing.T) {
	s := open(t, &fake{documents: report})
	test.AssertRendersToMarkup(t, "idle.xml", s.Window.Canvas())
	s.Look("about-idle")
	if s.save.Visible() {
		t.Error("what nobody has seen can be saved")
	}
	s.collected()
	test.AssertRendersToMarkup(t, "listed.xml", s.Window.Canvas())
	s.Look("about-listed")
	s.Window.Canvas().Focus(s.lines[0])
	s.Press(fyne.KeyDown)
	s.Press(fyne.KeyReturn)
	if s.shown.Open != 1 || s.reader.lines[1] != `  "running": true` {
		t.Errorf("document %d is read: %q", s.shown.Open, s.reader.lines[:3])
	}
	s.Look("about-read")
	s.Window.Resize(fyne.NewSize(968, 700))
	s.Look("about-read-small")
}

func TestTheZipHoldsWhatWasShown(t *testing.T) {
	s := open(t, &fake{documents: report}).collected()
	s.Press(fyne.KeyReturn)
	s.Until(func() bool { return s.shown.Stage == Listed })
	if s.asked != "traymail-diagnostics-2026-11-20.zip" || !s.file.closed {
		t.Errorf("it proposes %q, closed: %v", s.asked, s.file.closed)
	}
	if r := s.shown.Result; r == nil || r.Failed || r.What != "The report is saved as /home/ada/"+s.asked {
		t.Errorf("it says %+v", r)
	}
	s.Look("about-saved")
	z, err := zip.NewReader(bytes.NewReader(s.file.Bytes()), int64(s.file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil || f.Name != report[i].Name || !bytes.Equal(content, report[i].Content) {
			t.Errorf("%s holds %q, %v", f.Name, content, err)
		}
	}
	if len(z.File) != len(report) {
		t.Errorf("%d files are in it, want %d", len(z.File), len(report))
	}
}

func TestWhatCannotBeWrittenSaysSo(t *testing.T) {
	full := errors.New("write report.zip: no space left on device")
	for name, breaks := range map[string]func(*screen){
		"the disk is full":     func(s *screen) { s.file.broken = full },
		"it cannot be created": func(s *screen) { s.fails = full },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, &fake{documents: report}).collected()
			breaks(s)
			s.Press(fyne.KeyReturn)
			s.Until(func() bool { return s.shown.Stage == Listed && s.shown.Result != nil })
			if r := s.shown.Result; !r.Failed || r.Said != "Write report.zip: no space left on device" || !strings.HasPrefix(r.Fix, "Free space on the disk") {
				t.Errorf("it says %+v", r)
			}
			s.Look("about-not-saved")
		})
	}
}

func TestCollectingIsGivenUpByEscape(t *testing.T) {
	f := &fake{hang: true}
	s := open(t, f)
	s.Press(fyne.KeyReturn)
	if s.Window.Canvas().Focused() != s.stop {
		t.Fatalf("%T has the focus", s.Window.Canvas().Focused())
	}
	s.Press(fyne.KeyEscape)
	s.Until(func() bool { return s.shown.Stage == Idle })
	if s.shown.Result != nil || s.Window.Canvas().Focused() != s.collect {
		t.Errorf("it says %+v", s.shown.Result)
	}
	f.hang, f.err = false, mailer.ErrStopping
	s.collected()
	if r := s.shown.Result; r == nil || r.What != "The report was not collected" {
		t.Errorf("of the failure it says %+v", r)
	}
}

func TestAnotherLanguageKeepsWhatWasCollectedAndWhatIsSaidOfIt(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	s := open(t, &fake{documents: report}).collected()
	again := func(language string) {
		s.Page.Hide()
		words.Use(language)
		s.Page = s.Anew(s.Frame)
		s.Window.SetContent(s.Content())
		s.Page.Show(desk.Place{Page: desk.About})
	}
	s.Read(1)
	s.file.broken = errors.New("no space left on device")
	s.Save()
	s.Until(func() bool { return s.shown.Result != nil })
	was := *s.shown.Result
	again("de")
	if r := s.shown.Result; r == nil || !r.Failed || r.What != words.Say("about.not_saved") || r.What == was.What || r.Fix == was.Fix || s.result.What.Text != r.What {
		t.Errorf("in German it says %+v", r)
	}
	if len(s.lines) != len(report) || !s.lines[1].Selected() || s.Window.Canvas().Focused() != s.save {
		t.Errorf("%d documents are listed, %d is read", len(s.lines), s.shown.Open)
	}
	s.file.broken = nil
	s.Save() // which ends in another language than it began in
	again("en")
	s.Until(func() bool { return s.shown.Stage == Listed })
	if r := s.shown.Result; r == nil || r.What != "The report is saved as /home/ada/"+s.asked || s.result.What.Text != r.What {
		t.Errorf("in English it says %+v", r)
	}
}

func TestWhatIsInEachDocumentIsSaidInTheWindowsLanguage(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	s := open(t, &fake{documents: report})
	words.Use("de")
	s.collected()
	for i, want := range []string{"Die Version von traymail, das System, und wie traymail läuft.", "Was traymail gerade tut: Konten, Listener, Clients und Warnungen.",
		"Das Konto main; seine Geheimnisse werden anderswo aufbewahrt und bleiben dort."} {
		says := false
		for _, o := range test.LaidOutObjects(s.lines[i]) {
			l, is := o.(*widget.Label)
			says = says || is && l.Text == want
		}
		if !says {
			t.Errorf("of %s it does not say %q", report[i].Name, want)
		}
	}
}

func TestTheDocumentationOpensInTheBrowser(t *testing.T) {
	s := open(t, &fake{})
	var seen []string
	for range pages {
		s.Window.Canvas().FocusNext()
	}
	for range 20 {
		if s.Press(fyne.KeyReturn); len(s.Followed) > 0 {
			seen = append(seen, s.Followed...)
			s.Followed = nil
		}
		s.Window.Canvas().FocusNext()
	}
	for _, p := range pages {
		if !slices.Contains(seen, p.address) {
			t.Errorf("%s is not reached by keys", p.address)
		}
	}
}

func TestLongLinesGoOnInTheNext(t *testing.T) {
	got := wrapped("abcdefgh\n\tx\x1b[0m\n\nend", 5)
	want := []string{"abcde", "  fgh", "    x", "  ?[0", "  m", "", "end"}
	if !slices.Equal(got, want) {
		t.Errorf("the lines are %q, want %q", got, want)
	}
}
