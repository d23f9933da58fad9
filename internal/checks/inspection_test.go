package checks

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
)

// issued is a chain of one certificate, by the issuer's common name and
// organisation.
func issued(name, organisation string) []*x509.Certificate {
	n := pkix.Name{CommonName: name}
	if organisation != "" {
		n.Organization = []string{organisation}
	}
	return []*x509.Certificate{{Issuer: n}}
}

func TestProductsThatLookIntoConnectionsAreNamed(t *testing.T) {
	for _, c := range []struct{ name, organisation, want string }{
		{"Zscaler Intermediate Root CA (zscalerthree.net) (t) ", "Zscaler Inc.", "Zscaler"},
		{"FortiGate CA", "Fortinet", "Fortinet FortiGate"},
		{"FG100FTK19000000", "Fortinet", "Fortinet FortiGate"},
		{"Sophos SSL CA_C0123456789", "Sophos", "Sophos"},
		{"Kaspersky Anti-Virus Personal Root Certificate", "AO Kaspersky Lab", "Kaspersky"},
		{"ESET SSL Filter CA", "ESET, spol. s r. o.", "ESET"},
		{"Avast Mail Shield Root", "AVAST Software", "Avast"},
		{"avast! Mail Scanner Root", "", "Avast"},
		{"AVG Mail Shield Root", "AVG Technologies", "AVG"},
		{"Bitdefender CA SSL", "Bitdefender", "Bitdefender"},
		{"ca.contoso.goskope.com", "Netskope Inc", "Netskope"},
		{"Cisco Umbrella Secondary SubCA lon-SG", "Cisco", "Cisco Umbrella"},
		{"ProxySG CA", "Blue Coat Systems", "Symantec Blue Coat"},
		{"Barracuda Networks Web Filter", "", "Barracuda"},
		{"Fireware web CA", "WatchGuard_Technologies", "WatchGuard"},
		{"McAfee Web Gateway", "McAfee, Inc.", "Skyhigh (McAfee) Web Gateway"},
		{"Forcepoint Cloud CA", "Forcepoint LLC", "Forcepoint"},
		{"Check Point Outbound CA", "", "Check Point"},
		{"SonicWALL Firewall DPI-SSL", "HTTPS Management Certificate for SonicWALL", "SonicWall"},
		{"Trend Micro IWSVA CA", "", "Trend Micro"},
		{"mitmproxy", "mitmproxy", "mitmproxy"},
		{"DO_NOT_TRUST_FiddlerRoot", "DO_NOT_TRUST", "Fiddler"},
		{"Charles Proxy CA (1 Jan 2026, host)", "XK72 Ltd", "Charles"},
		{"Gateway CA - Cloudflare Managed G1 0123", "Cloudflare, Inc.", "Cloudflare Gateway"},
		{"iboss.com CA", "iboss, Inc.", "iboss"},
		{"Lightspeed Rocket", "Lightspeed Systems", "Lightspeed"},
		{"*.securly.com", "Securly, Inc.", "Securly"},
		{"Kerio Control", "GFI Software", "GFI"},
		{"squid proxy CA", "", "Squid"},
		{"untangle.contoso.com", "Untangle", "Untangle"},
	} {
		if is := inspector(issued(c.name, c.organisation)); is != c.want {
			t.Errorf("%q of %q is taken for one of %q, want %q", c.name, c.organisation, is, c.want)
		}
	}
}

func TestPublicAuthoritiesAreNoProducts(t *testing.T) {
	for _, c := range []struct{ name, organisation string }{
		{"DigiCert Cloud Services CA-1", "DigiCert Inc"},
		{"DigiCert SHA2 Secure Server CA", "DigiCert Inc"},
		{"DigiCert Global Root G2", "DigiCert Inc"},
		{"Microsoft Azure RSA TLS Issuing CA 04", "Microsoft Corporation"},
		{"Microsoft TLS G2 RSA CA OCSP 02", "Microsoft Corporation"},
		{"WR2", "Google Trust Services"},
		{"GTS Root R1", "Google Trust Services LLC"},
		{"R11", "Let's Encrypt"},
		{"ISRG Root X1", "Internet Security Research Group"},
		{"GlobalSign Organization Validation CA - SHA256 - G3", "GlobalSign nv-sa"},
		{"Sectigo RSA Domain Validation Secure Server CA", "Sectigo Limited"},
		{"Entrust Certification Authority - L1K", "Entrust, Inc."},
		{"Cloudflare TLS Issuing ECC CA 1", "SSL Corporation"},
		{"Cloudflare Inc ECC CA-3", "Cloudflare, Inc."},
		{"Amazon RSA 2048 M02", "Amazon"},
		{"traymail sandbox CA", ""},
	} {
		if is := inspector(issued(c.name, c.organisation)); is != "" {
			t.Errorf("%q of %q is taken for one of %q", c.name, c.organisation, is)
		}
	}
	for _, host := range []string{"smtp.office365.com", "SMTP.Office365.com.", "graph.microsoft.com", "login.microsoftonline.us", "smtp.gmail.com"} {
		if !ofProvider(host) {
			t.Errorf("%s is no provider's", host)
		}
	}
	for _, host := range []string{"localhost", "mail.contoso.com", "notoffice365.com", "office365.com.contoso.com", ""} {
		if ofProvider(host) {
			t.Errorf("%q is a provider's", host)
		}
	}
}
