package checks

import (
	"cmp"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"strings"
	"time"
)

// certificate judges the chain that a server showed. trusted says that it was
// verified; unsure is why it was not, where the chain itself shows nothing.
// ahead is how far this computer's clock is ahead of the server's, zero where
// that is not known. finding is "" for a certificate that is in order.
func (r *run) certificate(host string, chain []*x509.Certificate, trusted bool, unsure error, ahead time.Duration) (finding string, status Status, words string) {
	if len(chain) == 0 {
		return "certificate-unknown-authority", Fail, "the server showed no certificate: " + unsure.Error()
	}
	leaf, now := chain[0], r.Now()
	product := inspector(chain)
	about := describe(leaf)
	if trusted {
		switch {
		case product != "":
			return "certificate-inspected", Warn, fmt.Sprintf("%s looks into the connection to %s, and this computer trusts it: %s", product, host, about)
		case ofProvider(host) && r.Roots == nil && !fromPublic(chain):
			return "certificate-inspected", Warn, fmt.Sprintf("something here looks into the connection to %s, and this computer trusts it: %s, which is no public authority", host, about)
		}
		return "", Pass, about
	}
	dated := func(at time.Time) bool { return !at.Before(leaf.NotBefore) && !at.After(leaf.NotAfter) }
	self := leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil && leaf.Issuer.String() == leaf.Subject.String()
	switch {
	case !dated(now) && large(ahead) && dated(now.Add(-ahead)):
		return "clock-wrong", Fail, fmt.Sprintf("this computer's clock says %s, and so the certificate of %s is taken for one that is not valid: %s", moment(now), host, about)
	case now.After(leaf.NotAfter):
		return "certificate-expired", Fail, fmt.Sprintf("the certificate of %s expired on %s: %s", host, moment(leaf.NotAfter), about)
	case now.Before(leaf.NotBefore):
		return "certificate-expired", Fail, fmt.Sprintf("the certificate of %s is not valid before %s, and this computer's clock says %s: %s", host, moment(leaf.NotBefore), moment(now), about)
	case product != "":
		return "certificate-inspected", Fail, fmt.Sprintf("%s looks into the connection to %s, and this computer does not trust it: %s", product, host, about)
	case leaf.VerifyHostname(host) != nil:
		return "certificate-wrong-name", Fail, fmt.Sprintf("the certificate is not for %s but for %s: %s", host, forNames(leaf), about)
	case self:
		return "certificate-unknown-authority", Fail, fmt.Sprintf("the certificate of %s is signed by itself, and no authority says whose it is: %s", host, about)
	case ofProvider(host) && fromPublic(chain):
		return "certificate-unknown-authority", Fail, fmt.Sprintf("this computer does not know the public authority that made the certificate of %s, so its list of authorities is old or missing: %s", host, about)
	case ofProvider(host):
		return "certificate-inspected", Fail, fmt.Sprintf("something here looks into the connection to %s, and this computer does not trust it: %s, which is no public authority", host, about)
	}
	return "certificate-unknown-authority", Fail, fmt.Sprintf("this computer does not know the authority that made the certificate of %s: %s", host, about)
}

// describe says whose a certificate is, who made it, and until when it is good.
func describe(c *x509.Certificate) string {
	return fmt.Sprintf("certificate of %s, made by %s, good until %s", called(c.Subject), called(c.Issuer), moment(c.NotAfter))
}

// called is a name in a line, with its organisation when that is not in it.
func called(n pkix.Name) string {
	organisation := strings.Join(n.Organization, ", ")
	name := cmp.Or(n.CommonName, organisation, "nobody named")
	if organisation != "" && !strings.Contains(name, organisation) {
		name += " (" + organisation + ")"
	}
	return clip(name, 120)
}

// forNames are the hosts that a certificate is for.
func forNames(c *x509.Certificate) string {
	all := c.DNSNames
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "a host that it does not name"
	}
	return clip(strings.Join(all, ", "), 200)
}

func moment(t time.Time) string { return t.UTC().Format("2 January 2006 15:04 UTC") }

// clip shortens a text that comes from elsewhere.
func clip(s string, n int) string {
	if s = oneLine(s); len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
