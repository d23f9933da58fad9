package checking

import (
	"slices"
	"strings"

	"traymail/internal/account"
	"traymail/internal/admin"
)

// permission is what an administrator of Exchange runs so that a person may
// send for the others, the better of the two ways first, and the page where the
// same is done. Both are "" where the provider has no such thing, and for an
// application, whose checks have the command.
func permission(a account.Account) (script, link string) {
	if !a.HasEntra() || a.Provider == account.OutlookCom || a.SignIn == account.AppOnly {
		return "", ""
	}
	steps, err := admin.Steps(a, admin.Options{})
	if err != nil {
		return "", ""
	}
	find := func(id string) (admin.Step, bool) {
		i := slices.IndexFunc(steps, func(s admin.Step) bool { return s.ID == id })
		if i < 0 {
			return admin.Step{}, false
		}
		return steps[i], true
	}
	id := "send-as"
	if a.OnBehalf {
		id = "send-on-behalf"
	}
	grant, ok := find(id)
	if !ok {
		return "", ""
	}
	script = grant.Command
	if connect, ok := find("connect-exchange"); ok {
		// Its last line opens the session; those before install a module.
		script = connect.Command[strings.LastIndexByte(connect.Command, '\n')+1:] + "\n" + script
	}
	return script, grant.Link
}
