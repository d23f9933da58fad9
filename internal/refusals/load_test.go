package refusals

import (
	"strings"
	"testing"
)

// sound is an entry that loads.
const sound = `
[[refusal]]
id = "full"
group = "smtp"
cause = "the mailbox is full"
whose = "user"
fix_admin = "give {username} more room"
fix_user = "empty it"
phrases = ["the mailbox is full"]
looks = ["552 the mailbox is full"]
source = "a test"
`

const second = `
[[refusal]]
id = "late"
group = "sign-in"
cause = "it is late"
whose = "provider"
fix_admin = "wait"
fix_user = "wait"
aadsts = [50000]
replies = ["451 4.9.9"]
oauth = ["too_late"]
graph = [{ code = "ErrorTooLate" }]
looks = ["AADSTS50000: too late"]
source = "a test"
`

const unclear = `
[[doubt]]
phrases = ["something is wrong"]
candidates = ["full", "late"]
tell = "the time"
looks = ["something is wrong"]
`

func TestTheCatalogueLoads(t *testing.T) {
	c, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.entries) < 130 {
		t.Errorf("it has only %d entries", len(c.entries))
	}
	if _, err := load([]byte(sound + second + unclear)); err != nil {
		t.Error(err)
	}
}

func TestABrokenCatalogueIsRefusedByName(t *testing.T) {
	whole := sound + second + unclear
	for _, c := range []struct{ name, from, to, want string }{
		{"no TOML", `id = "full"`, `id = full"`, "no TOML"},
		{"a key that does not exist", `whose = "user"`, "whose = \"user\"\nurgent = true", "urgent"},
		{"an ID twice", `id = "late"`, `id = "full"`, `refusal "full", entry 2: the ID is used before`},
		{"an ID with capitals", `id = "late"`, `id = "Late"`, `refusal "Late"`},
		{"a group that does not exist", `group = "smtp"`, `group = "mail"`, `refusal "full", entry 1: there is no group "mail"`},
		{"no cause", `cause = "it is late"`, ``, `refusal "late", entry 2: cause is missing`},
		{"nobody's fault", `whose = "provider"`, `whose = "me"`, `refusal "late", entry 2: whose is "me"`},
		{"no fix for the administrator", `fix_admin = "give {username} more room"`, ``, `refusal "full", entry 1: fix_admin is missing`},
		{"no fix for the user", `fix_user = "empty it"`, ``, `refusal "full", entry 1: fix_user is missing`},
		{"no source", `source = "a test"`, ``, `refusal "full", entry 1: source is missing`},
		{"nothing to recognise it by", `phrases = ["the mailbox is full"]`, ``, `refusal "full", entry 1: nothing says how it is recognised`},
		{"no example", `looks = ["552 the mailbox is full"]`, ``, `refusal "full", entry 1: looks is missing`},
		{"a placeholder that does not exist", `{username} more`, `{user} more`, `refusal "full", entry 1: the placeholder {user} does not exist`},
		{"a placeholder in the cause", `cause = "it is late"`, `cause = "it is late, {account}"`, `refusal "late", entry 2: a placeholder stands where none is filled in`},
		{"a link that is no link", `whose = "user"`, "whose = \"user\"\nlink = \"http://example.com\"", `refusal "full", entry 1: the link "http://example.com"`},
		{"a step that is no ID", `whose = "user"`, "whose = \"user\"\nsteps = [\"Send As\"]", `refusal "full", entry 1: the step "Send As"`},
		{"a number that is none of Entra's", `aadsts = [50000]`, `aadsts = [535]`, `refusal "late", entry 2: AADSTS535`},
		{"a reply without an enhanced code", `replies = ["451 4.9.9"]`, `replies = ["451"]`, `refusal "late", entry 2: "451"`},
		{"a reply of two classes", `replies = ["451 4.9.9"]`, `replies = ["551 4.9.9"]`, `refusal "late", entry 2: "551 4.9.9"`},
		{"an OAuth code of one word", `oauth = ["too_late"]`, `oauth = ["late"]`, `refusal "late", entry 2: "late"`},
		{"a code of Graph that is too short", `code = "ErrorTooLate"`, `code = "Late"`, `refusal "late", entry 2: "Late"`},
		{"a phrase that is too short", `["the mailbox is full"]`, `["full"]`, `refusal "full", entry 1: the phrase "full"`},
		{"a phrase with a part that is too short", `["the mailbox is full"]`, `["the mailbox … is"]`, `refusal "full", entry 1: the phrase`},
		{"a phrase of two entries", `aadsts = [50000]`, "aadsts = [50000]\nphrases = [\"The mailbox is full!\"]", `refusal "full" and refusal "late" are recognised by the same`},
		{"a phrase of an entry and a doubt", `["something is wrong"]`, `["the mailbox, is full"]`, `refusal "full" and doubt 1`},
		{"a number of two entries", `phrases = ["the mailbox is full"]`, "aadsts = [50000]", `refusal "full" and refusal "late" are recognised by the same AADSTS50000`},
		{"an OAuth code of two entries", `phrases = ["the mailbox is full"]`, `oauth = ["too_late"]`, `refusal "full" and refusal "late" are recognised by the same "too_late"`},
		{"instead of what does not exist", `whose = "user"`, "whose = \"user\"\ninstead_of = [\"nothing\"]", `refusal "full", entry 1: it cannot stand instead of "nothing"`},
		{"a check that is recognised in texts", `group = "smtp"`, `group = "checks"`, `refusal "full", entry 1: it is recognised in texts`},
		{"a candidate that does not exist", `["full", "late"]`, `["full", "early"]`, `the candidate "early" does not exist`},
		{"a doubt with one candidate", `["full", "late"]`, `["full"]`, `less than two candidates`},
		{"a doubt that nobody can end", `tell = "the time"`, ``, `doubt 1, of ["full" "late"]: tell is missing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(whole, c.from, c.to, 1)
			if text == whole {
				t.Fatalf("%q is not in the catalogue of the test", c.from)
			}
			if _, err := load([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v\nwant one with %s", err, c.want)
			}
		})
	}
}
