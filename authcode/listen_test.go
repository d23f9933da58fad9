package authcode

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
)

func TestThePortIsBoundInBothFamilies(t *testing.T) {
	ls, port, err := listen(&url.URL{Scheme: "http", Host: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"127.0.0.1:" + port, "[::1]:" + port} {
		if got := ls[i].Addr().String(); got != want {
			t.Errorf("listener %d is at %s, want %s", i, got, want)
		}
		_ = ls[i].Close()
	}
}

func TestARegisteredPortAndPathAreUsedExactly(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := "localhost:" + port(t, "http://"+free.Addr().String())
	_ = free.Close()
	p := newProvider(t)
	c := p.client()
	c.RedirectURL = "http://" + host + "/Mail/oauth"
	b := begin(t, p, c, Options{})
	if got := b.q.Get("redirect_uri"); got != c.RedirectURL {
		t.Errorf("redirect_uri %q, want %q", got, c.RedirectURL)
	}
	for _, path := range []string{"/", "/mail/oauth", "/Mail/oauth/"} {
		if resp, _ := b.send("GET", "http://"+host+path+"?"+b.code().Encode(), "", nil); resp.StatusCode != 404 {
			t.Errorf("%s got %s", path, resp.Status)
		}
	}
	if resp, text := b.send("GET", c.RedirectURL+"?"+b.code().Encode(), "", nil); resp.StatusCode != 200 {
		t.Errorf("got %s\n%s", resp.Status, text)
	}
}

func TestATakenRegisteredPortIsNamed(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} { // either family is enough
		t.Run(address, func(t *testing.T) {
			other, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			p := newProvider(t)
			c := p.client()
			taken := port(t, "http://"+other.Addr().String())
			c.RedirectURL = "http://localhost:" + taken + "/"
			_, err = c.Start(t.Context(), Options{})
			var e *PortError
			if !errors.As(err, &e) || e.Port != taken || !strings.Contains(err.Error(), "port "+taken) || !strings.Contains(err.Error(), "ask whoever registered") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestARedirectURLElsewhereLeavesOnlyPaste(t *testing.T) {
	for _, redirect := range []string{"https://server:8383/oauth", "https://localhost/", "http://server/", "http://127.0.0.2/"} {
		p := newProvider(t)
		c := p.client()
		c.RedirectURL = redirect
		_, err := c.Start(t.Context(), Options{})
		var e *NoListenerError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), "pasting the address") {
			t.Errorf("%s: got %v", redirect, err)
		}
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Client)
		want   string
	}{
		"no client ID":                   {func(c *Client) { c.ClientID = "" }, "client ID"},
		"no resource":                    {func(c *Client) { c.Resources = nil }, "no resource"},
		"a resource without scopes":      {func(c *Client) { c.Resources[1].Scopes = nil }, `"graph" names no scope`},
		"a resource twice":               {func(c *Client) { c.Resources[1].Name = "smtp" }, "twice"},
		"a token URL without TLS":        {func(c *Client) { c.Endpoints.TokenURL = "http://x/token" }, "not an https address"},
		"a JWKS URL without TLS":         {func(c *Client) { c.Endpoints.JWKSURL = "http://x/keys" }, "not an https address"},
		"an authorization URL of a file": {func(c *Client) { c.Endpoints.AuthURL = "file:///x" }, "not an https address"},
		"no issuer with openid":          {func(c *Client) { c.Endpoints.Issuer = "" }, "issuer"},
		"an issuer without openid":       {func(c *Client) { c.Scopes = []string{"offline_access"} }, "openid"},
		"a redirect URL without a host":  {func(c *Client) { c.RedirectURL = "localhost" }, "redirect URL"},
		"a redirect URL with a fragment": {func(c *Client) { c.RedirectURL = "http://localhost/#x" }, "redirect URL"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			c := p.client()
			tc.change(c)
			if s, err := c.Start(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, %v", s, err)
			}
		})
	}
}

func TestAFailedStartLeavesNoSocketBehind(t *testing.T) {
	other, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := port(t, "http://"+other.Addr().String())
	p := newProvider(t)
	c := p.client()
	c.RedirectURL, c.Endpoints.AuthURL = "http://localhost:"+taken, "http://no-tls.example/"
	if _, err := c.Start(t.Context(), Options{}); !errors.As(err, new(*PortError)) {
		t.Errorf("with the port taken in one family: %v", err)
	}
	_ = other.Close()
	for range 2 { // the second fails otherwise when the first left a socket
		if _, err := c.Start(t.Context(), Options{}); err == nil || errors.As(err, new(*PortError)) {
			t.Errorf("with a bad authorization URL: %v", err)
		}
	}
}
