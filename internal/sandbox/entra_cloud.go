package sandbox

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// A cloud is what differs between the places where a provider runs.
type cloud struct {
	// preset is how traymail names the provider.
	preset string
	login  string // host of the sign-in pages
	graph  string // host of Microsoft Graph, "" where there is none
	// others are further hosts: SMTP, Exchange's admin endpoint, other parts of
	// the sign-in.
	others []string
	// sts is the host in the issuer of access tokens.
	sts string
}

// clouds are the providers; nothing writes to them. The national clouds' hosts
// beside the login come from third parties.
var clouds = map[Provider]cloud{
	GlobalCloud: {"microsoft365", "login.microsoftonline.com", "graph.microsoft.com",
		[]string{"smtp.office365.com", "outlook.office.com", "outlook.office365.com"}, "sts.windows.net"},
	GCCHigh: {"microsoft365-gcc-high", "login.microsoftonline.us", "graph.microsoft.us",
		[]string{"smtp.office365.us", "outlook.office365.us"}, "sts.windows.net"},
	DoD: {"microsoft365-dod", "login.microsoftonline.us", "dod-graph.microsoft.us",
		[]string{"outlook-dod.office365.us", "outlook.office365.us"}, "sts.windows.net"},
	China: {"microsoft365-21vianet", "login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn",
		[]string{"smtp.partner.outlook.cn", "partner.outlook.cn", "outlook.office365.cn"}, "sts.chinacloudapi.cn"},
	OutlookCom: {"outlook.com", "login.microsoftonline.com", "graph.microsoft.com",
		[]string{"smtp-mail.outlook.com", "outlook.office.com"}, ""},
	GoogleGmail: {"google", "accounts.google.com", "",
		[]string{"oauth2.googleapis.com", "www.googleapis.com", "smtp.gmail.com"}, ""},
}

// hosts lists the cloud's names.
func (c cloud) hosts() []string {
	list := append([]string{c.login}, c.others...)
	if c.graph != "" {
		list = append(list, c.graph)
	}
	return list
}

// Hosts lists the real names that a sandbox's certificates carry beside
// localhost, of every provider, sorted. A client that is made to reach them at
// the sandbox's ports is answered as there: a request to one of them gets
// addresses of that host instead of localhost.
func Hosts() []string {
	var list []string
	for _, c := range clouds {
		list = append(list, c.hosts()...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// realHost is the name that a request was sent to, with its port unless that is
// 443, if it is one of Hosts, else "".
func realHost(r *http.Request) (name, withPort string) {
	name, withPort = strings.ToLower(r.Host), strings.ToLower(r.Host)
	if host, port, err := net.SplitHostPort(name); err == nil {
		if name = host; port == "443" {
			withPort = host
		}
	}
	if !slices.Contains(Hosts(), name) {
		return "", ""
	}
	return name, withPort
}

// at is the start of the addresses that an answer to r names.
func (e *entra) at(r *http.Request) string {
	if _, host := realHost(r); host != "" {
		return "https://" + host
	}
	return e.base
}

// elsewhere reports whether r was sent to a host of another provider, which
// does not know this tenant.
func (e *entra) elsewhere(r *http.Request) bool {
	name, _ := realHost(r)
	return name != "" && !slices.Contains(clouds[e.tenant.Provider].hosts(), name)
}

// personal reports whether the accounts are people's own, at Microsoft.
func (e *entra) personal() bool { return e.tenant.Provider == OutlookCom }

// google reports whether the sandbox plays Google.
func (e *entra) google() bool { return e.tenant.Provider == GoogleGmail }
