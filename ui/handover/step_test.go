//go:build !darwin || cgo

package handover

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/test"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

type screen struct {
	*uitest.Bench
	*Step
}

func openScreen(t *testing.T, f *fake, o Options, w What) *screen {
	t.Helper()
	b := uitest.New(t)
	s := &screen{b, New(b.Desk, f, b.Frame, o)}
	foot := container.NewHBox(layout.NewSpacer(), b.Frame.Kit(func() {}).Button("Finish", func() {}))
	b.Window.SetContent(container.New(layout.NewCustomPaddedLayout(16, 16, 16, 16),
		container.NewBorder(nil, foot, nil, nil, look.Page("Done", s.Step.Content()))))
	s.Status(desk.Status{Status: mailer.Status{Home: "/home/anna/.local/share/traymail"}})
	s.Show(w)
	s.idle()
	return s
}

func (s *screen) idle() {
	s.Until(func() bool {
		is := s.p.state
		return (is.Known || is.Unread != nil) && !is.Saving && !is.Start.Busy && (is.Start.Known || !is.Start.Offered) && (is.Service.State != "" || is.Service.Err != nil)
	})
}

func (s *screen) focused() string {
	switch f := s.Window.Canvas().Focused().(type) {
	case *look.Button:
		return f.Text
	case *look.Check:
		return f.Text
	case *look.Select:
		return f.Selected
	case *look.Entry:
		return f.Text
	}
	return ""
}

func TestTheToolsUserIsMadeWithTheKeyboard(t *testing.T) {
	s := openScreen(t, newFake(), options(), What{Account: "main", Guide: "endpoint-central"})
	if s.focused() != "endpoint-central" {
		t.Fatalf("the focus is at %q", s.focused())
	}
	s.Press(fyne.KeyReturn)
	s.idle()
	password := s.drawn.Password.Reveal()
	v := s.values
	if password == "" || v.rows["password"].value.Text != password || v.rows["user"].value.Text != "endpoint-central" || v.state.What.Text != "The password is shown this once" || v.create.Visible() || !v.renew.Visible() {
		t.Fatalf("it says %q, %q", v.rows["password"].value.Text, v.state.What.Text)
	}
	for id, want := range map[string]string{"server": "127.0.0.1", "port": "2525", "encryption": "none", "user": "endpoint-central", "password": password, "sender": "svc@contoso.com"} {
		s.Window.Canvas().Focus(v.rows[id].copy)
		if s.Press(fyne.KeyReturn); s.Copied != want {
			t.Errorf("%s: copied %q", id, s.Copied)
		}
	}
	if got := s.tools.snippets["endpoint-central"].fields["password"].value.Text; got != password {
		t.Errorf("the tool's page has %q", got)
	}
	s.Step = s.Anew(s.Frame, options()) // in another language
	v = s.values
	s.Window.SetContent(s.Step.Content())
	s.Show(What{Account: "main", Guide: "endpoint-central", Client: "endpoint-central"})
	s.idle()
	if v.rows["password"].value.Text != password {
		t.Error("in another language the password is gone")
	}
	s.Window.Canvas().Focus(v.renew)
	s.Press(fyne.KeySpace)
	if s.focused() != "Keep the password" {
		t.Fatalf("nobody asks: %q", s.focused())
	}
	s.Window.Canvas().FocusNext()
	s.Press(fyne.KeyReturn)
	s.idle()
	if v.rows["password"].value.Text == password {
		t.Error("the password is the former one")
	}
	s.Press(fyne.KeyEscape) // does nothing
}

func TestTabFollowsWhatTheEyeReads(t *testing.T) {
	s := openScreen(t, newFake(), options(), What{Account: "main"})
	s.Window.Canvas().Unfocus()
	var order []string
	for range 20 {
		s.Window.Canvas().FocusNext()
		order = append(order, s.focused())
	}
	want := []string{"On this machine", "127.0.0.1", "Copy", "2525", "Copy", "none", "Copy", "main", "svc@contoso.com", "No password: the tool is known by its address", "Create user and password",
		"main", "Copy", "made with the user", "svc@contoso.com", "Copy", "Endpoint Central"}
	if !slices.Equal(order[:len(want)], want) {
		t.Errorf("got  %q\nwant %q", order, want)
	}
}

func TestEveryToolIsToldWithTheRealValues(t *testing.T) {
	s := openScreen(t, newFake(), options(), What{Account: "main", Guide: "endpoint-central"})
	s.Press(fyne.KeyReturn)
	s.idle()
	password := s.drawn.Password.Reveal()
	for i, each := range setup.Snippets(s.relay()) {
		s.tools.which.SetSelectedIndex(i)
		b := s.tools.snippets[each.ID]
		if s.drawn.Snippet != each.ID || !b.content.Visible() {
			t.Fatalf("%s is not shown", each.ID)
		}
		for _, p := range each.Parts {
			if got := b.parts[p.ID].code.Text; got != p.Text || got == "" || strings.Contains(got, password) || strings.Contains(got, "{host}") {
				t.Errorf("%s, %s: %q", each.ID, p.ID, got)
			}
			if !words.Has("handover.part_" + key(each.ID+"_"+p.ID)) {
				t.Errorf("%s, %s has no heading", each.ID, p.ID)
			}
		}
		for _, f := range each.Fields {
			if f.Name == "" && !words.Has("handover.field_"+f.ID) {
				t.Errorf("%s: %s has no name", each.ID, f.ID)
			}
		}
		if each.Name == "" && !words.Has("handover.tool_"+key(each.ID)) {
			t.Errorf("%s has no name", each.ID)
		}
		s.Look("handover-tool-" + each.ID)
	}
}

func TestAToolElsewhereNeedsAListenerInTheNetwork(t *testing.T) {
	s := openScreen(t, newFake(), options(), What{Account: "main"})
	s.values.place.SetSelectedIndex(1)
	if v := s.values; !v.beyond.Visible() || v.rows["server"].value.Text != "no listener for it" || !v.rows["server"].copy.Disabled() {
		t.Errorf("it says %q", v.rows["server"].value.Text)
	}
	s.tools.which.SetSelectedIndex(2)
	if got := s.tools.snippets["powershell"].parts["script"].code.Text; !strings.Contains(got, `SmtpServer = "SERVER"`) {
		t.Errorf("the script is %q", got)
	}
	s.Look("handover-beyond")
	test.Tap(s.values.open)
	if !slices.Equal(s.Opened, []desk.Place{{Page: desk.Relay}}) {
		t.Errorf("opened %v", s.Opened)
	}
	s.Hide()
	s = openScreen(t, newFake().inNetwork(), options(), What{Account: "main"})
	s.values.place.SetSelectedIndex(1)
	if v := s.values; v.beyond.Visible() || v.rows["server"].value.Text != "192.0.2.10" || v.rows["encryption"].value.Text != "STARTTLS" || !v.trust.Visible() {
		t.Errorf("it says %q, %q", v.rows["server"].value.Text, v.rows["encryption"].value.Text)
	}
}

func TestPowerShellIsToldWhatTheListenerAndTheUserAllow(t *testing.T) {
	f := newFake()
	f.listeners[0].TLS = "implicit"
	s := openScreen(t, f, options(), What{Account: "main"})
	s.tools.which.SetSelectedIndex(2)
	b := s.tools.snippets["powershell"]
	if b.parts["script"].content.Visible() || b.parts["credential"].content.Visible() || !strings.Contains(s.tools.hint.Text, "STARTTLS") {
		t.Errorf("Send-MailMessage is told to speak TLS from the start; it says %q", s.tools.hint.Text)
	}
	s.Hide()
	s = openScreen(t, newFake(), options(), What{Account: "main"})
	s.tools.which.SetSelectedIndex(2)
	s.p.withoutPassword(true)
	b = s.tools.snippets["powershell"]
	if !b.parts["script"].content.Visible() || b.parts["credential"].content.Visible() || strings.Contains(b.parts["script"].code.Text, "Credential") {
		t.Errorf("a tool without a password signs in: %q", b.parts["script"].code.Text)
	}
}

func TestThePasswordComesIntoSightAndTheStepIsReady(t *testing.T) {
	s := openScreen(t, newFake(), options(), What{Account: "main"})
	if s.Ready() {
		t.Error("it is ready before the tool has its user")
	}
	s.Press(fyne.KeyReturn)
	s.idle()
	s.p.renew()
	s.idle()
	at := s.values.rows["password"].content
	place := fyne.CurrentApp().Driver().AbsolutePositionForObject(at).Y - fyne.CurrentApp().Driver().AbsolutePositionForObject(s.left.Scroll).Y
	if !s.Ready() || place < 0 || place+at.Size().Height > s.left.Size().Height {
		t.Errorf("ready %v, the password is at %v of %v", s.Ready(), place, s.left.Size().Height)
	}
	if s.Forget(); s.values.rows["password"].value.Text != "as the tool has it" {
		t.Error("the password is still shown")
	}
}

func TestWithoutAPasswordItsAddressIsAsked(t *testing.T) {
	f := newFake()
	s := openScreen(t, f, options(), What{Account: "main"})
	s.Window.Canvas().Focus(s.values.without)
	s.Press(fyne.KeyReturn)
	if v := s.values; !v.from.Visible() || v.networks.Text != "127.0.0.1" || v.create.Text != "Create user without password" || v.rows["password"].value.Text != "none is needed" {
		t.Errorf("it says %q, %q", v.networks.Text, v.rows["password"].value.Text)
	}
	s.Window.Canvas().Focus(s.values.networks)
	s.values.networks.SetText("printer")
	s.Press(fyne.KeyReturn)
	if !strings.Contains(s.values.state.What.Text, "is neither an address nor a network") || s.values.fix.Text == "" {
		t.Errorf("it says %q", s.values.state.What.Text)
	}
	s.Look("handover-network-wrong")
	s.values.networks.SetText("192.0.2.7")
	s.Press(fyne.KeyReturn)
	s.idle()
	s.tools.which.SetSelectedIndex(4)
	if s.tools.hint.Text != "The tool signs in with nothing: no user and no password are in these texts." {
		t.Errorf("it says %q", s.tools.hint.Text)
	}
	s.Look("handover-without-password")
	if v := s.values; v.state.What.Text != "The tool needs no password" || len(f.clients) != 1 || v.rows["user"].value.Text != "none is needed" || v.from.Visible() {
		t.Errorf("it says %q, %q", v.state.What.Text, v.rows["user"].value.Text)
	}
}

func TestAUserThatIsThereAlreadyKeepsItsPassword(t *testing.T) {
	f := newFake()
	f.clients = []mailer.Client{{Name: "main", Account: "main", HasPassword: true}, {Name: "printer", Account: "main"}}
	s := openScreen(t, f, options(), What{Account: "main"})
	if v := s.values; v.state.What.Text != "There is a user main already" || v.rows["password"].value.Text != "as the tool has it" || !v.rows["password"].copy.Disabled() || v.create.Visible() || v.without.Visible() {
		t.Errorf("it says %q, %q", v.state.What.Text, v.rows["password"].value.Text)
	}
	s.Look("handover-exists")
	s.p.name("printer")
	if v := s.values; v.rows["user"].value.Text != "none is needed" || v.rows["password"].value.Text != "none is needed" {
		t.Errorf("of a user without a password it says %q", v.rows["password"].value.Text)
	}
}

func TestTheSystemsStartIsTickedAndTheServiceExplained(t *testing.T) {
	o := options()
	l := &login{}
	o.Autostart = l
	s := openScreen(t, newFake(), o, What{Account: "main"})
	s.Window.Canvas().Focus(s.runs.start)
	s.Press(fyne.KeyReturn)
	s.idle()
	if !l.on || !s.runs.start.Checked {
		t.Error("it is not started with the system")
	}
	l.failing = errors.New("the folder is read-only")
	s.Press(fyne.KeyReturn)
	s.idle()
	if !s.runs.start.Checked || s.runs.wrong.Text != "The folder is read-only" {
		t.Errorf("it says %q", s.runs.wrong.Text)
	}
	test.Tap(s.runs.copy)
	if want := "traymail --home \"/home/anna/.local/share/traymail\" service install --user\ntraymail service start"; s.Copied != want {
		t.Errorf("copied %q", s.Copied)
	}
	if said := s.runs.differs.Text; strings.Contains(said, "administrator") || !strings.Contains(said, "Quit traymail") {
		t.Errorf("of a service of one's own it says %q", said)
	}
	for _, c := range []struct {
		is   Service
		want string
	}{
		{Service{State: "not installed"}, "No service is installed"},
		{Service{State: "stopped"}, "The service is installed, and stopped"},
		{Service{State: "failed"}, "The service has ended by itself"},
		{Service{State: "running", Outside: true}, "traymail runs as a service"},
		{Service{State: "running"}, "A service runs for another home folder"},
		{Service{Outside: true}, "traymail runs outside this window"},
		{Service{Err: errors.New("x")}, "Whether a service is installed is not known"},
	} {
		st := s.p.state
		st.Service = c.is
		s.render(st)
		if s.runs.note.What.Text != c.want || s.runs.command.Visible() != (c.is.State == "not installed" || c.is.Err != nil) {
			t.Errorf("%+v: it says %q", c.is, s.runs.note.What.Text)
		}
	}
}

func TestOnWindowsTheServiceIsTheMachinesAndHasAKeychainOfItsOwn(t *testing.T) {
	o := options()
	o.System = "windows"
	s := openScreen(t, newFake(), o, What{Account: "main"})
	if command, said := s.runs.command.Text, s.runs.differs.Text; strings.Contains(command, "--user") || !strings.Contains(said, "as an administrator") || !strings.Contains(said, "sign in there once more") {
		t.Errorf("it says %q, %q", said, command)
	}
	s.Look("handover-windows")
}

func TestLongNamesFitTheWindow(t *testing.T) {
	f := newFake()
	f.saving = errors.New(strings.Repeat("client main is not saved, what it was before stays: ", 6))
	s := openScreen(t, f, options(), What{Account: strings.Repeat("long-name", 6)})
	s.Window.Resize(fyne.NewSize(968, 700))
	st := s.p.state
	st.Account.Sender = strings.Repeat("local-part", 6) + "@" + strings.Repeat("long", 15) + ".example.com"
	s.p.state = st
	s.p.create()
	s.idle()
	if least := s.Window.Content().MinSize(); least.Width > 968 || least.Height > 700 {
		t.Errorf("it needs %v", least)
	}
	s.Look("handover-long")
}

// measures are what differs between processors by a rounding; where things
// are is looked at, not compared.
var measures = regexp.MustCompile(` (pos|size|minSize|radius|x|y|width|height)="[^"]*"`)

func TestTheStepInItsMainStates(t *testing.T) {
	for name, reach := range map[string]func(*testing.T) *screen{
		"new": func(t *testing.T) *screen { return openScreen(t, newFake(), options(), What{Account: "main"}) },
		"made": func(t *testing.T) *screen {
			s := openScreen(t, newFake(), options(), What{Account: "main", Guide: "endpoint-central"})
			s.Press(fyne.KeyReturn)
			s.idle()
			return s
		},
		"unreadable": func(t *testing.T) *screen {
			f := newFake()
			f.failing = &account.FieldError{File: "main.toml", Line: 3, Key: "tenant", Text: "is wrong", Fix: "correct it"}
			return openScreen(t, f, options(), What{Account: "main"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := reach(t)
			s.Look("handover-" + name)
			if name == "unreadable" {
				return // only looked at
			}
			s.Window.Canvas().Unfocus()
			got := measures.ReplaceAllString(test.RenderObjectToMarkup(s.Step.Content()), "")
			golden := filepath.Join("testdata", name+".xml")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != strings.ReplaceAll(string(want), "\r\n", "\n") {
				t.Errorf("the step is not as in %s; look at it, then set UPDATE_GOLDEN=1\n%s", golden, got)
			}
		})
	}
}
