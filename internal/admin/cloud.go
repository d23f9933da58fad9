package admin

import (
	"net/url"

	"traymail/internal/account"
)

// A cloud is where the administrator's pages of a provider are, and how
// PowerShell is told which cloud it is.
type cloud struct {
	portal   string // Entra's pages
	users    string // Active users in the Microsoft 365 admin center
	exchange string // Exchange admin center; "" is not known
	// environment and graph are the names for Connect-ExchangeOnline and
	// Connect-MgGraph; "" is the global cloud.
	environment, graph string
	note               string
}

// The portals of the national clouds are Microsoft's documented ones; that the
// pages in them have the same paths as in the global cloud, and the addresses
// of their admin centers, are own knowledge, as are Connect-MgGraph's names for
// DoD and China.
const nationalNote = "The addresses of this cloud's pages beyond the portal's host were not tried; the path in words holds in every cloud."

var clouds = map[string]cloud{
	account.Microsoft365: {
		portal: "https://entra.microsoft.com", users: "https://admin.microsoft.com/Adminportal/Home#/users", exchange: "https://admin.exchange.microsoft.com",
	},
	account.Microsoft365US: {
		portal: "https://portal.azure.us", users: "https://portal.office365.us/Adminportal/Home#/users",
		environment: "O365USGovGCCHigh", graph: "USGov", note: nationalNote,
	},
	account.Microsoft365DD: {
		portal: "https://portal.azure.us", users: "https://portal.apps.mil/Adminportal/Home#/users",
		environment: "O365USGovDoD", graph: "USGovDoD", note: nationalNote,
	},
	account.Microsoft365CN: {
		portal: "https://portal.azure.cn", users: "https://portal.partner.microsoftonline.cn/Adminportal/Home#/users",
		environment: "O365China", graph: "China", note: nationalNote,
	},
	account.OutlookCom: {portal: "https://entra.microsoft.com"},
}

func (c cloud) registrations() string {
	return c.portal + "/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade"
}

// app is a page of one app registration. The path of such pages is not
// documented; every administrator sees it in the address bar.
func (c cloud) app(page, clientID string) string {
	return c.portal + "/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/" + page + "/appId/" + url.PathEscape(clientID)
}

func (c cloud) enterpriseApps() string {
	return c.portal + "/#view/Microsoft_AAD_IAM/StartboardApplicationsMenuBlade/~/AppAppsPreview"
}

func (c cloud) conditionalAccess() string {
	return c.portal + "/#view/Microsoft_AAD_ConditionalAccess/ConditionalAccessBlade/~/Policies"
}

// eac is a page of the Exchange admin center, "" where its address is not known.
func (c cloud) eac(page string) string {
	if c.exchange == "" {
		return ""
	}
	return c.exchange + "/#/" + page
}

// Registrations is the page on which app registrations are listed and made, ""
// where the provider has none that is known.
func Registrations(a account.Account) string {
	c, ok := clouds[a.Provider]
	if !ok {
		return ""
	}
	return c.registrations()
}
