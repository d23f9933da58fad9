package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// worldActions are those on the organisation's mail flow, and what other people
// do: Microsoft, whoever runs the network, time.
var worldActions = []portalAction{
	{"restricted-entities", "Defender: Restricted entities, unblock", []portalField{userField, {Name: "do", Label: "Do", Options: []string{"unblock"}}},
		func(c *portalChange) error { c.lift(causeRestricted); return c.user(func(*User) error { return nil }) }},
	{"block-list", "Defender: Tenant Allow/Block List", []portalField{
		{Name: "address", Label: "Address or domain", Example: "ops@contoso.com"}, {Name: "do", Label: "Do", Options: []string{"remove"}},
	}, func(c *portalChange) error { c.lift(causeBlockList); return nil }},
	{"mailbox-contents", "The mailbox: empty Sent Items and Deleted Items", []portalField{mailboxField, {Name: "do", Label: "Do", Options: []string{"empty"}}},
		func(c *portalChange) error { c.lift(causeContents); return c.hasMailbox() }},
	{"message-limits", "Set-Mailbox -MaxSendSize", []portalField{mailboxField, {Name: "megabytes", Label: "Megabytes, up to 150", Example: "150"}},
		(*portalChange).messageLimits},
	{"federation", "The organisation's own sign-in service (AD FS)", []portalField{{Name: "do", Label: "Do", Options: []string{"make-reachable", "use-https"}}},
		func(c *portalChange) error { c.lift(causeFederation); return nil }},
	{"support", "A support request: Microsoft lifts its block", []portalField{{Name: "do", Label: "Do", Options: []string{"lift"}}},
		func(c *portalChange) error { c.lift(causeSupport); return nil }},
	{"service", "Microsoft's side: the service recovers, the SMTP server gets another certificate or offers TLS 1.2", []portalField{
		{Name: "do", Label: "Do", Options: []string{"recover", "renew-certificate", "offer-tls-1.2"}},
	}, func(c *portalChange) error { c.later(serviceDoes(c.value("do"))); return nil }},
	{"network", "The network: firewalls and proxies on the way", []portalField{
		{Name: "do", Label: "Do", Options: []string{"open-smtp-port", "open-sign-in-port", "keep-starttls", "end-inspection", "exempt-from-proxy"}},
	}, func(c *portalChange) error { c.later(networkDoes(c.value("do"))); return nil }},
	{"clock", "The clock that is wrong is set right", []portalField{{Name: "do", Label: "Do", Options: []string{"set-right"}}},
		func(c *portalChange) error {
			c.later(func(s *Sandbox) error { s.skew.Store(0); return nil })
			return nil
		}},
	{"time", "Time passes: limits end, and what was granted takes effect; the clock stays", []portalField{
		{Name: "passes", Label: "So much", Example: "24h"},
	}, (*portalChange).time},
	{"scenario", "What a scenario begins with comes about now", []portalField{{Name: "name", Label: "Scenario", Example: "user-disabled"}},
		func(c *portalChange) error {
			name := c.value("name")
			c.later(func(s *Sandbox) error { return s.Break(name) })
			return nil
		}},
	{"propagation", "How long Exchange goes on as before after each change from now on", []portalField{
		{Name: "seconds", Label: "Seconds", Example: "20"},
	}, func(c *portalChange) error {
		seconds, err := strconv.Atoi(c.value("seconds"))
		if err != nil || seconds < 0 || seconds > 86400 {
			return errors.New("seconds is a number from 0 to 86400")
		}
		c.t.propagation = time.Duration(seconds) * time.Second
		return nil
	}},
}

// later has f run once the change is made, without the tenant's lock.
func (c *portalChange) later(f func(*Sandbox) error) { c.after = append(c.after, f) }

func (c *portalChange) hasMailbox() error {
	if c.t.mailbox(c.value("mailbox")) == nil {
		return notFound("mailbox", c.value("mailbox"))
	}
	return nil
}

func (c *portalChange) messageLimits() error {
	n, err := strconv.ParseInt(c.value("megabytes"), 10, 64)
	if err != nil || n < 1 || n > 150 {
		return errors.New("megabytes is a number from 1 to 150")
	}
	c.lift(causeLimits)
	c.later(func(s *Sandbox) error {
		s.exchange.change(func(o *exchangeOptions) { o.SizeLimit = n << 20 })
		return nil
	})
	return c.hasMailbox()
}

func (c *portalChange) time() error {
	d, err := time.ParseDuration(c.value("passes"))
	if err != nil || d <= 0 {
		return fmt.Errorf("passes is a time as in 1m or 24h, not %q", c.value("passes"))
	}
	c.t.pass(d)
	c.later(func(s *Sandbox) error {
		s.exchange.lift(causeTime, d)
		if d >= time.Minute {
			s.exchange.forgetRates()
			s.entra.mend(func(f *tokenFaults) { f.throttled = 0 })
			if s.scenario.graph.Status == 429 {
				s.graphFaults.Clear()
			}
		}
		return nil
	})
	return nil
}

// serviceDoes is what the provider does to its servers.
func serviceDoes(do string) func(*Sandbox) error {
	return func(s *Sandbox) error {
		switch do {
		case "renew-certificate":
			return s.replaceCertificate()
		case "offer-tls-1.2":
			s.exchange.change(func(o *exchangeOptions) { o.OldTLS = false })
		default:
			s.exchange.lift(causeService, 0)
			s.graphFaults.Clear()
		}
		return nil
	}
}

// networkDoes is what the network's administrator does.
func networkDoes(do string) func(*Sandbox) error {
	return func(s *Sandbox) error {
		switch do {
		case "open-smtp-port":
			s.exchange.change(func(o *exchangeOptions) { o.Silent, o.Reset = false, false })
			return s.smtpGate.open()
		case "open-sign-in-port":
			return s.webGate.open()
		case "keep-starttls":
			s.exchange.change(func(o *exchangeOptions) { o.NoStartTLS = false })
		case "end-inspection":
			return s.replaceCertificate()
		default:
			s.entra.mend(func(f *tokenFaults) { f.proxyPage, f.proxyEverywhere = false, false })
		}
		return nil
	}
}

// replaceCertificate gives the SMTP server a sound certificate of the sandbox's
// own CA.
func (s *Sandbox) replaceCertificate() error {
	leaf, err := s.authority.leaf(sound)
	if err != nil {
		return fmt.Errorf("make the certificate: %w", err)
	}
	s.exchange.change(func(o *exchangeOptions) { o.Certificate = &leaf })
	return nil
}

// everyTenantAction and everyAppAction are what the portal can do.
func everyTenantAction() []portalAction {
	return slices.Concat(tenantActions, peopleActions, worldActions)
}

func everyAppAction() []portalAction { return slices.Concat(appActions, registrationActions) }
