//go:build !darwin || cgo

package ui

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
)

// A level is how things stand. It always shows as shape, word and colour.
type level struct {
	shape  string // the icon's name
	colour fyne.ThemeColorName
}

var (
	levelOK        = level{"ok", theme.ColorNameSuccess}
	levelWorking   = level{"working", theme.ColorNamePrimary}
	levelAttention = level{"attention", theme.ColorNameWarning}
	levelError     = level{"error", theme.ColorNameError}
)

// A headline says what is, and then why or what to do.
type headline struct {
	level
	what, then string
}

type words map[string]any // what a translated sentence is filled with

func headlineOf(s State) headline {
	switch {
	case s.Activity != Idle:
		return working(s)
	case s.Outcome.Cancelled:
		return cancelled(s.Outcome)
	case s.Outcome.Err != nil:
		return failed(s)
	case s.Outcome.Of == Sending:
		return sent(s.Outcome)
	case s.Outcome.Of == Checking && !s.Changed:
		return checked(s.Checks)
	case !s.Stored:
		return headline{levelAttention, lang.L("Not set up yet"),
			lang.L("Fill in the account, register its redirect URL in Entra, then sign in.")}
	case s.Changed:
		return headline{levelAttention, lang.L("Changes are not saved yet"), lang.L("Signing in and sending save them first.")}
	case !s.SignsIn():
		return headline{levelOK, lang.L("Ready to send"), lang.L("The account signs in by itself. A test email shows whether mail flows.")}
	case !s.Secrets.SignedIn:
		return headline{levelAttention, lang.L("A sign-in is needed"),
			lang.L("Sign in as {{.Username}}, in the browser.", words{"Username": s.Account.Username})}
	}
	return headline{levelOK, lang.L("Signed in"),
		lang.L("As {{.Username}}. A test email shows whether mail flows.", words{"Username": s.Account.Username})}
}

func working(s State) headline {
	h := headline{level: levelWorking}
	switch {
	case s.Activity == Opening:
		h.what = lang.L("Opening the account")
	case s.Activity == Saving:
		h.what = lang.L("Saving the account")
	case s.Activity == SigningIn && s.Link == "":
		h.what = lang.L("Opening the browser")
	case s.Activity == SigningIn && s.Unopened != nil:
		h.level, h.what = levelAttention, lang.L("No browser could be opened")
		h.then = lang.L("{{.Reason}}. Copy the link and open it on this machine. {{.Left}} left.",
			words{"Reason": sentence(s.Unopened.Error()), "Left": clock(s.Left)})
	case s.Activity == SigningIn:
		h.what = lang.L("Waiting for the browser")
		h.then = lang.L("Sign in there as {{.Username}}. {{.Left}} left.", words{"Username": s.Account.Username, "Left": clock(s.Left)})
	case s.Activity == Checking:
		return checking(s)
	default:
		h.what = lang.L("Sending the test email")
		h.then = lang.L("To {{.To}}, for {{.Elapsed}} so far.", words{"To": s.TestTo(), "Elapsed": clock(s.Elapsed)})
	}
	if s.Cancelling {
		h.then = lang.L("Stopping.")
	}
	return h
}

func cancelled(o Outcome) headline {
	h := headline{level: levelAttention, then: lang.L("Nothing was changed.")}
	switch o.Of {
	case SigningIn:
		h.what, h.then = lang.L("The sign-in was cancelled"), lang.L("A former sign-in still stands.")
	case Sending:
		h.what, h.then = lang.L("Sending was stopped"), lang.L("The test email may have gone out before.")
	case Checking:
		h.what, h.then = lang.L("Checking was stopped"), lang.L("What was found until then still stands.")
	case Saving:
		h.what = lang.L("Saving was stopped")
	default:
		h.what = lang.L("Opening was stopped")
	}
	return h
}

func failed(s State) headline {
	h := headline{level: levelError}
	switch {
	case s.Problem != nil:
		h.what = lang.L("{{.Field}} needs another value", words{"Field": fieldName(Field(s.Problem.Key))})
		h.then = lang.L("The field says what is wrong with it.")
	case s.Outcome.Of == Opening:
		h.what = lang.L("The account could not be opened")
	case s.Outcome.Of == Saving:
		h.what = lang.L("The account is not saved")
	case s.Outcome.Of == SigningIn:
		h.what, h.then = lang.L("The sign-in failed"), lang.L("Nothing of it was kept.")
	case s.Outcome.Of == Checking:
		h.what, h.then = lang.L("The setup could not be checked"), sentence(s.Outcome.Err.Error())
	default:
		h.what = lang.L("The test email was not sent")
	}
	return h
}

func sent(o Outcome) headline {
	if n := len(o.Delivery.Refused); n > 0 {
		return headline{levelAttention, lang.L("The server refused some recipients"),
			lang.L("It took the test email for: {{.Accepted}}.", words{"Accepted": strings.Join(o.Delivery.Accepted, ", ")})}
	}
	return headline{levelOK, lang.L("Mail flows"),
		lang.L("The server took the test email to {{.To}}.", words{"To": strings.Join(o.Delivery.Accepted, ", ")})}
}

// detail is the text below the headline, the server's words verbatim, with the
// caption that says whose words they are.
func detail(s State) (whose, text string) {
	o := s.Outcome
	switch {
	case s.Activity != Idle || o.Cancelled || s.Problem != nil || o.Of == Checking:
		return "", ""
	case o.Err != nil:
		return lang.L("What happened"), o.Err.Error()
	case o.Of == Sending:
		lines := []string{o.Delivery.Reply}
		for _, r := range o.Delivery.Refused {
			lines = append(lines, r.Recipient+": "+r.Reply)
		}
		return lang.L("The server said"), strings.Join(lines, "\n")
	}
	return "", ""
}

// particulars are the facts about a delivery that support asks for.
func particulars(s State) string {
	d := s.Outcome.Delivery
	if s.Activity != Idle || d.MessageID == "" {
		return ""
	}
	return fmt.Sprintf("%s · %d ms · Message-ID %s", d.TLS, d.Elapsed.Milliseconds(), d.MessageID)
}

func fieldName(f Field) string {
	switch f {
	case FieldName:
		return lang.L("Account name")
	case FieldUsername:
		return lang.L("Username")
	case FieldSender:
		return lang.L("Sender")
	case FieldTestTo:
		return lang.L("Test email address")
	case FieldTenant:
		return lang.L("Directory (tenant) ID")
	case FieldClientID:
		return lang.L("Application (client) ID")
	case FieldRegistration:
		return lang.L("Registration")
	case FieldSecret:
		return lang.L("Client secret")
	}
	return lang.L("Redirect URL")
}

// fieldHint stands in a field while it is empty.
func fieldHint(f Field, s State) string {
	switch f {
	case FieldUsername:
		return "svc@contoso.com"
	case FieldSender:
		return lang.L("the username, if left empty")
	case FieldTestTo:
		return lang.L("the sender, if left empty")
	case FieldTenant:
		return lang.L("the username's domain, if left empty")
	case FieldClientID:
		return "00000000-0000-0000-0000-000000000000"
	case FieldSecret:
		if s.Secrets.ClientSecret {
			return lang.L("stored; type to replace it")
		}
		return lang.L("the secret's Value, not its ID")
	}
	return ""
}

// clock is minutes and seconds, as a watch shows them.
func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// sentence begins with a capital: errors do not. Names stay as they are.
func sentence(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if strings.ContainsAny(strings.TrimRight(first, ".,:;"), ".@:/=_") {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}
