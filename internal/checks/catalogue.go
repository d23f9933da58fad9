package checks

import (
	"strings"

	"traymail/internal/refusals"
)

// catalogued finds a finding in the catalogue of refusals.
func catalogued(id string) (refusals.Refusal, bool) { return refusals.Refusal{}, false }

// fill puts the account's names into a text of the catalogue.
func (r *run) fill(text string) string {
	return strings.NewReplacer("{account}", r.Account.Name, "{username}", r.Account.Username).Replace(text)
}
