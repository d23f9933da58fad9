//go:build !darwin || cgo

package ui

import (
	"strings"

	"fyne.io/fyne/v2/lang"

	"traymail/internal/refusals"
)

// explainHeadline says what the catalogue knows of a text.
func explainHeadline(e Explanation) headline {
	if e.Of == "" && strings.TrimSpace(e.Text) != "" {
		return headline{levelWorking, lang.L("Looking it up"), ""}
	}
	if e.Of == "" {
		return headline{levelPending, lang.L("Nothing to explain yet"), lang.L("The answer appears as soon as there is a text.")}
	}
	switch a := e.Answer; {
	case a.Verdict == refusals.Known:
		r := a.Findings[0].Refusal
		h := headline{levelError, sentence(r.Cause), whoseWords(r.Whose) + " " + lasting(r.Temporary)}
		if r.Temporary {
			h.level = levelAttention
		}
		return h
	case a.Verdict == refusals.Ambiguous:
		return headline{levelAttention, lang.L("The text does not tell which of {{.N}} it is", words{"N": len(a.Candidates)}), a.Tell}
	case a.Verdict == refusals.Unknown && len(a.Near) > 0:
		return headline{levelAttention, lang.L("This refusal is not known"), lang.L("Those below look similar, and need not be what it is.")}
	case a.Verdict == refusals.Unknown:
		return headline{levelAttention, lang.L("This refusal is not known"), lang.L("Nothing that is known looks similar.")}
	}
	return headline{levelSkipped, lang.L("There is no refusal in this text"), lang.L("The lines around it may have one, most of all those of the server.")}
}

// whoseWords says who can end a refusal.
func whoseWords(w refusals.Whose) string {
	switch w {
	case refusals.Administrator:
		return lang.L("An administrator of the organisation ends it.")
	case refusals.User:
		return lang.L("Whoever signs in ends it.")
	case refusals.Setup:
		return lang.L("The settings of the program have to change.")
	case refusals.Network:
		return lang.L("The network in between is the cause.")
	case refusals.Provider:
		return lang.L("The provider is the cause, and nobody here.")
	}
	return lang.L("Whoever wrote the message changes it.")
}

func lasting(temporary bool) string {
	if temporary {
		return lang.L("It passes by itself, or may.")
	}
	return lang.L("It does not pass by itself.")
}

// refusalText is all of an entry, to be sent to whoever mends it.
func refusalText(r refusals.Refusal) string {
	lines := []string{sentence(r.Cause), whoseWords(r.Whose) + " " + lasting(r.Temporary)}
	for _, p := range [][2]string{{lang.L("For an administrator"), r.FixAdmin}, {lang.L("For whoever uses the program"), r.FixUser}} {
		if p[1] != "" {
			lines = append(lines, p[0]+": "+p[1])
		}
	}
	for _, text := range []string{r.Command, r.Link} {
		if text != "" {
			lines = append(lines, text)
		}
	}
	return strings.Join(lines, "\n")
}
