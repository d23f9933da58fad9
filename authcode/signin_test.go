package authcode

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestTheWholeDialogOfASignIn(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Client)
		opts   Options
		answer func(*browser) (*http.Response, string)
	}{
		{"public client with form_post", func(*Client) {}, Options{Claims: `{"access_token":{"acrs":{"value":"c1"}}}`, Prompt: "login"},
			func(b *browser) (*http.Response, string) { return b.post(b.code()) }},
		{"web registration with query", func(c *Client) {
			c.ClientSecret, c.ResponseMode = "s3cret value", "query"
			c.AuthParams = url.Values{"access_type": {"offline"}, "client_id": {"cannot be changed"}}
		}, Options{}, func(b *browser) (*http.Response, string) { return b.get(b.code()) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newProvider(t)
			c := p.client()
			tc.change(c)
			b := begin(t, p, c, tc.opts)
			resp, page := tc.answer(b)
			g, err := b.s.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var w strings.Builder
			fmt.Fprintf(&w, "browser opens %s\n%s", c.Endpoints.AuthURL, lines(b.q))
			fmt.Fprintf(&w, "\nbrowser comes back to %s by %s\n%s", resp.Request.URL.Path, resp.Request.Method, lines(b.code()))
			for _, form := range p.asked() {
				fmt.Fprintf(&w, "\ntraymail posts to %s\n%s", c.Endpoints.TokenURL, lines(form))
			}
			resp.Header.Del("Date")
			fmt.Fprintf(&w, "\nbrowser is shown %s\n%s\n%s", resp.Status, lines(url.Values(resp.Header)), page)
			fmt.Fprintf(&w, "\ngrant: identity %+v\nrefresh token %s, tokens for", g.Identity, g.RefreshToken.Reveal())
			for _, name := range []string{"smtp", "graph"} {
				fmt.Fprintf(&w, " %s (%s: %s)", name, g.Tokens[name].Access.Reveal(), g.Tokens[name].Scopes)
			}
			got := strings.NewReplacer(
				p.URL, "https://login.example", ":"+b.s.redirect.Port(), ":{port}",
				b.q.Get("state"), "{state}", b.q.Get("nonce"), "{nonce}", b.q.Get("code_challenge"), "{challenge}",
				b.s.keys.verifier.Reveal(), "{verifier}",
			).Replace(w.String()) + "\n"
			golden(t, strings.ReplaceAll(tc.name, " ", "-")+".txt", got)
		})
	}
}

func lines(v url.Values) string {
	var out []string
	for name, values := range v {
		out = append(out, fmt.Sprintf("  %s: %s\n", name, strings.Join(values, " | ")))
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		t.Errorf("%s (-want +got, -update rewrites it):\n%s", path, diff)
	}
}

func TestEachSignInHasItsOwnRandomValues(t *testing.T) {
	a, b := newKeys(), newKeys()
	if n := len(a.verifier); n != 128 {
		t.Errorf("the verifier has %d characters, want 128", n)
	}
	for _, pair := range [][2]Secret{{a.state, b.state}, {a.nonce, b.nonce}, {a.verifier, b.verifier}, {a.state, a.nonce}} {
		if pair[0] == pair[1] || len(pair[0]) < 43 {
			t.Error("a value is repeated, or shorter than 256 bits")
		}
	}
}

func TestSelectAccountGoesWithoutALoginHint(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{Prompt: "select_account"})
	if b.q.Has("login_hint") || b.q.Get("prompt") != "select_account" {
		t.Errorf("login_hint %q, prompt %q", b.q.Get("login_hint"), b.q.Get("prompt"))
	}
}

func TestASignInThatEndsFreesItsPort(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, b *browser) error{
		"by success": func(t *testing.T, b *browser) error { b.succeeds(); return nil },
		"by Close": func(t *testing.T, b *browser) error {
			_ = b.s.Close()
			if _, err := b.s.Wait(t.Context()); !errors.Is(err, ErrClosed) {
				return fmt.Errorf("Wait gave %v, want ErrClosed", err)
			}
			return nil
		},
		"by the context of Wait": func(t *testing.T, b *browser) error {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errors.New("the user gave up"))
			if _, err := b.s.Wait(ctx); err == nil || err.Error() != "the user gave up" {
				return fmt.Errorf("Wait gave %v", err)
			}
			return nil
		},
		"with a connection open on which nothing was sent": func(t *testing.T, b *browser) error {
			c, err := net.Dial("tcp", b.s.redirect.Host)
			if err != nil {
				return err
			}
			t.Cleanup(func() { _ = c.Close() })
			b.succeeds()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			b := begin(t, p, p.client(), Options{})
			if err := end(t, b); err != nil {
				t.Error(err)
			}
			ls, err := listenBoth("localhost", b.s.redirect.Port())
			if err != nil {
				t.Fatal("the port is still taken:", err)
			}
			for _, l := range ls {
				_ = l.Close()
			}
		})
	}
}

func TestTheTimeoutNamesTheThreeLikelyCauses(t *testing.T) {
	p := newProvider(t)
	c := p.client()
	c.Timeout = time.Millisecond
	_, err := c.SignIn(t.Context(), Options{}, func(string) error { return nil })
	var timeout *TimeoutError
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{timeout.RedirectURL + " is not registered", "client ID app-1 or the tenant is unknown", "window was closed"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if ls, err := listenBoth("localhost", port(t, timeout.RedirectURL)); err != nil {
		t.Error("the port is still taken:", err)
	} else {
		for _, l := range ls {
			_ = l.Close()
		}
	}
}

func port(t *testing.T, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func TestTheContextOfStartEndsTheSignIn(t *testing.T) {
	p := newProvider(t)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := p.client().Start(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := s.Wait(t.Context()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCancellingDuringTheExchangeEndsIt(t *testing.T) {
	p := newProvider(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.next(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done() // the server never answers
	})
	b := begin(t, p, p.client(), Options{})
	_ = b.s.accept(b.code())
	if g, err := b.s.Wait(ctx); !errors.Is(err, context.Canceled) || g != nil {
		t.Errorf("got %v, %v", g, err)
	}
}

func TestABrowserThatDoesNotOpenEndsTheSignInTyped(t *testing.T) {
	p := newProvider(t)
	cause := errors.New("no display")
	var shown string
	_, err := p.client().SignIn(t.Context(), Options{}, func(u string) error { shown = u; return cause })
	var open *OpenError
	if !errors.As(err, &open) || !errors.Is(err, cause) || !strings.HasPrefix(shown, p.URL+"/authorize?") {
		t.Errorf("got %v after showing %q", err, shown)
	}
}
