package autostart

import (
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestTheExecLineIsQuotedAsTheSpecificationSays(t *testing.T) {
	for want, command := range map[string][]string{
		`/usr/bin/traymail --hidden`:        {"/usr/bin/traymail", "--hidden"},
		`"/opt/my apps/traymail"`:           {"/opt/my apps/traymail"},
		`/bin/t "\\$HOME" "\\` + "`" + `x"`: {"/bin/t", "$HOME", "`x"},
		`/bin/t 100%% ""`:                   {"/bin/t", "100%", ""},
		`/bin/t "say \\"hi\\""`:             {"/bin/t", `say "hi"`},
		`/bin/t "a\\\\b"`:                   {"/bin/t", `a\b`},
		`/bin/t "a\tb" "it's" "#1" "x;y"`:   {"/bin/t", "a\tb", "it's", "#1", "x;y"},
	} {
		if got := execLine(command); got != want {
			t.Errorf("%q is written %s, want %s", command, got, want)
		}
	}
}

func TestAnEntryStartsUnlessItIsSwitchedOff(t *testing.T) {
	entry := desktopEntry([]string{"/bin/t"})
	for file, want := range map[string]bool{
		entry:                    true,
		hiddenEntry:              false,
		"":                       false,
		entry + "Hidden=true\n":  false,
		entry + "Hidden = true ": false,
		entry + "Hidden=false\n": true,
		strings.Replace(entry, "enabled=true", "enabled=false", 1): false,
		entry + "[Desktop Action x]\nHidden=true\n":                true,
		strings.Replace(entry, "Exec=/bin/t", "Exec=", 1):          false,
	} {
		if got := startsEntry(file); got != want {
			t.Errorf("starts: %t, want %t:\n%s", got, want, file)
		}
	}
}

func TestTheRunLineIsReadBackAsItWas(t *testing.T) {
	for want, command := range map[string][]string{
		`"C:\Program Files\traymail\traymail.exe" --hidden`: {`C:\Program Files\traymail\traymail.exe`, "--hidden"},
		`"t.exe" --home "D:\my data\\"`:                     {"t.exe", "--home", `D:\my data\`},
		`"t.exe" "a \"b\"" "" D:\x\`:                        {"t.exe", `a "b"`, "", `D:\x\`},
		`"t.exe" "a\\\"b"`:                                  {"t.exe", `a\"b`},
	} {
		got, err := runLine(command)
		if err != nil || got != want {
			t.Errorf("%q is written %s, want %s (%v)", command, got, want, err)
		}
	}
	if _, err := runLine([]string{strings.Repeat("x", 255), "--hidden"}); err == nil || !strings.Contains(err.Error(), "266") {
		t.Errorf("a line too long for Windows: %v", err)
	}
}

func TestWhatTheTaskManagerSwitchedOffIsOff(t *testing.T) {
	for _, c := range []struct {
		value []byte
		want  bool
	}{{nil, true}, {[]byte{2, 0, 0}, true}, {[]byte{3, 0, 0}, false}, {[]byte{6}, true}, {[]byte{7}, false}} {
		if got := approved(c.value); got != c.want {
			t.Errorf("%v: %t", c.value, got)
		}
	}
}

func TestTheLaunchAgentHoldsTheCommand(t *testing.T) {
	command := []string{"/Applications/R&D <1>.app/Contents/MacOS/traymail", "--hidden", `"`}
	text, inArguments, got := agent(command), false, []string(nil)
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		switch e := token.(type) {
		case xml.StartElement:
			inArguments = inArguments || e.Name.Local == "array"
			if inArguments && e.Name.Local == "string" {
				var s string
				if err := d.DecodeElement(&s, &e); err != nil {
					t.Fatal(err)
				}
				got = append(got, s)
			}
		case xml.EndElement:
			inArguments = inArguments && e.Name.Local != "array"
		}
	}
	if !slices.Equal(got, command) {
		t.Errorf("the agent starts %q", got)
	}
}

func TestACommandOfSeveralLinesIsRefused(t *testing.T) {
	for _, command := range [][]string{nil, {""}, {"/bin/t", "a\nb"}, {"/bin/t\x00"}} {
		if err := Enable(command); err == nil {
			t.Errorf("%q is enabled", command)
		}
	}
}

func TestAnAppImageIsStartedByItsOwnFile(t *testing.T) {
	t.Setenv("APPIMAGE", "/home/me/traymail.AppImage")
	got, err := Self("--hidden")
	if err != nil || !slices.Equal(got, []string{"/home/me/traymail.AppImage", "--hidden"}) {
		t.Errorf("%q, %v", got, err)
	}
}
