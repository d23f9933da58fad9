package checks

import (
	"cmp"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A verdict is what is to be said of a server's certificate.
type verdict struct {
	finding string // "" for one that is in order
	status  Status
	words   string
	shown   string // whose it is, who made it, and until when it is good
	names   string // the hosts that it is for
}

// certificate judges the chain that a server showed. trusted says that it was
// verified; unsure is why it was not, where the chain itself shows nothing.
// ahead is how far this computer's clock is ahead of the server's, zero where
// that is not known.
func (r *run) certificate(host string, chain []*x509.Certificate, trusted bool, unsure error, ahead time.Duration) verdict {
	if len(chain) == 0 {
		return verdict{"certificate-unknown-authority", Fail, host + " showed no certificate: " + unsure.Error(), "", ""}
	}
	leaf, now := chain[0], r.Now()
	product := inspector(chain)
	shown, names := describe(leaf), forNames(leaf)
	if trusted {
		switch {
		case product != "":
			return verdict{"certificate-inspected", Warn, product + " looks into the connection to " + host + ", and this computer trusts it", shown, names}
		case ofProvider(host) && r.Roots == nil && !fromPublic(chain):
			return verdict{"certificate-inspected", Warn, "something here looks into the connection to " + host + ", and this computer trusts it: the certificate is of no public authority", shown, names}
		}
		return verdict{"", Pass, "", shown, names}
	}
	dated := func(at time.Time) bool { return !at.Before(leaf.NotBefore) && !at.After(leaf.NotAfter) }
	self := leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil && leaf.Issuer.String() == leaf.Subject.String()
	finding, words := "certificate-unknown-authority", fmt.Sprintf("this computer does not know the authority that made the certificate of %s: %s", host, called(leaf.Issuer))
	switch {
	case !dated(now) && large(ahead) && dated(now.Add(-ahead)):
		finding, words = "clock-wrong", fmt.Sprintf("this computer's clock says %s, and so the certificate of %s is taken for one that is not valid", moment(now), host)
	case now.After(leaf.NotAfter):
		finding, words = "certificate-expired", fmt.Sprintf("the certificate of %s expired on %s", host, moment(leaf.NotAfter))
	case now.Before(leaf.NotBefore):
		finding, words = "certificate-expired", fmt.Sprintf("the certificate of %s is not valid before %s, and this computer's clock says %s", host, moment(leaf.NotBefore), moment(now))
	case product != "":
		finding, words = "certificate-inspected", fmt.Sprintf("%s looks into the connection to %s, and this computer does not trust it", product, host)
	case leaf.VerifyHostname(host) != nil:
		finding, words = "certificate-wrong-name", fmt.Sprintf("the certificate is not for %s but for %s", host, names)
	case self:
		words = fmt.Sprintf("the certificate of %s is signed by itself, and no authority says whose it is", host)
	case ofProvider(host) && fromPublic(chain):
		words = fmt.Sprintf("this computer does not know the public authority that made the certificate of %s, so its list of authorities is old or missing: %s", host, called(leaf.Issuer))
	case ofProvider(host):
		finding, words = "certificate-inspected", fmt.Sprintf("something here looks into the connection to %s, and this computer does not trust it: the certificate is of no public authority", host)
	}
	return verdict{finding, Fail, words, shown, names}
}

// badCertificate is a verdict that is not in order.
func (r *run) badCertificate(ctx context.Context, host string, v verdict) Result {
	result := r.found(v.finding, v.status, v.words, "")
	if v.finding == "certificate-expired" && r.clockIsRight(ctx) {
		result.Detail = "This computer's clock is right, so it is the server's certificate."
		result.Fix = fmt.Sprintf("have the certificate of %s renewed, if that is a server of your own; else tell whoever runs it, and wait", host)
		result.Command = ""
	}
	if v.finding == "clock-wrong" {
		result = r.clockWrong(v.status, v.words)
	}
	if v.finding == "certificate-wrong-name" && host == r.Account.SMTPHost && !ofProvider(host) {
		result.Fix = fmt.Sprintf("set smtp_host to a name that the certificate is for (%s), if that is the server you mean: traymail account edit %s --smtp-host NAME; of a server of your own, have a certificate with its name made", v.names, r.Account.Name)
	}
	if v.shown != "" {
		result.Detail = strings.TrimSpace(result.Detail + "\nThe server showed a " + v.shown + ".")
	}
	return result
}

// clockIsRight reports whether somebody told the time and it is this computer's.
// Nobody may have been asked before.
func (r *run) clockIsRight(ctx context.Context) bool {
	if len(r.told) == 0 {
		r.askAuthority(ctx)
	}
	for _, ahead := range r.told {
		if ahead.Abs() > noticeable {
			return false
		}
	}
	return len(r.told) > 0
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
	all := slices.Clone(c.DNSNames) // crypto/x509 may share the certificate with others
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
