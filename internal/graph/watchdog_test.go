package graph

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections hold nothing back, so that what was
// written was read.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// inBubble runs f with a client of a server in a time that passes at once when
// everybody waits. Done is closed when f is.
func inBubble(t *testing.T, serve func(w http.ResponseWriter, r *http.Request, done <-chan struct{}), f func(t *testing.T, c *Client)) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		done, served := make(chan struct{}), make(chan struct{})
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r, done) }), ErrorLog: log.New(io.Discard, "", 0)}
		go func() {
			defer close(served)
			_ = server.Serve(p)
		}()
		c := &Client{BaseURL: "https://graph.example.com/v1.0", Timeout: 10 * time.Second,
			Token: func(context.Context, string) (string, error) { return "token", nil },
			HTTPClient: &http.Client{Transport: &http.Transport{DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				here, there := net.Pipe()
				select {
				case p.conns <- there:
					return here, nil
				case <-ctx.Done():
					return nil, context.Cause(ctx)
				}
			}}}}
		defer func() {
			close(done)
			c.Close()
			_ = server.Close()
			<-served
			time.Sleep(time.Minute) // of the bubble: the server lingers over a connection
		}()
		f(t, c)
	})
}

func TestSubmissionMayTakeLongerThanTheTimeout(t *testing.T) {
	for name, serve := range map[string]func(http.ResponseWriter, *http.Request, <-chan struct{}){
		"because the answer does": func(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(9 * time.Minute)
			w.WriteHeader(http.StatusAccepted)
		},
		"because the network is slow": func(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
			for piece := make([]byte, 1<<10); ; {
				if _, err := io.ReadFull(r.Body, piece); err != nil {
					break
				}
				time.Sleep(time.Second)
			}
			w.WriteHeader(http.StatusAccepted)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, serve, func(t *testing.T, c *Client) {
				start := time.Now()
				if _, err := c.Send(t.Context(), message(hello+strings.Repeat(oneLineOfBase64, 5000), "a@example.com")); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took < time.Minute { // of the bubble
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestSubmissionThatIsNeverAnsweredIsUnknown(t *testing.T) {
	for want, timeout := range map[string]time.Duration{"no answer within 10m0s": 0, "no answer within 3s": 3 * time.Second} {
		inBubble(t, func(w http.ResponseWriter, r *http.Request, done <-chan struct{}) {
			if r.Method == http.MethodGet {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			<-done
		}, func(t *testing.T, c *Client) {
			c.AnswerTimeout = timeout
			_, err := c.Send(t.Context(), message(hello, "a@example.com"))
			if e := failure(t, err); !e.Unknown || e.Temporary() || !strings.Contains(e.Error(), want) {
				t.Errorf("got %v, want %q", e, want)
			}
		})
	}
}

func TestUploadThatStallsIsTheMessagesAndTemporary(t *testing.T) {
	large := largeMail(octets(4_000_000), nil)
	tests := []struct {
		name, mime, want string
		stall            func(r *http.Request, done <-chan struct{}) bool
	}{
		{"within the message", hello + strings.Repeat(oneLineOfBase64, 5000), "took nothing more of the message within 10s", func(r *http.Request, done <-chan struct{}) bool {
			_, _ = io.ReadFull(r.Body, make([]byte, 1000))
			<-done
			return true
		}},
		{"before a draft is answered", large, "no answer within 2m0s", func(r *http.Request, done <-chan struct{}) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			<-done
			return true
		}},
		{"within an attachment, each time", large, "took nothing more of the message within 10s", func(r *http.Request, done <-chan struct{}) bool {
			if r.Method != http.MethodPut {
				return false
			}
			_, _ = io.ReadFull(r.Body, make([]byte, 1000))
			<-done
			return true
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(w http.ResponseWriter, r *http.Request, done <-chan struct{}) {
				switch {
				case r.Method == http.MethodGet:
					w.WriteHeader(http.StatusForbidden)
				case r.Method == http.MethodDelete:
					w.WriteHeader(http.StatusNoContent)
				case tt.stall(r, done):
				default:
					_, _ = io.Copy(io.Discard, r.Body)
					w.WriteHeader(http.StatusCreated)
					_, _ = io.WriteString(w, `{"id":"x","uploadUrl":"https://graph.example.com/up"}`)
				}
			}, func(t *testing.T, c *Client) {
				_, err := c.Send(t.Context(), message(tt.mime, "a@example.com"))
				if e := failure(t, err); e.Unknown || !e.Temporary() || e.Account() || !strings.Contains(e.Error(), tt.want) {
					t.Errorf("unknown %v, temporary %v, account %v: %v", e.Unknown, e.Temporary(), e.Account(), e)
				}
			})
		})
	}
}

func TestSilenceBeforeTheBodyIsTheAccounts(t *testing.T) {
	inBubble(t, func(http.ResponseWriter, *http.Request, <-chan struct{}) {}, func(t *testing.T, c *Client) {
		c.HTTPClient.Transport.(*http.Transport).DialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
		_, err := c.Send(t.Context(), message(hello, "a@example.com"))
		if e := failure(t, err); e.Unknown || !e.Temporary() || !e.Account() || !strings.Contains(e.Error(), "no answer within 10s") {
			t.Errorf("got %v", e)
		}
	})
}

func TestAnswerThatBreaksOffKeepsItsStatus(t *testing.T) {
	inBubble(t, func(w http.ResponseWriter, r *http.Request, done <-chan struct{}) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		_ = http.NewResponseController(w).Flush()
		<-done // and its body never ends
	}, func(t *testing.T, c *Client) {
		start := time.Now()
		if _, err := c.Send(t.Context(), message(hello, "a@example.com")); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 10*time.Second { // of the bubble
			t.Errorf("it took %v", took)
		}
	})
}

func TestCloseLetsGoOfTheCallersIdleConnections(t *testing.T) {
	closed := make(chan struct{}, 10)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	s.StartTLS()
	defer s.Close()
	_, c := graph(t)
	c.BaseURL, c.HTTPClient = s.URL, s.Client()
	if _, err := c.Send(t.Context(), message(hello, "a@example.com")); err != nil {
		t.Fatal(err)
	}
	c.Close()
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Error("the connection is still open")
	}
}
