package setup_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/setup"
)

// complete gives an account what a person types, so that it is valid.
func complete(a account.Account) account.Account {
	a = setup.WithAddress(a, "svc@contoso.com")
	switch {
	case a.SignIn == account.PasswordSignIn:
	case a.Provider == account.Google:
		a.ClientID = "123456789012-abcdefghijklmnop.apps.googleusercontent.com"
	default:
		a.ClientID = clientID
	}
	if a.Provider == account.Custom {
		a.SMTPHost = "smtp.example.net"
	}
	return a
}

func TestEveryMethodBeginsAnAccountThatOnlyMissesWhatAPersonTypes(t *testing.T) {
	ids := map[string]bool{}
	for _, m := range setup.Methods() {
		t.Run(m.ID, func(t *testing.T) {
			if ids[m.ID] {
				t.Error("there are two of it")
			}
			ids[m.ID] = true
			a := m.Account("mail")
			if got := setup.MethodOf(a); got != m.ID {
				t.Errorf("its account is of method %q", got)
			}
			a = complete(a)
			if err := a.Validate(); err != nil {
				t.Errorf("with what a person types: %v", err)
			}
		})
	}
	if m := setup.Methods()[0]; !m.Recommended {
		t.Errorf("%s comes first and is not the recommended one", m.ID)
	}
}

func TestAnotherMethodKeepsWhatItHasAUseFor(t *testing.T) {
	for _, from := range setup.Methods() {
		for _, to := range setup.Methods() {
			a := complete(from.Account("mail"))
			a.TestTo, a.Sender = "ops@contoso.com", "invoices@contoso.com"
			b := to.Switch(a)
			if setup.MethodOf(b) != to.ID || b.ID != a.ID || b.Name != a.Name || b.TestTo != a.TestTo || b.Sender != a.Sender {
				t.Errorf("%s to %s: %+v", from.ID, to.ID, b)
			}
			if b.Provider == account.Microsoft365 && a.Provider == account.Microsoft365 && from.SignIn != account.PasswordSignIn && to.SignIn != account.PasswordSignIn && b.ClientID != clientID {
				t.Errorf("%s to %s loses the client ID", from.ID, to.ID)
			}
			b = complete(b)
			if err := b.Validate(); err != nil {
				t.Errorf("%s to %s: %v", from.ID, to.ID, err)
			}
		}
	}
}

// rows are the cells of a page's tables.
func rows(t *testing.T, page string) [][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.Trim(strings.TrimSpace(cell), "`"))
		}
		all = append(all, cells)
	}
	return all
}

func TestEveryFieldOfAGuideStandsOnItsPageUnderTheSameWordAndKey(t *testing.T) {
	for _, g := range setup.Guides() {
		t.Run(g.ID, func(t *testing.T) {
			table := rows(t, filepath.Join("systems", g.ID+".md"))
			for _, f := range g.Fields {
				found := slices.ContainsFunc(table, func(cells []string) bool {
					if len(cells) < 4 || cells[0] != f.Word && !strings.HasPrefix(cells[0], f.Word+" ") && !strings.HasPrefix(cells[0], f.Word+":") {
						return false
					}
					if f.Key == setup.Secret {
						return strings.Contains(cells[1], "--secret-stdin")
					}
					return strings.Contains(cells[2], f.Key)
				})
				if !found {
					t.Errorf("no row of the page has %q for %s", f.Word, f.Key)
				}
				if g.Word(f.Key) != f.Word {
					t.Errorf("%s stands in the guide twice", f.Key)
				}
			}
			a := complete(g.Account("mail"))
			if err := a.Validate(); err != nil {
				t.Errorf("its account: %v", err)
			}
			if setup.MethodOf(a) != g.Method {
				t.Errorf("its account is of method %s, not %s", setup.MethodOf(a), g.Method)
			}
		})
	}
	if g, ok := setup.GuideByID("endpoint-central"); !ok || g.Account("e").RedirectURL != account.WebRedirectURL || g.Word("nothing") != "" {
		t.Error("Endpoint Central's guide has a Web registration with its redirect URL")
	}
	if g, _ := setup.GuideByID("signify"); g.Account("s").Timeout != 120 || g.Account("s").Transport != account.Graph {
		t.Error("Signify's guide has Timeout 120, over Microsoft Graph")
	}
}
