package sandbox

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// onStage is a bench whose pages a browser reads without the CA.
func onStage(t *testing.T) *bench {
	t.Helper()
	s, err := Start(Options{Pages: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{T: t, Sandbox: s, Ready: s.Ready()}
}

// plain is a browser that knows no CA but the system's.
func (b *bench) plain() *http.Client {
	c := b.browser()
	c.Transport.(*http.Transport).TLSClientConfig = nil
	c.CheckRedirect = nil
	return c
}

func TestTheRealNamesLeadToTheSandboxInARehearsal(t *testing.T) {
	b := onStage(t)
	for _, name := range Hosts() {
		found, err := b.Resolve(t.Context(), name)
		if err != nil || len(found) != 1 || found[0].IsLoopback() || found[0].IsPrivate() {
			t.Errorf("%s is %v, %v", name, found, err)
		}
	}
	for _, address := range []string{"login.microsoftonline.com:443", "192.0.2.25:443", "Graph.Microsoft.com.:443"} {
		conn, err := b.Dial(t.Context(), "tcp", address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		name := "login.microsoftonline.com"
		if err := tls.Client(conn, &tls.Config{ServerName: name, RootCAs: b.CertPool()}).Handshake(); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		conn.Close()
	}
	conn, err := b.Dial(t.Context(), "tcp", "smtp.office365.com:587")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "220 ") {
		t.Errorf("%q %v", line, err)
	}
}

func TestNothingButThisMachineIsReachedInARehearsal(t *testing.T) {
	b := onStage(t)
	for _, address := range []string{"example.com:443", "192.0.2.1:443", "8.8.8.8:53", "smtp.office365.com:25", "no-port"} {
		if conn, err := b.Dial(t.Context(), "tcp", address); err == nil {
			conn.Close()
			t.Errorf("%s is reached", address)
		}
	}
	if found, err := b.Resolve(t.Context(), "example.com"); err == nil {
		t.Errorf("example.com is %v", found)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, host := range []string{"localhost", "127.0.0.1"} {
		conn, err := b.Dial(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		conn.Close()
	}
}

func TestPagesOfTheProviderAreFoundInTheSandbox(t *testing.T) {
	b := onStage(t)
	app := "/portal/apps/" + webAppID
	for address, want := range map[string]string{
		"https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?client_id=x&state=a%2Fb": "/organizations/oauth2/v2.0/authorize?client_id=x&state=a%2Fb",
		b.PortalURL: "/portal",
		"https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade":                                "/portal",
		"https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/" + webAppID: app + "/credentials",
		"https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/" + webAppID:   app + "/permissions",
		"https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Overview/appId/nobody":         "/portal",
		"https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Overview":                      "/portal",
		"https://entra.microsoft.com/#view/Microsoft_AAD_ConditionalAccess/ConditionalAccessBlade/~/Policies":                 "/portal/tenant",
		"https://admin.exchange.microsoft.com/#/mailboxes":                                                                    "/portal/tenant",
		"https://learn.microsoft.com/entra/": "/elsewhere?address=https%3A%2F%2Flearn.microsoft.com%2Fentra%2F",
	} {
		got := b.Page(address)
		if got != b.PagesURL+want {
			t.Errorf("%s is at %s, want %s", address, got, want)
		}
	}
	for _, same := range []string{"http://localhost:53682/callback", "traymail account edit main", "", "https://", b.PagesURL + "/inbox"} {
		if got := b.Page(same); got != same {
			t.Errorf("%q becomes %q", same, got)
		}
	}
	if got := newBench(t, "").Page("https://login.microsoftonline.com/"); got != "https://login.microsoftonline.com/" {
		t.Errorf("without pages it becomes %s", got)
	}
	b.get(b.plain(), b.Page("https://learn.microsoft.com/entra/")).says(t, "nothing was opened", "https://learn.microsoft.com/entra/")
	if v := b.get(b.plain(), b.PagesURL+"/elsewhere?address=javascript:alert(1)"); strings.Contains(v.body, "href=\"javascript") {
		t.Error(v.body)
	}
}

func TestThePagesWithoutTLSAreOnThisMachineAlone(t *testing.T) {
	b := onStage(t)
	if !b.pagesListener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		t.Error(b.pagesListener.Addr())
	}
	reply, err := b.plain().Get(b.PagesURL + "/inbox")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if text, _ := io.ReadAll(reply.Body); !strings.Contains(string(text), "No message has arrived") {
		t.Error(string(text))
	}
}
