package checks

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
)

// products look into TLS connections with certificates of their own: firewalls,
// proxies, virus scanners and programs that show traffic. The words stand in the
// names of their authorities, in lower case, as their vendors' documents and
// users' reports show them; none of them is in the name of a public authority.
var products = []struct{ name, words string }{
	{"Zscaler", "zscaler"},
	{"Fortinet FortiGate", "fortinet|fortigate|fortissl|fgt ca|fg-ca"},
	{"Palo Alto Networks", "palo alto|paloalto|prisma access|globalprotect"},
	{"Sophos", "sophos"},
	{"Kaspersky", "kaspersky"},
	{"ESET", "eset ssl filter|eset, spol|eset ssl"},
	{"Avast", "avast"},
	{"AVG", "avg technologies|avg web|avg mail|avg trusted"},
	{"Bitdefender", "bitdefender"},
	{"Norton", "norton web/mail|norton web shield|norton mail shield|gen digital"},
	{"Avira", "avira"},
	{"Dr.Web", "dr.web|drweb"},
	{"Netskope", "netskope|goskope"},
	{"Cisco Umbrella", "cisco umbrella|opendns|cisco secure access"},
	{"Cisco Secure Web Appliance", "ironport|cisco web security|cisco firepower"},
	{"Symantec Blue Coat", "blue coat|bluecoat|proxysg|symantec web security|cloud swg"},
	{"Barracuda", "barracuda"},
	{"WatchGuard", "watchguard|fireware"},
	{"Skyhigh (McAfee) Web Gateway", "skyhigh|mcafee web|mcafee, inc|mcafee llc|web gateway"},
	{"Forcepoint", "forcepoint|websense"},
	{"Check Point", "check point|checkpoint"},
	{"SonicWall", "sonicwall"},
	{"Trend Micro", "trend micro|iwsva|trendmicro"},
	{"Untangle", "untangle|arista edge threat"},
	{"Squid", "squid"},
	{"pfSense or OPNsense", "pfsense|opnsense"},
	{"mitmproxy", "mitmproxy"},
	{"Fiddler", "fiddler|do_not_trust"},
	{"Charles", "charles proxy|xk72"},
	{"Burp Suite", "portswigger"},
	{"Proxyman", "proxyman"},
	{"Cloudflare Gateway", "cloudflare for teams|cloudflare gateway|gateway ca - cloudflare|cloudflare zero trust|cloudflare managed"},
	{"iboss", "iboss"},
	{"Lightspeed", "lightspeed"},
	{"Securly", "securly"},
	{"GoGuardian", "goguardian"},
	{"ContentKeeper", "contentkeeper"},
	{"Smoothwall", "smoothwall"},
	{"GFI", "gfi software|gfi kerio|kerio"},
	{"Cato Networks", "cato networks"},
	{"Menlo Security", "menlo security"},
	{"Juniper", "juniper networks|srx-"},
	{"Stormshield", "stormshield|netasq"},
	{"Sangfor", "sangfor"},
	{"Hillstone", "hillstone"},
	{"Endian", "endian firewall"},
	{"Clavister", "clavister"},
	{"A10 Networks", "a10 networks"},
	{"F5", "f5 ssl|f5 networks|ssl orchestrator"},
	{"Gigamon", "gigamon"},
	{"Quick Heal", "quick heal|seqrite"},
	{"K7", "k7 computing"},
	{"AdGuard", "adguard"},
	{"Covenant Eyes", "covenant eyes"},
	{"Qustodio", "qustodio"},
	{"Net Nanny", "net nanny|contentwatch"},
	{"NetFilter SDK (a virus scanner or an advertisement blocker)", "netfilter sdk|netfiltersdk"},
}

// inspector names the product that made a certificate of the chain, "" when
// none is known to.
func inspector(chain []*x509.Certificate) string {
	for _, c := range chain {
		issuer := strings.ToLower(names(c.Issuer))
		for _, p := range products {
			for words := range strings.SplitSeq(p.words, "|") {
				if strings.Contains(issuer, words) {
					return p.name
				}
			}
		}
	}
	return ""
}

// publicAuthorities are those that the providers' certificates come from.
var publicAuthorities = []string{"digicert", "microsoft", "globalsign", "entrust", "sectigo", "comodo", "google trust services", "isrg", "let's encrypt", "baltimore", "amazon", "cfca", "geotrust", "rapidssl", "thawte", "godaddy", "usertrust"}

// fromPublic reports whether a chain was made by an authority that is in every
// computer's list.
func fromPublic(chain []*x509.Certificate) bool {
	for _, c := range chain {
		issuer := strings.ToLower(names(c.Issuer))
		for _, a := range publicAuthorities {
			if strings.Contains(issuer, a) {
				return true
			}
		}
	}
	return false
}

// names are all names of a subject or an issuer.
func names(n pkix.Name) string {
	all := append([]string{n.CommonName}, n.Organization...)
	return strings.Join(append(all, n.OrganizationalUnit...), " | ")
}
