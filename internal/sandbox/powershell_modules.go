package sandbox

import (
	"slices"
	"strings"
)

// The modules of PowerShell.
const (
	psExchangeModule = "ExchangeOnlineManagement"
	psGraphModule    = "Microsoft.Graph.Authentication" // that every other one of Graph loads
	psApplications   = "Microsoft.Graph.Applications"
	psSignIns        = "Microsoft.Graph.Identity.SignIns"
	psUserActions    = "Microsoft.Graph.Users.Actions"
	psUsers          = "Microsoft.Graph.Users"
	psDirectoryObjs  = "Microsoft.Graph.Identity.DirectoryManagement"
)

var psModules = []string{psExchangeModule, psGraphModule, psApplications, psSignIns, psUserActions, psUsers, psDirectoryObjs}

// find finds a command that the window has: Exchange's are there once it is
// connected, Graph's when their module is installed. Nil when there is none.
func (s *psSession) find(name string) *psCmdlet {
	name = strings.Map(func(r rune) rune {
		if psDash(r) {
			return '-'
		}
		return r
	}, name)
	c := psCmdlets[strings.ToLower(name)]
	switch {
	case c == nil, c.module == "":
		return c
	case c.module == psExchangeModule && !s.exchange, c.module != psExchangeModule && !s.installed(c.module):
		return nil
	}
	return c
}

// installed tells whether a module is on the machine, as all are until
// somebody takes one away.
func (s *psSession) installed(module string) (yes bool) {
	s.t.View(func(t *Tenant) { yes = contains(psModules, module) && !contains(t.console.uninstalled, module) })
	return yes
}

func (s *psSession) load(modules ...string) {
	for _, m := range modules {
		if !contains(s.loaded, m) {
			s.loaded = append(s.loaded, m)
		}
	}
}

// connected refuses a command of Microsoft Graph without a connection, or with
// one whose scopes do not permit it.
func (c *psCall) connected() error {
	if c.cmdlet.module == psExchangeModule {
		return nil
	}
	c.load(psGraphModule, c.cmdlet.module)
	if c.graph == nil {
		return psTerminating("Authentication needed. Please call Connect-MgGraph.")
	}
	if !slices.ContainsFunc(c.cmdlet.scopes, func(scope string) bool { return contains(c.graph, scope) }) {
		return psFails("[Authorization_RequestDenied] : Insufficient privileges to complete the operation. The connection has none of the scopes %s.", strings.Join(c.cmdlet.scopes, ", "))
	}
	return nil
}

// psModuleCmdlets are those of modules and connections. They lock the tenant
// themselves.
func psModuleCmdlets() []*psCmdlet {
	done := func(do func(*psCall)) func(*psCall) ([]any, error) {
		return func(c *psCall) ([]any, error) { do(c); return nil, nil }
	}
	return []*psCmdlet{
		{name: "Get-Module", params: "Name:l0 ListAvailable:w", do: psGetModule},
		{name: "Import-Module", params: "Name:l0! Force:w", do: func(c *psCall) ([]any, error) {
			for _, name := range c.list("Name") {
				if !c.installed(name) {
					return nil, psFails("The specified module '%s' was not loaded because no valid module file was found in any module directory.", name)
				}
				c.load(name)
			}
			return nil, nil
		}},
		{name: "Install-Module", params: "Name:l0! Scope:s Force:w AllowClobber:w", do: psInstallModule},
		{name: "Connect-ExchangeOnline", params: "UserPrincipalName:s Organization:s ExchangeEnvironmentName:s ShowBanner:b Device:w", do: psConnectExchange},
		{name: "Connect-MgGraph", params: "Scopes:l0 TenantId:s Environment:s NoWelcome:w ContextScope:s UseDeviceCode:w", do: psConnectGraph},
		{name: "Disconnect-ExchangeOnline", params: "Confirm:w", do: done(func(c *psCall) { c.exchange = false })},
		{name: "Disconnect-MgGraph", params: "", do: done(func(c *psCall) { c.graph = nil })},
		{name: "Get-MgContext", params: "", do: func(c *psCall) ([]any, error) {
			if c.graph == nil {
				return nil, nil
			}
			scopes := psStrings(c.graph)
			return []any{&psObject{kind: "MgContext", props: []psProp{{"TenantId", c.t.ID}, {"Scopes", scopes}}, view: []string{"TenantId", "Scopes"}}}, nil
		}},
	}
}

// psStrings is a list as a value.
func psStrings(list []string) []any {
	out := []any{}
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

func psGetModule(c *psCall) (out []any, err error) {
	names, list := c.list("Name"), c.loaded
	if c.is("ListAvailable") {
		list = slices.DeleteFunc(slices.Clone(psModules), func(m string) bool { return !c.installed(m) })
	}
	for _, m := range list {
		matches := len(names) == 0
		for _, n := range names {
			yes, err := psCompareOne("-like", m, n, false)
			if err != nil {
				return nil, err
			}
			matches = matches || yes
		}
		if matches {
			out = append(out, &psObject{kind: "Module", text: m, props: []psProp{{"ModuleType", "Script"}, {"Name", m}}, view: []string{"ModuleType", "Name"}})
		}
	}
	return out, nil
}

// psInstallModule knows the modules of the console alone. Microsoft.Graph is all
// of Graph's.
func psInstallModule(c *psCall) ([]any, error) {
	if scope := c.str("Scope"); scope != "" && !contains([]string{"CurrentUser", "AllUsers"}, scope) {
		return nil, psTerminating("Cannot validate argument on parameter 'Scope'. The argument \"%s\" does not belong to the set \"CurrentUser,AllUsers\".", scope)
	}
	for _, name := range c.list("Name") {
		all := strings.EqualFold(name, "Microsoft.Graph")
		if !all && !contains(psModules, name) {
			return nil, psFails("No match was found for the specified search criteria and module name '%s'.", name)
		}
		c.t.Change(func(t *Tenant) {
			t.console.uninstalled = slices.DeleteFunc(t.console.uninstalled, func(m string) bool {
				return strings.EqualFold(m, name) || m == psGraphModule && strings.HasPrefix(name, "Microsoft.Graph.") || all && m != psExchangeModule
			})
		})
	}
	return nil, nil
}

// The names that the two connections have for a tenant's cloud.
var (
	psExchangeClouds = map[Provider]string{GlobalCloud: "O365Default", GCCHigh: "O365USGovGCCHigh", DoD: "O365USGovDoD", China: "O365China"}
	psGraphClouds    = map[Provider]string{GlobalCloud: "Global", GCCHigh: "USGov", DoD: "USGovDoD", China: "China"}
)

// cloud refuses a connection to another cloud than the tenant's.
func (c *psCall) cloud(name string, names map[Provider]string) error {
	given := c.str(name)
	if given == "" {
		given = names[GlobalCloud]
	}
	known := false
	for _, n := range names {
		known = known || strings.EqualFold(n, given)
	}
	switch own := names[c.t.Provider]; {
	case !known:
		return psTerminating("Cannot process argument transformation on parameter '%s'. Cannot convert value \"%s\".", name, given)
	case !strings.EqualFold(own, given):
		return psTerminating("AADSTS90002: the sandbox's tenant is in the cloud %s, not in %s: give -%s %s.", own, given, name, own)
	}
	return nil
}

// beside refuses to connect where the other module is loaded, as the two bring
// their own copies of the same libraries (msgraph-sdk-powershell issue 3394).
func (c *psCall) beside(module, other string) error {
	if !c.installed(module) {
		return &psError{reach: psEndsStatement, message: "The term '" + c.cmdlet.name + "' is not recognized as a name of a cmdlet, function, script file, or executable program.\nIt is there after Install-Module -Name " + module + "."}
	}
	if contains(c.loaded, other) {
		return psTerminating("Authentication failed: Method not found: 'Microsoft.Identity.Client'. %s, which is loaded in this window, brings another version of it: open a new window.", other)
	}
	return nil
}

func psConnectExchange(c *psCall) ([]any, error) {
	if err := c.beside(psExchangeModule, psGraphModule); err != nil {
		return nil, err
	}
	if err := c.cloud("ExchangeEnvironmentName", psExchangeClouds); err != nil {
		return nil, err
	}
	if o := c.str("Organization"); o != "" && !contains([]string{c.t.ID, c.t.initialDomain()}, o) {
		return nil, psTerminating("The organization '%s' is not the sandbox's tenant, which is %s.", o, c.t.ID)
	}
	c.load(psExchangeModule)
	c.exchange = true
	return nil, nil
}

func psConnectGraph(c *psCall) ([]any, error) {
	if err := c.beside(psGraphModule, psExchangeModule); err != nil {
		return nil, err
	}
	if err := c.cloud("Environment", psGraphClouds); err != nil {
		return nil, err
	}
	if id := c.str("TenantId"); id != "" && !contains([]string{c.t.ID, c.t.Domain}, id) {
		return nil, psTerminating("AADSTS90002: Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. The sandbox's tenant is %s.", id, c.t.ID)
	}
	c.load(psGraphModule)
	c.graph = append([]string{"openid", "profile", "User.Read"}, c.list("Scopes")...)
	if !c.is("NoWelcome") {
		c.out.line("Welcome to Microsoft Graph!")
	}
	return nil, nil
}
