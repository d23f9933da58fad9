package dsn

import (
	"strings"
	"testing"
)

func TestCanReceiveTellsWhereANoticeMakesSense(t *testing.T) {
	for _, address := range []string{
		"svc@contoso.com", "alerts@example.com", "a.b+c@sub.contoso.co.uk", `"john smith"@contoso.com`, "jörg@müller.de", "x@xn--mller-kva.de",
		"root@srv-7.contoso.com", "postmaster@contoso.com", "reply@contoso.com", "no@reply.com", "local@localnet.com", "a@mylocal.de",
		"a@test.com", "a@example.net", "a_b@under_score.contoso.com", `"a\"b"@contoso.com`, "a@1and1.com", "renoreply@contoso.com",
		strings.Repeat("a", 64) + "@contoso.com",
	} {
		if !CanReceive(address) {
			t.Errorf("%s can receive", address)
		}
	}
	for _, address := range []string{
		"", "<>", "root", "root@localhost", "root@srv-7", "root@localhost.localdomain", "a@printer.local", "a@PRINTER.LOCAL", "a@nas.lan",
		"a@x.home.arpa", "a@home.arpa", "a@x.internal", "a@x.invalid", "a@x.test", "a@contoso.example", "a@x.onion", "a@x.corp", "a@x.localhost",
		"a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "a@192.0.2.1", "a@contoso.com.", "a@.contoso.com", "a@contoso..com", "a@-contoso.com",
		"a@conto so.com", "a@contoso.com\r\n", "a\r\n@contoso.com", "a\x00@contoso.com", "\"a\nb\"@contoso.com", "a b@contoso.com", "a@b@contoso.com",
		".a@contoso.com", "a.@contoso.com", "@contoso.com", `"@contoso.com`, `""@contoso.com`, `"a"b"@contoso.com`, `"a\"@contoso.com`, "a\u2028b@contoso.com",
		"a@conto\u3000so.com", "\xff@contoso.com", "a@\xff.com", "Jane <jane@contoso.com>", "a@contoso.com>", "a@contoso,com",
		strings.Repeat("a", 65) + "@contoso.com", "a@" + strings.Repeat("b", 64) + ".com", "a@" + strings.Repeat("b.", 130) + "com",
		"noreply@contoso.com", "NoReply@contoso.com", "no-reply@contoso.com", "no_reply@contoso.com", "donotreply@contoso.com",
		"Do-Not-Reply@contoso.com", "noreply+x@contoso.com", "noreply-alerts@contoso.com", "noreply2@contoso.com", "MAILER-DAEMON@contoso.com",
		`"no-reply"@contoso.com`, "do.not.reply@contoso.com",
	} {
		if CanReceive(address) {
			t.Errorf("%q cannot receive", address)
		}
	}
}

func TestANoticeCanGoToAHostOfTheLocalNetwork(t *testing.T) {
	for _, to := range []string{"root@srv-7", "root@[192.0.2.1]", "root@[IPv6:2001:db8::1]", `"john smith"@contoso.com`, "jörg@contoso.com"} {
		r := testReport(Failed)
		r.To = to
		mustParse(t, read(t, r))
	}
}
