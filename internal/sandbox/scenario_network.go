package sandbox

import "time"

// A network is what is wrong on the way to the servers.
type network struct {
	// refuseSMTP and refuseSignIn refuse connections to that port.
	refuseSMTP, refuseSignIn bool
	// inspected has a proxy's certificate in place of the SMTP server's, and
	// inspectorTrusted its CA among those that the machine trusts.
	inspected, inspectorTrusted bool
}

// networkScenarios are those of the way to the servers: names are in
// settingScenarios.
func networkScenarios() []Scenario {
	open := []Mend{mend("tenant/network", "do", "open-smtp-port")}
	renew := []Mend{mend("tenant/service", "do", "renew-certificate")}
	uninspected := []Mend{mend("tenant/network", "do", "end-inspection")}
	clock := []Mend{mend("tenant/clock", "do", "set-right")}
	return []Scenario{
		{Name: "smtp-port-refused", What: "Connections to the SMTP server's port are refused.", Meets: overSMTP, Mend: open,
			network: network{refuseSMTP: true}},
		{Name: "smtp-port-silent", What: "A firewall swallows what the SMTP server says: connections to it get no banner.", Meets: overSMTP, Mend: open,
			exchange: func(o *exchangeOptions) { o.Silent = true }},
		{Name: "smtp-port-reset", What: "A firewall resets each connection to the SMTP server.", Meets: overSMTP, Mend: open,
			exchange: func(o *exchangeOptions) { o.Reset = true }},
		{Name: "starttls-stripped", What: "Somebody on the way removes STARTTLS from the server's list.", Meets: overSMTP,
			Mend:     []Mend{mend("tenant/network", "do", "keep-starttls")},
			exchange: func(o *exchangeOptions) { o.NoStartTLS = true }},
		{Name: "tls-old", What: "The SMTP server, or a proxy before it, offers TLS 1.0 and 1.1 only.", Meets: overSMTP,
			Mend:     []Mend{mend("tenant/service", "do", "offer-tls-1.2")},
			exchange: func(o *exchangeOptions) { o.OldTLS = true }},
		{Name: "tls-inspection", What: "A proxy inspects TLS: its own CA, Zscaler Root CA, has signed the SMTP server's certificate, and the machine does not trust it.",
			Meets: overSMTP, Mend: uninspected, network: network{inspected: true}},
		{Name: "tls-inspection-trusted", Works: true, What: "A proxy inspects TLS, and the organisation has its CA, Zscaler Root CA, trusted on the machine.",
			Meets: overSMTP, Mend: uninspected, network: network{inspected: true, inspectorTrusted: true}},
		{Name: "certificate-expired", What: "The SMTP server's certificate expired yesterday.", Meets: overSMTP, Mend: renew, certificate: expired},
		{Name: "certificate-self-signed", What: "The SMTP server's certificate is signed by itself.", Meets: overSMTP, Mend: renew, certificate: selfSigned},
		{Name: "certificate-wrong-host", What: "The SMTP server's certificate is for mail.example.net.", Meets: overSMTP, Mend: renew, certificate: wrongHost},
		{Name: "sign-in-port-refused", What: "Connections to the sign-in's address are refused.", Meets: tokens,
			Mend: []Mend{mend("tenant/network", "do", "open-sign-in-port")}, network: network{refuseSignIn: true}},
		{Name: "sign-in-html", What: "A proxy's HTML page comes instead of every answer of the sign-in.", Meets: tokens,
			Mend: []Mend{mend("tenant/network", "do", "exempt-from-proxy")}, faults: tokenFaults{proxyEverywhere: true}},
		{Name: "token-endpoint-html", What: "A proxy's HTML page comes instead of every answer of the token endpoint.", Meets: tokens,
			Mend: []Mend{mend("tenant/network", "do", "exempt-from-proxy")}, faults: tokenFaults{proxyPage: true}},
		{Name: "clock-off", What: "The sandbox's clock is a day behind, so its tokens look expired.", Meets: tokens, Mend: clock,
			clock: -24 * time.Hour},
		{Name: "clock-ahead", What: "The sandbox's clock is a day ahead, as it looks from a machine whose clock is a day behind.", Meets: tokens, Mend: clock,
			clock: 24 * time.Hour},
	}
}

// serverScenarios are those of what the SMTP server offers and allows.
func serverScenarios() []Scenario {
	return []Scenario{
		{Name: "no-pipelining", Works: true, What: "The SMTP server does not offer PIPELINING.", Meets: overSMTP,
			exchange: func(o *exchangeOptions) { o.NoPipelining = true }},
		{Name: "no-chunking", Works: true, What: "The SMTP server does not offer CHUNKING.", Meets: overSMTP,
			exchange: func(o *exchangeOptions) { o.NoChunking = true }},
		{Name: "no-8bitmime", Works: true, What: "The SMTP server offers neither 8BITMIME nor SMTPUTF8.", Meets: overSMTP,
			exchange: func(o *exchangeOptions) { o.No8BitMIME = true }},
		{Name: "challenge-334", Works: true, What: "A refused token gets a 334 challenge before the 535, as from Google.", Meets: overSMTP,
			exchange: func(o *exchangeOptions) { o.Challenge334 = true }},
		{Name: "tarpit", Works: true, What: "Each 5xx reply comes after 5 seconds, as from Exchange.", Meets: overSMTP,
			exchange: func(o *exchangeOptions) { o.Tarpit = exchangeTarpit }},
		{Name: "unpaced", Works: true, What: "A mailbox may send any number of messages a minute, unlike at Exchange, where those beyond 30 wait.", Meets: overSMTP,
			exchange: func(o *exchangeOptions) { o.RatePerMinute = 0 }},
		{Name: "rate-exceeded", Works: true, What: "svc has sent its 30 messages of this minute, so the next wait for the minute to end.", Meets: overSMTP,
			Mend: []Mend{mend("tenant/time", "passes", "1m")}, exhausted: true},
		{Name: "size-limit-small", Works: true, What: "The SMTP server takes messages of 10,000 octets at most.", Meets: overSMTP,
			Mend:     []Mend{mend("tenant/message-limits", "mailbox", "svc@contoso.com", "megabytes", "150")},
			exchange: func(o *exchangeOptions) { o.SizeLimit = 10000 }},
		{Name: "concurrency-limit", Works: true, What: "A second connection that submits for a mailbox is answered 432.", Meets: overSMTP,
			exchange: func(o *exchangeOptions) { o.MaxConnections = 1 }},
	}
}
