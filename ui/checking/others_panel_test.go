//go:build !darwin || cgo

package checking

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"traymail/internal/checks"
	"traymail/internal/mailer"
)

func TestSendOnBehalfIsGrantedAfterAQuestion(t *testing.T) {
	f := newFake("main").sendingAs("news@contoso.com")
	s := openScreen(t, f)
	o := s.others
	if !o.content.Visible() || o.user.Text != "svc@contoso.com" || o.as.Text != "news@contoso.com" || !strings.Contains(o.see.Text, "“svc@contoso.com on behalf of news@contoso.com”") ||
		o.note.What.Text != "Send on Behalf is not granted" || o.note.Then.Text != "Delegates of news@contoso.com: Anna Schmidt. Send As may be, which only a message shows." || o.admin.Visible() {
		t.Errorf("it says %q, %q, %q, %q, %q", o.user.Text, o.as.Text, o.see.Text, o.note.What.Text, o.note.Then.Text)
	}
	s.Look("checks-others-no")
	s.Window.Canvas().Focus(o.grant)
	s.Press(fyne.KeyReturn)
	if s.focused() != "Leave it as it is" || len(f.asked) != 1 {
		t.Fatalf("it is not asked: %q", s.focused())
	}
	s.Look("checks-others-ask")
	s.Press(fyne.KeyEscape)
	if s.focused() != "Grant Send on Behalf" || len(f.asked) != 1 {
		t.Errorf("after no: %q, %v", s.focused(), f.asked)
	}
	s.Press(fyne.KeyReturn)
	s.Window.Canvas().FocusNext()
	s.Press(fyne.KeyReturn)
	s.idle()
	if !slices.Equal(f.asked, []bool{false, true}) || o.note.What.Text != "Send on Behalf is granted" || o.grant.Visible() || s.focused() != "Ask Exchange again" {
		t.Errorf("asked %v, it says %q, the focus is at %q", f.asked, o.note.What.Text, s.focused())
	}
	s.Look("checks-others-granted")
}

func TestAnAdministratorsWayIsThereWhereTheAccountMayNot(t *testing.T) {
	f := newFake("main").sendingAs("news@contoso.com")
	f.behalf = notAllowed
	s := openScreen(t, f)
	o := s.others
	if o.note.What.Text != "This account may not ask Exchange" || !o.admin.Visible() || o.grant.Visible() || o.command.Text != "traymail admin main --grant" {
		t.Errorf("it says %q; grant: %v, %q", o.note.What.Text, o.grant.Visible(), o.command.Text)
	}
	test.Tap(o.copy)
	if !strings.Contains(s.Copied, "Add-RecipientPermission -Identity 'news@contoso.com' -Trustee 'svc@contoso.com'") {
		t.Errorf("copied %q", s.Copied)
	}
	test.Tap(o.portal)
	if len(s.Followed) != 1 {
		t.Error("the portal was not opened")
	}
	test.Tap(o.copyGrant)
	if s.Copied != "traymail admin main --grant" {
		t.Errorf("copied %q", s.Copied)
	}
	s.Look("checks-others-admin")
	f.check = func(_ context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
		return checkAll(map[string]checks.Result{checks.SendAs: {Status: checks.Pass, Summary: "svc@contoso.com may send as news@contoso.com: Send As", Detail: "recipients see the sender alone"}}, report), nil
	}
	s.p.check()
	s.idle()
	if o.note.What.Text != "svc@contoso.com may send as news@contoso.com: Send As" || o.admin.Visible() {
		t.Errorf("after a message proved it: %q", o.note.What.Text)
	}
	f.behalf = func(context.Context, bool) (mailer.Delegation, error) {
		return mailer.Delegation{}, errors.New("no connection")
	}
	s.p.current.state.Checks = newChecks()
	s.p.askAgain()
	s.idle()
	if o.note.What.Text != "Exchange could not be asked" || o.detail.Text != "no connection" {
		t.Errorf("it says %q, %q", o.note.What.Text, o.detail.Text)
	}
}
