package authcode

import (
	"strings"
	"testing"
)

func TestPasteTakesTheAddressOnWhichTheBrowserEnded(t *testing.T) {
	for name, tc := range map[string]struct {
		redirect string
		address  func(b *browser) string
	}{
		"on a server":            {"https://server:8383/oauth", func(b *browser) string { return "https://SERVER:8383/oauth?" + b.code().Encode() }},
		"with the scheme's port": {"https://server:443/oauth", func(b *browser) string { return "https://server/oauth?" + b.code().Encode() }},
		"on loopback":            {"http://localhost", func(b *browser) string { return "http://localhost/?" + b.code().Encode() }},
		"without its scheme":     {"http://localhost", func(b *browser) string { return "localhost/?" + b.code().Encode() }},
		"broken by the terminal": {"http://localhost", func(b *browser) string {
			a := "http://localhost/?" + b.code().Encode()
			return " " + a[:40] + "\r\n " + a[40:] + "\n"
		}},
		"with the answer after a #": {"http://localhost", func(b *browser) string { return "http://localhost/#" + b.code().Encode() }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			c := p.client()
			c.RedirectURL = tc.redirect
			b := begin(t, p, c, Options{NoListener: true})
			if mode := b.q.Get("response_mode"); mode != "query" {
				t.Errorf("response_mode %q puts no code into the address", mode)
			}
			if err := b.s.Paste(tc.address(b)); err != nil {
				t.Fatal(err)
			}
			if _, err := b.s.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			if got := p.asked()[0].Get("redirect_uri"); got != tc.redirect {
				t.Errorf("redirect_uri %q, want %q", got, tc.redirect)
			}
			if err := b.s.Paste(tc.address(b)); err == nil {
				t.Error("a second paste was accepted")
			}
		})
	}
}

func TestABadPasteIsExplainedAndTheSignInKeepsWaiting(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{}) // a listener does not exclude Paste
	base := b.base() + "/"
	for _, tc := range []struct{ name, address, want string }{
		{"nothing", "", "not the address on which the browser ended"},
		{"the sign-in page", b.s.URL(), "starts with " + b.base()},
		{"another port", "http://localhost:1/?" + b.code().Encode(), "not the address"},
		{"another path", base + "x?" + b.code().Encode(), "not the address"},
		{"no answer in it", base, "holds no answer"},
		{"another state", base + "?code=TOPSECRET&state=s", "belongs to another sign-in"},
		{"cut off before the state", base + "?code=TOPSECRET", "holds no state"},
		{"damaged", base + "?code=TOPSECRET%", "damaged"},
		{"a novel", base + "?code=" + strings.Repeat("TOPSECRET", 4000), "too long"},
	} {
		err := b.s.Paste(tc.address)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		} else if strings.Contains(err.Error(), "TOPSECRET") {
			t.Errorf("%s: the error shows the code: %v", tc.name, err)
		}
	}
	b.succeeds()
}

func TestPasteAfterTheEndIsRefused(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{NoListener: true})
	_ = b.s.Close()
	if err := b.s.Paste("http://localhost/?" + b.code().Encode()); err == nil {
		t.Error("accepted")
	}
}
