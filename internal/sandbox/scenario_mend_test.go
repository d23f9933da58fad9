package sandbox

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/scenarios.txt as it is now, to be read")

// outcomesFile has what each scenario changes of what the default tenant gives,
// step by step, before it is mended: a line for the scenario, and one for each
// step behind a tab.
var outcomesFile = filepath.Join("testdata", "scenarios.txt")

// notTried are the scenarios in which this client would wait until they are
// mended, which other tests have: TestTheSilentGraphIsSilentOnce,
// TestAMinuteThatIsUsedUpIsOver and TestScenariosThatChangeTheServersLimits.
var notTried = []string{"graph-silent", "rate-exceeded", "tarpit"}

// mendedOtherwise are steps that stay different from the default tenant's, as
// the scenario is about another way to be let in.
var mendedOtherwise = map[string]outcome{
	"app-rbac-out-of-scope": {"app: token": "200 application"},
	// Somebody consented to it meanwhile.
	"scope-for-graph":         {"graph: token": "200 username Mail.Send Mail.Send.Shared SMTP.Send User.Read"},
	"graph-rbac-out-of-scope": {"graph app: token": "200 application"},
}

func TestEveryScenarioBreaksWhatItSaysAndIsMendedByWhatItSays(t *testing.T) {
	want := readOutcomes(t)
	usual := rehearse(newBench(t, "default")).everything()
	got := map[string]outcome{"default": usual}
	for _, s := range Scenarios() {
		if s.provider != "" || s.Name == "default" {
			continue // other tenants altogether
		}
		t.Run(s.Name, func(t *testing.T) {
			r := rehearse(newBench(t, s.Name))
			if !slices.Contains(notTried, s.Name) {
				got[s.Name] = differences(r.everything(), usual)
				if !maps.Equal(got[s.Name], want[s.Name]) && !*update {
					t.Errorf("before:\n%swant:\n%s", got[s.Name], want[s.Name])
				}
			}
			if !s.Works && len(s.Mend) == 0 && len(s.Settings) == 0 && !s.SignIn {
				t.Error("nothing mends it")
			}
			if s.Works && len(s.Mend) == 0 {
				return
			}
			r.mended()
			if after := differences(r.everything(), usual); !maps.Equal(after, mendedOtherwise[s.Name]) {
				t.Errorf("mended:\n%s", after)
			}
		})
	}
	switch {
	case *update:
		writeOutcomes(t, got)
	case !maps.Equal(want["default"], usual):
		t.Errorf("the default tenant:\n%swant:\n%s", usual, want["default"])
	}
}

// differences are the steps of o that are not as usual.
func differences(o, usual outcome) outcome {
	changed := outcome{}
	for step, said := range o {
		if said != usual[step] {
			changed[step] = said
		}
	}
	return changed
}

func (o outcome) String() string {
	var b strings.Builder
	for _, step := range slices.Sorted(maps.Keys(o)) {
		fmt.Fprintf(&b, "\t%s: %s\n", step, o[step])
	}
	return b.String()
}

func readOutcomes(t *testing.T) map[string]outcome {
	t.Helper()
	content, err := os.ReadFile(outcomesFile)
	if err != nil {
		t.Fatal(err)
	}
	all, name := map[string]outcome{}, ""
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		line, isStep := strings.CutPrefix(lines.Text(), "\t")
		if !isStep {
			name = line
			all[name] = outcome{}
			continue
		}
		// The step's own colon is the first of two.
		whose, rest, _ := strings.Cut(line, ": ")
		what, said, two := strings.Cut(rest, ": ")
		if !two || !slices.Contains([]string{"app", "desktop", "device", "graph", "graph app", "password", "web", "SMTP"}, whose) {
			all[name][whose] = rest
			continue
		}
		all[name][whose+": "+what] = said
	}
	return all
}

func writeOutcomes(t *testing.T, all map[string]outcome) {
	t.Helper()
	var b strings.Builder
	for _, s := range Scenarios() {
		if o, ok := all[s.Name]; ok {
			fmt.Fprintf(&b, "%s\n%s", s.Name, o)
		}
	}
	if err := os.WriteFile(outcomesFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAMinuteThatIsUsedUpIsOver(t *testing.T) {
	b := newBench(t, "rate-exceeded")
	taken := func() int {
		b.exchange.mu.Lock()
		defer b.exchange.mu.Unlock()
		return len(b.exchange.slots["svc@contoso.com"])
	}
	if taken() != exchangeRate {
		t.Fatalf("%d messages were sent", taken())
	}
	rehearse(b).mended()
	if taken() != 0 {
		t.Errorf("%d messages still count", taken())
	}
}

func TestScenariosSayWhoMeetsThemAndWhatMendsThem(t *testing.T) {
	kinds := []string{KindDesktop, KindWeb, KindDevice, KindApp, KindGraph, KindMailApp, KindBasic}
	var groups []string
	for _, s := range Scenarios() {
		if n := len(groups); n == 0 || groups[n-1] != s.Group {
			if slices.Contains(groups, s.Group) {
				t.Errorf("%s: the group %q is in two parts", s.Name, s.Group)
			}
			groups = append(groups, s.Group)
		}
		if s.provider == "" && s.Name != "default" && len(s.Meets) == 0 {
			t.Errorf("%s: nobody meets it", s.Name)
		}
		for _, kind := range s.Meets {
			if !slices.Contains(kinds, kind) {
				t.Errorf("%s: no account is of the kind %q", s.Name, kind)
			}
		}
	}
	if len(groups) != 11 {
		t.Errorf("groups: %q", groups)
	}
}
