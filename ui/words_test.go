//go:build !darwin || cgo

package ui

import (
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
)

func TestEveryTextIsTranslatedAndEveryTranslationIsUsed(t *testing.T) {
	used := textsInSource(t)
	english, german := readTranslation(t, "en.json"), readTranslation(t, "de.json")
	for name, words := range map[string]map[string]string{"en.json": english, "de.json": german} {
		for key := range used {
			if words[key] == "" {
				t.Errorf("%s lacks %q", name, key)
			}
		}
		for key, text := range words {
			if !used[key] {
				t.Errorf("%s has %q, which nothing shows", name, key)
			}
			if got, want := placeholders(text), placeholders(key); !slices.Equal(got, want) {
				t.Errorf("%s: %q has the places %v, want %v", name, text, got, want)
			}
		}
	}
	for key, text := range english {
		if key != text {
			t.Errorf("en.json says %q for %q", text, key)
		}
	}
}

// textsInSource are the texts that the package asks the catalogue for.
func textsInSource(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "L" {
				return true
			}
			text, ok := call.Args[0].(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: a text that is no literal cannot be checked", file)
				return true
			}
			key, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			used[key] = true
			return true
		})
	}
	return used
}

func readTranslation(t *testing.T, name string) map[string]string {
	t.Helper()
	data, err := translations.ReadFile("translations/" + name)
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]string{}
	if err := json.Unmarshal(data, &words); err != nil {
		t.Fatal(err)
	}
	return words
}

var place = regexp.MustCompile(`{{[^}]*}}`)

func placeholders(s string) []string {
	return slices.Sorted(slices.Values(place.FindAllString(s, -1)))
}

func TestTheHeadlineSaysHowThingsStand(t *testing.T) {
	stored := State{Stored: true, Account: account.Account{Username: "svc@contoso.com", Sender: "svc@contoso.com"}}
	signedIn := stored
	signedIn.Secrets.SignedIn = true
	with := func(s State, change func(*State)) State {
		change(&s)
		return s
	}
	ended := func(o Outcome) State { return with(signedIn, func(s *State) { s.Outcome = o }) }
	underway := func(a Activity) State { return with(signedIn, func(s *State) { s.Activity = a }) }
	failure := errors.New("x")
	tests := []struct {
		state State
		level level
		what  string
		then  string // in it
	}{
		{State{}, levelAttention, "Not set up yet", "register its redirect URL"},
		{stored, levelAttention, "A sign-in is needed", "Sign in as svc@contoso.com"},
		{signedIn, levelOK, "Signed in", "As svc@contoso.com"},
		{with(signedIn, func(s *State) { s.Changed = true }), levelAttention, "Changes are not saved yet", "save them first"},
		{underway(Opening), levelWorking, "Opening the account", ""},
		{underway(Saving), levelWorking, "Saving the account", ""},
		{underway(SigningIn), levelWorking, "Opening the browser", ""},
		{with(underway(SigningIn), func(s *State) { s.Link, s.Left = "https://login.example/", 65*time.Second }), levelWorking, "Waiting for the browser", "1:05 left"},
		{with(underway(SigningIn), func(s *State) { s.Link, s.Unopened = "https://login.example/", errors.New("no display") }), levelAttention, "No browser could be opened", "No display. Copy the link"},
		{with(underway(Sending), func(s *State) { s.Elapsed = 7 * time.Second }), levelWorking, "Sending the test email", "To svc@contoso.com, for 0:07"},
		{with(underway(Sending), func(s *State) { s.Cancelling = true }), levelWorking, "Sending the test email", "Stopping."},
		{ended(Outcome{Of: Opening, Cancelled: true, Err: failure}), levelAttention, "Opening was stopped", "Nothing was changed."},
		{ended(Outcome{Of: Saving, Cancelled: true, Err: failure}), levelAttention, "Saving was stopped", "Nothing was changed."},
		{ended(Outcome{Of: SigningIn, Cancelled: true, Err: failure}), levelAttention, "The sign-in was cancelled", "former sign-in still stands"},
		{ended(Outcome{Of: Sending, Cancelled: true, Err: failure}), levelAttention, "Sending was stopped", "may have gone out"},
		{ended(Outcome{Of: Opening, Err: failure}), levelError, "The account could not be opened", ""},
		{ended(Outcome{Of: Saving, Err: failure}), levelError, "The account is not saved", ""},
		{with(ended(Outcome{Of: Saving, Err: failure}), func(s *State) { s.Problem = &account.FieldError{Key: "client_id"} }), levelError, "Application (client) ID needs another value", ""},
		{ended(Outcome{Of: SigningIn, Err: failure}), levelError, "The sign-in failed", "Nothing of it was kept."},
		{ended(Outcome{Of: Sending, Err: failure}), levelError, "The test email was not sent", ""},
		{ended(Outcome{Of: Sending, Delivery: mailer.Delivery{Accepted: []string{"ops@contoso.com"}}}), levelOK, "Mail flows", "to ops@contoso.com"},
		{ended(Outcome{Of: Sending, Delivery: mailer.Delivery{Accepted: []string{"a@x"}, Refused: []mailer.Refusal{{Recipient: "b@x"}}}}), levelAttention, "The server refused some recipients", "for: a@x"},
	}
	openScreen(t, newFake(), "", "") // loads the texts
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			if h := headlineOf(tt.state); h.level != tt.level || h.what != tt.what || !strings.Contains(h.then, tt.then) {
				t.Errorf("got %+v", h)
			}
		})
	}
}

func TestTheChecksHeadlineSaysHowTheyEnded(t *testing.T) {
	openScreen(t, newFake(), "", "") // loads the texts
	run := func(outcomes map[string]checks.Result) Checks {
		c := newChecks().began()
		checkAll(outcomes, func(r checks.Result) { c, _ = c.with(r) })
		return c.ended()
	}
	warn := checks.Result{Status: checks.Warn}
	mended, _ := run(withoutSMTPAuth()).began().with(checks.Result{ID: checks.SMTPAuth, Status: checks.Pass})
	unsent := run(nil)
	unsent.NoSend = true
	done := Outcome{Of: Checking}
	tests := []struct {
		state State
		level level
		what  string
		then  string // in it
	}{
		{State{Checks: newChecks(), Account: account.Account{TestTo: "ops@contoso.com"}}, levelPending, "The setup was not checked yet", "19 checks, from the settings to the test email to ops@contoso.com"},
		{State{Checks: newChecks().began(), Activity: Checking, Elapsed: 7 * time.Second}, levelWorking, "Checking the setup", "0 of 19 done, for 0:07"},
		{State{Checks: newChecks().began(), Activity: Checking, Cancelling: true}, levelWorking, "Checking the setup", "Stopping."},
		{State{Checks: newChecks(), Activity: Saving}, levelWorking, "Saving the account", ""},
		{State{Checks: run(nil), Outcome: done}, levelOK, "Everything is in order", "The test email was accepted"},
		{State{Checks: unsent, Outcome: done}, levelOK, "Everything is in order", "No test email was sent"},
		{State{Checks: mended.ended(), Outcome: done}, levelOK, "Everything is in order now", "SMTP AUTH of the mailbox passes, the last check that had failed."},
		{State{Checks: run(map[string]checks.Result{checks.Identity: warn}), Outcome: done}, levelAttention, "The setup works, and one point deserves a look", ""},
		{State{Checks: run(map[string]checks.Result{checks.Identity: warn, checks.Clock: warn}), Outcome: done}, levelAttention, "The setup works, and 2 points deserve a look", ""},
		{State{Checks: run(withoutSMTPAuth()), Outcome: done}, levelError, "One check failed: SMTP AUTH of the mailbox", "Checks that depend on it were skipped."},
		{State{Checks: run(map[string]checks.Result{checks.Clock: smtpAuthOff, checks.SMTPAuth: smtpAuthOff}), Outcome: done}, levelError, "2 checks failed", "Begin with the first: Clock of this machine."},
		{State{Checks: run(nil), Outcome: Outcome{Of: Checking, Err: context.Canceled, Cancelled: true}}, levelAttention, "Checking was stopped", "still stands"},
		{State{Checks: newChecks(), Outcome: Outcome{Of: Checking, Err: errors.New("it has ended")}}, levelError, "The setup could not be checked", "It has ended"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			if h := checksHeadline(tt.state); h.level != tt.level || h.what != tt.what || !strings.Contains(h.then, tt.then) {
				t.Errorf("got %+v", h)
			}
		})
	}
}

func TestNamesKeepTheirFirstLetter(t *testing.T) {
	for text, want := range map[string]string{"is missing": "Is missing", "svc@contoso.com is an alias": "svc@contoso.com is an alias",
		"http://localhost is registered": "http://localhost is registered", "refused. Again": "Refused. Again", "": ""} {
		if got := sentence(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestALongWaitIsToldInHours(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "0:00", 42 * time.Second: "0:42", 2*time.Hour + 5*time.Minute + 7*time.Second: "2:05:07"} {
		if got := span(d); got != want {
			t.Errorf("%v is told as %s", d, got)
		}
	}
}

func TestOnlyAnEndedActivityHasDetails(t *testing.T) {
	failure := Outcome{Of: Sending, Err: errors.New("x")}
	for name, s := range map[string]State{
		"cancelled":       {Outcome: Outcome{Of: Sending, Err: errors.New("x"), Cancelled: true}},
		"under way":       {Outcome: failure, Activity: Sending},
		"told at a field": {Outcome: failure, Problem: &account.FieldError{}},
		"nothing yet":     {},
	} {
		if whose, text := detail(s); whose+text != "" {
			t.Errorf("%s: %q %q", name, whose, text)
		}
	}
}

func TestARefusedRecipientIsToldWithTheServersWords(t *testing.T) {
	s := State{Outcome: Outcome{Of: Sending, Delivery: mailer.Delivery{Reply: "250 2.0.0 OK",
		Refused: []mailer.Refusal{{Recipient: "b@x", Reply: "550 5.1.1 no such user"}}}}}
	openScreen(t, newFake(), "", "")
	if _, text := detail(s); text != "250 2.0.0 OK\nb@x: 550 5.1.1 no such user" {
		t.Errorf("got %q", text)
	}
}
