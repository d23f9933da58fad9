//go:build !darwin || cgo

package explain

import (
	"strings"

	"traymail/internal/refusals"
	"traymail/ui/look"
	"traymail/ui/words"
)

// headlineOf says what the catalogue knows of a text.
func headlineOf(s State) look.Headline {
	if s.Of == "" && strings.TrimSpace(s.Text) != "" {
		return look.Headline{Level: look.Working, What: words.Say("explain.looking")}
	}
	if s.Of == "" {
		return look.Headline{Level: look.Pending, What: words.Say("explain.nothing"), Then: words.Say("explain.nothing_then")}
	}
	switch a := s.Answer; {
	case a.Lead != nil:
		h := look.Headline{Level: look.Error, What: words.Sentence(a.Lead.Cause), Then: whose(a.Lead.Refusal)}
		if a.Lead.Temporary {
			h.Level = look.Attention
		}
		return h
	case a.Verdict == refusals.Ambiguous:
		return look.Headline{Level: look.Attention, What: words.Count("explain.which", len(a.Rest)), Then: words.Sentence(a.Tell)}
	case a.Verdict == refusals.Unknown && len(a.Rest) > 0:
		return look.Headline{Level: look.Attention, What: words.Say("explain.unknown"), Then: words.Say("explain.unknown_similar")}
	case a.Verdict == refusals.Unknown:
		return look.Headline{Level: look.Attention, What: words.Say("explain.unknown"), Then: words.Say("explain.unknown_alone")}
	}
	return look.Headline{Level: look.Skipped, What: words.Say("explain.none"), Then: words.Say("explain.none_then")}
}

// whose says who can end a refusal, and whether it ends by itself.
func whose(r refusals.Refusal) string {
	ends := words.Say("explain.lasts")
	if r.Temporary {
		ends = words.Say("explain.passes")
	}
	return words.Say("explain.whose_"+string(r.Whose)) + " " + ends
}

// A part is one fix, below its name.
type part struct{ name, text string }

// partsOf are the fixes of an entry.
func partsOf(e Entry) (all []part) {
	for _, p := range []part{
		{words.Say("explain.for_administrator"), e.FixAdmin}, {words.Say("explain.for_user"), e.FixUser},
		{words.Say("explain.application_administrator"), e.Application.FixAdmin}, {words.Say("explain.application_user"), e.Application.FixUser},
	} {
		if p.text != "" {
			all = append(all, part{p.name, words.Sentence(p.text)})
		}
	}
	return all
}

// entryText is all of an entry, to be sent to whoever mends it.
func entryText(e Entry) string {
	lines := []string{words.Sentence(e.Cause), whose(e.Refusal)}
	for _, p := range partsOf(e) {
		lines = append(lines, p.name+": "+p.text)
	}
	for _, text := range []string{e.Command, e.Application.Command, e.Link} {
		if text != "" {
			lines = append(lines, text)
		}
	}
	return strings.Join(lines, "\n")
}
