package admin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"traymail/internal/account"
)

// A token of a script, as PowerShell's language specification cuts it (§2.3),
// as far as the scripts here use it. It knows nothing of how quote works.
type token struct {
	kind string // string, word, mark
	text string // a string's value
}

// isQuote: PowerShell takes these for a single quote, §2.3.5.2.
func isQuote(r rune) bool { return strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) }

// tokens cuts a script. Comments and blanks are left out; line ends are kept,
// because a command ends there.
func tokens(script string) (all []token, err error) {
	rest := []rune(script)
	for i := 0; i < len(rest); {
		switch r := rest[i]; {
		case r == '#':
			for i < len(rest) && rest[i] != '\n' && rest[i] != '\r' {
				i++
			}
		case isQuote(r):
			var value strings.Builder
			for i++; ; i++ {
				if i >= len(rest) {
					return all, fmt.Errorf("a string does not end: %s", value.String())
				}
				if isQuote(rest[i]) {
					if i+1 < len(rest) && isQuote(rest[i+1]) {
						i++
					} else {
						break
					}
				}
				value.WriteRune(rest[i])
			}
			i++
			all = append(all, token{"string", value.String()})
		case r == '"' || r >= '\u201c' && r <= '\u201e':
			end := slices.Index(rest[i+1:], '"')
			if r != '"' || end < 0 || strings.ContainsAny(string(rest[i+1:i+1+end]), "$`\n") {
				return all, fmt.Errorf("a string in double quotes that could expand: %.40s", string(rest[i:]))
			}
			all = append(all, token{"string", string(rest[i+1 : i+1+end])})
			i += end + 2
		case r == '\n' || r == '\r':
			if len(all) > 0 && all[len(all)-1] != (token{"mark", "\n"}) { // several are as good as one
				all = append(all, token{"mark", "\n"})
			}
			i++
		case r == '`':
			return all, fmt.Errorf("a backtick")
		case unicode.IsSpace(r):
			i++
		case strings.ContainsRune("(){}[]@|;,=+&", r):
			all = append(all, token{"mark", string(r)})
			i++
		default:
			start := i
			for i < len(rest) && !unicode.IsSpace(rest[i]) && !strings.ContainsRune("(){}[]@|;,=+&\"", rest[i]) && !isQuote(rest[i]) {
				i++
			}
			all = append(all, token{"word", string(rest[start:i])})
		}
	}
	return all, nil
}

// joined puts a string and the characters that are added to it into one
// string, as PowerShell computes it: ('a' + [char]0x00E9 + 'b').
func joined(all []token) []token {
	var out []token
	for i := 0; i < len(all); i++ {
		if value, n := sum(all[i:]); n > 0 {
			out = append(out, token{"string", value})
			i += n - 1
			continue
		}
		out = append(out, all[i])
	}
	return out
}

// sum reads such an expression and says of how many tokens it is, 0 for none.
func sum(all []token) (value string, n int) {
	if len(all) < 3 || all[0] != (token{"mark", "("}) || all[1].kind != "string" {
		return "", 0
	}
	units := utf16.Encode([]rune(all[1].text))
	added := 0
	for n = 2; n < len(all); {
		switch {
		case all[n] == token{"mark", ")"} && added > 0:
			return string(utf16.Decode(units)), n + 1
		case all[n] != token{"mark", "+"}:
			return "", 0
		case n+1 < len(all) && all[n+1].kind == "string":
			units = append(units, utf16.Encode([]rune(all[n+1].text))...)
			n += 2
		case n+4 < len(all) && all[n+1].text == "[" && all[n+2].text == "char" && all[n+3].text == "]":
			u, err := strconv.ParseUint(all[n+4].text, 0, 16)
			if err != nil {
				return "", 0
			}
			units = append(units, uint16(u))
			n += 5
			added++
		default:
			return "", 0
		}
	}
	return "", 0
}

func FuzzAQuotedValueIsOneStringWithThatValue(f *testing.F) {
	for _, s := range []string{"", "svc@contoso.com", "o'brien@contoso.com", "'", "''", "\u2019", "a\u2018b\u201a\u201bc", "$(Remove-Mailbox x)", "a\nb", "a`'b",
		"caf\u00e9", "\U0001f600", "'; Remove-Mailbox x #", "' + [char]0x27 + '", "\u2028", "\x00", "a\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted := quote(s)
		if i := strings.IndexFunc(quoted, func(r rune) bool { return r < 0x20 || r > 0x7e }); i >= 0 {
			t.Fatalf("%q is not printable ASCII", quoted)
		}
		all, err := tokens("Get-X -Identity " + quoted + " -Y")
		if err != nil {
			t.Fatalf("%s: %v", quoted, err)
		}
		got := joined(all)
		want := []token{{"word", "Get-X"}, {"word", "-Identity"}, {"string", string([]rune(s))}, {"word", "-Y"}}
		if !slices.Equal(got, want) {
			t.Errorf("%q became %s, which is %v", s, quoted, got)
		}
	})
}

func FuzzNothingInACommentIsACommand(f *testing.F) {
	for _, s := range []string{"", "a", "a\nRemove-Mailbox x", "a\rb", "#>", "\u2028b", "\u0085b", "→"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for line := range strings.SplitSeq(strings.TrimSuffix(comment(s), "\n"), "\n") {
			if !strings.HasPrefix(line, "#") || strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
				t.Errorf("%q has the line %q", s, line)
			}
		}
	})
}

// skeleton is a script without the values of its strings.
func skeleton(t *testing.T, script string) string {
	t.Helper()
	all, err := tokens(script)
	if err != nil {
		t.Fatalf("%v in\n%s", err, script)
	}
	var b strings.Builder
	for _, tok := range joined(all) {
		if tok.kind == "string" {
			tok.text = "''"
		}
		b.WriteString(tok.text + " ")
	}
	return b.String()
}

// TestNoValueOfAnAccountBecomesACommand takes values that Validate refuses, and
// some that it does not.
func TestNoValueOfAnAccountBecomesACommand(t *testing.T) {
	const evil = "'\u2019; Remove-Mailbox x\r\nRemove-Mailbox y #\u2018 \"$(Remove-Mailbox z)` @caf\u00e9"
	ways(t, func(a account.Account, o Options, _ []Step) {
		bad := a
		// The place of "@" tells an address from a domain, and stays.
		spoil := func(s string) string { return s + evil }
		bad.Name, bad.Label, bad.ObjectID = spoil(bad.Name), spoil(bad.Label), ""
		a.ObjectID = ""
		if a.Tenant != "" { // one that Exchange's command takes, and so prints
			a.Tenant, bad.Tenant = "contoso.onmicrosoft.com", spoil("contoso")+".onmicrosoft.com"
		}
		for _, f := range []*string{&bad.ClientID, &bad.RedirectURL, &bad.SecretExpires} {
			if *f != "" {
				*f = spoil(*f)
			}
		}
		same := bad.Username == bad.Sender
		bad.Username, bad.Sender = spoil(bad.Username), spoil(bad.Sender)
		if same {
			bad.Username = bad.Sender
		}
		bad.Senders = slices.Clone(a.Senders)
		for i := range bad.Senders {
			bad.Senders[i] = spoil(bad.Senders[i])
		}
		worse, err := Steps(bad, o)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := Steps(a, o)
		if err != nil {
			t.Fatal(err)
		}
		for name, print := range map[string]func(account.Account, []Step) string{"script": Script, "verification": VerifyScript, "verification by Graph": VerifyGraphScript} {
			good, spoiled := print(a, steps), print(bad, worse)
			if strings.ContainsFunc(spoiled, func(r rune) bool { return r != '\n' && (r < 0x20 || r > 0x7e) }) {
				t.Errorf("%s: the %s is not ASCII", a.Name, name)
			}
			if got, want := skeleton(t, spoiled), skeleton(t, good); got != want {
				t.Errorf("%s: the values change the %s (-without +with):\n%s", a.Name, name, cmp.Diff(want, got))
			}
		}
	})
}

func TestTheBracketsOfEveryScriptMatch(t *testing.T) {
	pairs := map[string]string{")": "(", "}": "{", "]": "["}
	ways(t, func(a account.Account, o Options, steps []Step) {
		for _, script := range []string{Script(a, steps), VerifyScript(a, steps), VerifyGraphScript(a, steps)} {
			all, err := tokens(script)
			if err != nil {
				t.Fatalf("%s: %v", a.Name, err)
			}
			var open []string
			for _, tok := range all {
				switch {
				case tok.kind != "mark":
				case strings.Contains("({[", tok.text):
					open = append(open, tok.text)
				case pairs[tok.text] != "":
					if len(open) == 0 || open[len(open)-1] != pairs[tok.text] {
						t.Fatalf("%s %v: %s closes nothing in\n%s", a.Name, o, tok.text, script)
					}
					open = open[:len(open)-1]
				}
			}
			if len(open) > 0 {
				t.Errorf("%s %v: %v stay open in\n%s", a.Name, o, open, script)
			}
		}
	})
}
