package checks

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"traymail/internal/account"
	"traymail/internal/admin"
	"traymail/internal/refusals"
)

// passed is a check that found what it looked for.
func passed(format string, args ...any) Result {
	return Result{Status: Pass, Summary: fmt.Sprintf(format, args...)}
}

// skipped is a check that does not apply to the account.
func skipped(format string, args ...any) Result {
	return Result{Status: Skip, Summary: fmt.Sprintf(format, args...)}
}

// found is a check that ended with a finding. The texts beside the summary, and
// the server's own words in reply ("" is none), are those of the finding in the
// catalogue of refusals, and of the administrator's steps that it names, for
// this account. The caller may put more exact ones into their place.
func (r *run) found(id string, status Status, summary, reply string) Result {
	result := Result{Status: status, Finding: id, Summary: oneLine(summary), Reply: oneLine(reply)}
	entry, ok := r.catalogued(id)
	if !ok {
		return result
	}
	result.Detail, result.Fix = entry.Cause, fixOf(entry)
	result.Link, result.Command, result.Takes = entry.Link, entry.Command, entry.Takes
	r.takeSteps(&result, entry.Steps)
	if id == "graph-access-policy" {
		r.intoPolicysGroup(&result)
	}
	result.Command = r.connected(result.Command)
	var more string
	result.Fix, more = twoSentences(result.Fix)
	result.Detail = paragraphs(result.Detail, more)
	return result
}

// sentenceEnd is where one sentence ends and another begins, or a line does.
var sentenceEnd = regexp.MustCompile(`[.?!] [A-ZÄÖÜ]|\n`)

// twoSentences is as much of a fix as people do at a time, and what there is
// beside it.
func twoSentences(fix string) (short, more string) {
	ends := sentenceEnd.FindAllStringIndex(fix, 2)
	if len(ends) < 2 {
		return fix, ""
	}
	at := ends[1][0] + 1
	return strings.TrimSpace(fix[:at]), strings.TrimSpace(fix[at:])
}

// intoPolicysGroup has the mailbox let in by the application access policy that
// shuts it out, or shows that there is none.
func (r *run) intoPolicysGroup(result *Result) {
	app, mailbox := refusals.Quote(r.Account.ClientID), refusals.Quote(r.mailbox())
	result.Fix = fmt.Sprintf("put the mailbox %s into the group that the policy names: the first command shows it, and its name goes where the second has GROUP. Is there no policy, the scope of the application's role leaves the mailbox out: traymail admin %s --rbac", r.mailbox(), r.Account.Name)
	result.Command = fmt.Sprintf("Get-ApplicationAccessPolicy | Where-Object AppId -eq %s | Format-List ScopeName, ScopeIdentity, AccessRight\nAdd-DistributionGroupMember -Identity 'GROUP' -Member %s", app, mailbox)
	result.Verify = r.connected(fmt.Sprintf("Test-ApplicationAccessPolicy -Identity %s -AppId %s", mailbox, app)) + "\n# prints AccessCheckResult Granted"
}

// forSession are the cmdlets that need a session, as opposed to Windows' own.
var forSession = regexp.MustCompile(`^(?:Get|Set|Add|New|Update|Remove|Test)-(?:Mg|CASMailbox|Mailbox|Recipient|ServicePrincipal|Organization|Limits|ApplicationAccess|Transport)`)

// connected puts the line that opens the session before a script that needs one
// and does not open it.
func (r *run) connected(script string) string {
	a := &r.Account
	switch {
	case !a.HasEntra() || a.Provider == account.OutlookCom || !forSession.MatchString(script):
		return script
	case !strings.Contains(script, "-Mg"):
		return paragraphs(r.connect(), script)
	}
	scope := "Application.ReadWrite.All"
	if strings.Contains(script, "-MgUser") {
		scope = "User.ReadWrite.All"
	}
	line := "Connect-MgGraph -NoWelcome -Scopes " + scope
	if r.tenantID != "" {
		line += " -TenantId " + refusals.Quote(r.tenantID)
	}
	return paragraphs(line, script)
}

// connect is the line that opens a session with Exchange, "" where that is not
// known.
func (r *run) connect() string {
	// An application over Graph has nothing to do with Exchange but by its roles.
	for _, rbac := range []bool{false, r.Account.SignIn == account.AppOnly} {
		all, err := admin.Steps(r.Account, admin.Options{TenantID: r.tenantID, RBAC: rbac})
		if err != nil {
			return ""
		}
		if i := slices.IndexFunc(all, func(s admin.Step) bool { return s.ID == "connect-exchange" }); i >= 0 {
			return all[i].Command[strings.LastIndexByte(all[i].Command, '\n')+1:]
		}
	}
	return ""
}

// fixOf is what is to be done by whoever can.
func fixOf(e refusals.Refusal) string {
	if e.Whose == refusals.Administrator {
		return cmp.Or(e.FixAdmin, e.FixUser)
	}
	return cmp.Or(e.FixUser, e.FixAdmin)
}

// takeSteps puts what the administrator's steps of this account say into a
// result. A step that the account does not need says nothing.
func (r *run) takeSteps(result *Result, ids []string) {
	r.takeStepsOf(result, ids, admin.Options{TenantID: r.tenantID})
}

// takeStepsOf is takeSteps with another way to set the account up.
func (r *run) takeStepsOf(result *Result, ids []string, o admin.Options) {
	if len(ids) == 0 {
		return
	}
	all, err := admin.Steps(r.Account, o)
	if err != nil {
		return // RBAC is not for this account
	}
	var chosen []admin.Step
	for _, id := range ids {
		if i := slices.IndexFunc(all, func(step admin.Step) bool { return step.ID == id }); i >= 0 {
			chosen = append(chosen, all[i])
		}
	}
	var link, takes string
	for _, step := range chosen {
		link, takes = cmp.Or(link, step.Link), cmp.Or(takes, step.Takes)
		// One way through the portal is enough, and the fix may tell it already.
		if step.Where != "" && !strings.Contains(result.Fix, "→") {
			result.Fix = paragraphs(result.Fix, step.Title+": "+step.Where)
		}
	}
	// The account's own page is more exact than the catalogue's.
	result.Link, result.Takes = cmp.Or(link, result.Link), cmp.Or(takes, result.Takes)
	command, _ := powershell(all, chosen, func(step admin.Step) string { return step.Command })
	verify, last := powershell(all, chosen, func(step admin.Step) string { return step.Verify })
	result.Command = cmp.Or(command, result.Command)
	result.Verify = verify
	if last.Expect != "" {
		result.Verify += "\n# prints " + strings.ReplaceAll(last.Expect, "\n", " ")
	}
}

var (
	assigns = regexp.MustCompile(`(?m)^\s*\$(\w+) =`)
	mention = regexp.MustCompile(`\$(\w+)`)
)

// powershell joins what the chosen steps have to run, with what of the others
// must run before: the connection, and what sets the variables that they use.
// last is the step of the last lines. What is for the window of Microsoft Graph
// is left out where there is something for Exchange's: one window has one of
// the two.
func powershell(all, chosen []admin.Step, of func(admin.Step) string) (script string, last admin.Step) {
	graph := func(text string) bool { return strings.Contains(text, "-Mg") }
	exchange := slices.ContainsFunc(chosen, func(s admin.Step) bool { return of(s) != "" && !graph(of(s)) })
	var lines []string
	connect := ""
	set := map[string]bool{}
	var add func(step admin.Step, text string)
	add = func(step admin.Step, text string) {
		for _, name := range mention.FindAllStringSubmatch(text, -1) {
			if set[name[1]] {
				continue
			}
			set[name[1]] = true
			for _, before := range all {
				if before.ID == step.ID {
					break
				}
				if sets(before.Command, name[1]) {
					add(before, before.Command)
				}
			}
		}
		if !slices.Contains(lines, text) {
			lines = append(lines, text)
		}
	}
	for _, step := range chosen {
		text := of(step)
		if text == "" || strings.HasPrefix(step.ID, "connect-") || exchange && graph(text) {
			continue
		}
		connect = "connect-exchange"
		if graph(text) {
			connect = "connect-graph"
		}
		add(step, text)
		last = step
	}
	if i := slices.IndexFunc(all, func(s admin.Step) bool { return s.ID == connect }); i >= 0 {
		// Its last line opens the session; those before install modules.
		opens := all[i].Command[strings.LastIndexByte(all[i].Command, '\n')+1:]
		lines = slices.Insert(lines, 0, opens)
	}
	return strings.Join(lines, "\n"), last
}

// sets reports whether a script gives the variable a value.
func sets(script, variable string) bool {
	if variable == "null" { // what is put there is dropped
		return false
	}
	return slices.ContainsFunc(assigns.FindAllStringSubmatch(script, -1), func(m []string) bool { return m[1] == variable })
}

// oneLine makes one line of a text that comes from elsewhere. Characters that
// would steer a terminal, or turn the text around, become blanks.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool {
		return unicode.IsSpace(c) || unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c)
	}), " ")
}
