package refusals

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// The groups, in the order of docs/troubleshooting.md.
const (
	groupSignIn  = "sign-in"
	groupSMTP    = "smtp"
	groupGraph   = "graph"
	groupNetwork = "network"
	groupOther   = "other-providers"
	groupChecks  = "checks"
)

var groups = []string{groupSignIn, groupSMTP, groupGraph, groupNetwork, groupOther, groupChecks}

var (
	idForm       = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	replyForm    = regexp.MustCompile(`^([45])\d\d ([45])\.\d{1,3}\.\d{1,3}$`)
	enhancedForm = regexp.MustCompile(`^[45]\.\d{1,3}\.\d{1,3}$`)
	oauthForm    = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)
	placeholder  = regexp.MustCompile(`\{[^{}\s]*\}`)
)

// load reads a catalogue. Its error names the entry that is wrong.
func load(text []byte) (*catalogue, error) {
	var f struct {
		Refusal []Refusal `toml:"refusal"`
		Doubt   []doubt   `toml:"doubt"`
	}
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		if strict, ok := err.(*toml.StrictMissingError); ok {
			return nil, fmt.Errorf("the catalogue has keys that do not exist:\n%s", strict.String())
		}
		return nil, fmt.Errorf("the catalogue is no TOML: %w", err)
	}
	c := &catalogue{entries: f.Refusal, doubts: f.Doubt, byID: map[string]int{}}
	for i := range c.entries {
		e := &c.entries[i]
		if err := e.validate(); err != nil {
			return nil, fmt.Errorf("refusal %q, entry %d: %w", e.ID, i+1, err)
		}
		if _, twice := c.byID[e.ID]; twice {
			return nil, fmt.Errorf("refusal %q, entry %d: the ID is used before", e.ID, i+1)
		}
		c.byID[e.ID] = i
	}
	for i, e := range c.entries {
		for _, other := range e.InsteadOf {
			j, ok := c.byID[other]
			if !ok || other == e.ID || slices.Contains(c.entries[j].InsteadOf, e.ID) {
				return nil, fmt.Errorf("refusal %q, entry %d: it cannot stand instead of %q", e.ID, i+1, other)
			}
		}
	}
	for i := range c.doubts {
		if err := c.doubts[i].validate(c.byID); err != nil {
			return nil, fmt.Errorf("doubt %d, of %q: %w", i+1, c.doubts[i].Candidates, err)
		}
	}
	m, err := newMatcher(c)
	if err != nil {
		return nil, err
	}
	c.matcher = m
	return c, nil
}

func (e *Refusal) validate() error {
	switch {
	case !idForm.MatchString(e.ID):
		return fmt.Errorf("the ID is not of small letters, digits and hyphens")
	case !slices.Contains(groups, e.Group):
		return fmt.Errorf("there is no group %q", e.Group)
	case e.Cause == "":
		return fmt.Errorf("cause is missing")
	case !slices.Contains([]Whose{Administrator, User, Setup, Network, Provider, Message}, e.Whose):
		return fmt.Errorf("whose is %q, which is nobody", e.Whose)
	case e.FixAdmin == "":
		return fmt.Errorf("fix_admin is missing")
	case e.FixUser == "":
		return fmt.Errorf("fix_user is missing")
	case e.Source == "":
		return fmt.Errorf("source is missing")
	case e.Group != groupChecks && e.signs.none():
		return fmt.Errorf("nothing says how it is recognised")
	case e.Group == groupChecks && !e.signs.none():
		return fmt.Errorf("it is recognised in texts, and stands in the group of those that are not")
	case e.Group != groupChecks && len(e.Looks) == 0:
		return fmt.Errorf("looks is missing")
	}
	for _, s := range []string{e.Cause, e.Takes, e.Source} {
		if placeholder.MatchString(s) {
			return fmt.Errorf("a placeholder stands where none is filled in: %q", s)
		}
	}
	for _, s := range []string{e.FixAdmin, e.FixUser, e.Link, e.Command, e.Application.FixAdmin, e.Application.FixUser, e.Application.Command} {
		for _, p := range placeholder.FindAllString(s, -1) {
			if !slices.Contains(placeholders, p) {
				return fmt.Errorf("the placeholder %s does not exist", p)
			}
		}
	}
	if e.Link != "" {
		if u, err := url.Parse(e.Link); err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("the link %q is no https address", e.Link)
		}
	}
	for _, s := range e.Steps {
		if !idForm.MatchString(strings.ReplaceAll(s, ".", "-")) {
			return fmt.Errorf("the step %q is no ID", s)
		}
	}
	return e.signs.validate()
}

func (s *signs) none() bool {
	return len(s.AADSTS)+len(s.Replies)+len(s.Phrases)+len(s.Firm)+len(s.OAuth)+len(s.Graph) == 0
}

func (s *signs) validate() error {
	for _, n := range s.AADSTS {
		if n < 10000 || n > 99999999 {
			return fmt.Errorf("AADSTS%d is no number of Entra's", n)
		}
	}
	for _, o := range s.OAuth {
		if !oauthForm.MatchString(o) {
			return fmt.Errorf("%q is no OAuth error code", o)
		}
	}
	for _, g := range s.Graph {
		if len(g.Code) < 8 || g.Code != strings.TrimSpace(g.Code) {
			return fmt.Errorf("%q is no error code of Graph", g.Code)
		}
	}
	return validTexts(s.Replies, slices.Concat(s.Phrases, s.Firm))
}

func (d *doubt) validate(ids map[string]int) error {
	switch {
	case len(d.Candidates) < 2:
		return fmt.Errorf("there are less than two candidates")
	case d.Tell == "":
		return fmt.Errorf("tell is missing")
	case len(d.Phrases)+len(d.Replies) == 0:
		return fmt.Errorf("nothing says how it is recognised")
	case len(d.Looks) == 0:
		return fmt.Errorf("looks is missing")
	}
	for _, code := range d.Codes {
		if code < 400 || code > 599 {
			return fmt.Errorf("%d is no reply code of failure", code)
		}
	}
	for _, id := range d.Candidates {
		if _, ok := ids[id]; !ok {
			return fmt.Errorf("the candidate %q does not exist", id)
		}
	}
	return validTexts(d.Replies, d.Phrases)
}

// validTexts checks what is looked for in texts.
func validTexts(replies, phrases []string) error {
	for _, r := range replies {
		m := replyForm.FindStringSubmatch(r)
		if !enhancedForm.MatchString(r) && (m == nil || m[1] != m[2]) {
			return fmt.Errorf("%q is no reply code with an enhanced code, and no enhanced code", r)
		}
	}
	for _, p := range phrases {
		total := 0
		for part := range strings.SplitSeq(p, gapMark) {
			n := len(squeezed(part))
			if n < 3 {
				return fmt.Errorf("the phrase %q has a part that is too short to be found: %q", p, part)
			}
			total += n
		}
		if total < minPhrase {
			return fmt.Errorf("the phrase %q is too short to mean anything by itself", p)
		}
	}
	return nil
}
