// Package refusals is the catalogue of what can go wrong between a tool and a
// mail system: how each refusal is recognised, whose fault it is, and what mends
// it. It is read from one file, catalogue.toml, and serves the checks, the
// queue, the bounces, the window and 'traymail explain' alike.
package refusals

// Whose says who can end a refusal.
type Whose string

// The six.
const (
	Administrator Whose = "administrator" // of the organisation, at the provider
	User          Whose = "user"          // whoever signs in
	Setup         Whose = "setup"         // the account's settings in traymail, or the tool's own
	Network       Whose = "network"       // what is between this computer and the provider
	Provider      Whose = "provider"      // nobody here: wait
	Message       Whose = "message"       // whoever wrote the message
)

// A Refusal is one entry of the catalogue. Fixes, links and commands have
// placeholders, see Fill.
type Refusal struct {
	ID    string `json:"id" toml:"id"`
	Cause string `json:"cause" toml:"cause"` // what is wrong, in a sentence
	Whose Whose  `json:"whose" toml:"whose"`
	// Temporary says that the same attempt may succeed later although nobody
	// changes anything.
	Temporary bool `json:"temporary" toml:"temporary"`
	// FixAdmin is what an administrator of the provider does, FixUser whoever
	// uses the tool.
	FixAdmin string `json:"fix_admin" toml:"fix_admin"`
	FixUser  string `json:"fix_user" toml:"fix_user"`
	Link     string `json:"link,omitempty" toml:"link"`
	// Command is PowerShell, or a traymail command, that mends it.
	Command string `json:"command,omitempty" toml:"command"`
	// Steps are the IDs of the administrator's steps that mend it, in order; they
	// have links and commands of their own.
	Steps []string `json:"steps,omitempty" toml:"steps"`
	// Takes is how long a fix usually needs to have an effect; "" is none.
	Takes string `json:"takes,omitempty" toml:"takes"`
}
