package metrics

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"traymail/internal/mailer"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is the time of the golden output.
var now = time.Date(2026, 12, 31, 12, 0, 0, 0, time.UTC)

func busy() mailer.Status {
	return mailer.Status{
		Running: true, Version: "1.2.3",
		Accounts: []mailer.AccountStatus{
			{Name: "alerts", State: mailer.Paused, Cause: mailer.CauseThrottle, Reason: "432 4.3.2", Waiting: 7, Sending: 3, Held: 1, Bytes: 123456, Oldest: now.Add(-90 * time.Second),
				Delivered: 20, Refused: 2, Replies: map[string]int64{"250": 19, "554 5.2.252": 2}, RoundTrips: 64, Sessions: 3,
				TokenExpires: now.Add(time.Hour), SecretExpires: now.AddDate(0, 1, 0),
				Alerts: []mailer.Alert{
					{ID: mailer.AlertRefusals, Severity: mailer.AlertWarning, Since: now, Summary: "refusals of alerts rise"},
					{ID: mailer.AlertSecret, Severity: mailer.AlertNotice, Since: now, Due: now.AddDate(0, 1, 0), Summary: "the client secret of alerts ends in 31 days"},
				}},
			{Name: "idle", State: mailer.Ready},
		},
		Clients: []mailer.ClientStatus{
			{Name: "print\"er\\\n\xff", LastSeen: now, Messages: 5, Refused: 1},
			{Name: "unseen"},
		},
	}
}

// start serves one snapshot until the test ends.
func start(t *testing.T, l limits, status func(context.Context) (mailer.Status, error)) string {
	t.Helper()
	s, err := serve("127.0.0.1:0", status, slog.New(slog.NewTextHandler(t.Output(), nil)), l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s.Addr().String()
}

func always(s mailer.Status) func(context.Context) (mailer.Status, error) {
	return func(context.Context) (mailer.Status, error) { return s, nil }
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAScrapeIsWhatPrometheusReads(t *testing.T) {
	address := start(t, defaults, always(busy()))
	code, body := get(t, "http://"+address+"/metrics")
	if code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"traymail_queue_messages", "traymail_attempts_total", "traymail_build_info", "go_goroutines", "process_cpu_seconds_total"} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestTheMetricsAreTheGoldenOnes(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(&collector{status: func() (mailer.Status, error) { return busy(), nil }, now: func() time.Time { return now }})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
			t.Fatal(err)
		}
	}
	golden := filepath.Join("testdata", "metrics.txt")
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), out.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAScrapeThatCannotHaveTheStatusFails(t *testing.T) {
	address := start(t, defaults, func(context.Context) (mailer.Status, error) {
		return mailer.Status{}, errors.New("the queue is away")
	})
	if code, body := get(t, "http://"+address+"/metrics"); code != http.StatusInternalServerError || !strings.Contains(body, "the queue is away") {
		t.Errorf("%d %s", code, body)
	}
}

func TestHealthTellsWhoWaitsForAPerson(t *testing.T) {
	attention := busy()
	attention.Accounts[1] = mailer.AccountStatus{Name: "idle", State: mailer.Attention, Cause: mailer.CauseSignIn, Reason: "nobody is signed in"}
	former := busy()
	former.Problem = "traymail.toml:3: no such key"
	stopped := busy()
	stopped.Running = false
	throttled := AccountHealth{"alerts", mailer.Paused, mailer.CauseThrottle, "432 4.3.2"}
	idle := AccountHealth{"idle", mailer.Ready, "", ""}
	for _, c := range []struct {
		name   string
		status mailer.Status
		err    error
		code   int
		want   Health
	}{
		{"well, though one is paused", busy(), nil, 200, Health{"ok", []AccountHealth{throttled, idle}, ""}},
		{"nothing set up", mailer.Status{Running: true}, nil, 200, Health{"ok", []AccountHealth{}, ""}},
		{"one waits for a person", attention, nil, 503, Health{"attention", []AccountHealth{throttled, {"idle", mailer.Attention, mailer.CauseSignIn, "nobody is signed in"}}, ""}},
		{"a configuration that is not in force", former, nil, 503, Health{"problem", []AccountHealth{throttled, idle}, "traymail.toml:3: no such key"}},
		{"not running", stopped, nil, 503, Health{"problem", []AccountHealth{throttled, idle}, "the program does not run"}},
		{"no status", mailer.Status{}, errors.New("the queue is away"), 503, Health{"problem", []AccountHealth{}, "the status cannot be read: the queue is away"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			address := start(t, defaults, func(context.Context) (mailer.Status, error) { return c.status, c.err })
			code, body := get(t, "http://"+address+"/healthz")
			var got Health
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" || code != c.code {
				t.Errorf("%d, want %d; -want +got\n%s", code, c.code, diff)
			}
		})
	}
}

func TestHealthIsJSONWithEveryKey(t *testing.T) {
	address := start(t, defaults, always(mailer.Status{Running: true, Accounts: []mailer.AccountStatus{{Name: "a", State: mailer.Ready}}}))
	const want = `{"status":"ok","accounts":[{"name":"a","state":"ready","cause":"","reason":""}],"problem":""}` + "\n"
	if _, body := get(t, "http://"+address+"/healthz"); body != want {
		t.Errorf("%s", body)
	}
}

func TestAnAddressBeyondLoopbackIsRefused(t *testing.T) {
	for _, address := range []string{":9325", "0.0.0.0:9325", "[::]:9325", "192.0.2.1:9325", "relay.example:9325", "localhost.example:9325", "[::ffff:192.0.2.1]:9325"} {
		s, err := Serve(address, always(busy()), slog.Default())
		if s != nil || err == nil || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "not on loopback") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := CheckAddress("127.0.0.1"); err == nil || !strings.Contains(err.Error(), "host and port") {
		t.Error(err)
	}
	for _, address := range []string{"127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "localhost:1", "LOCALHOST:1"} {
		if err := CheckAddress(address); err != nil {
			t.Error(err)
		}
	}
	taken := start(t, defaults, always(busy()))
	if _, err := Serve(taken, always(busy()), slog.Default()); err == nil || !strings.Contains(err.Error(), taken) || !strings.Contains(err.Error(), "choose another") {
		t.Errorf("a taken port: %v", err)
	}
}

// exchange sends one request as it is and returns the answer.
func exchange(t *testing.T, address, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestARequestUnderAnotherNameIsRefused(t *testing.T) {
	address := start(t, defaults, always(busy()))
	for host, want := range map[string]int{
		address: 200, "localhost": 200, "LocalHost:1": 200, "127.0.0.1": 200, "[::1]:9325": 200, "[::1]": 200, "127.9.9.9:80": 200,
		"evil.example": 421, "evil.example:9325": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "192.0.2.1": 421,
		"[::ffff:192.0.2.1]": 421, "localhost.": 421, "0.0.0.0": 421,
	} {
		for _, path := range []string{"/metrics", "/healthz", "/"} {
			resp := exchange(t, address, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
			if path == "/" && want == 200 {
				if resp.StatusCode != 404 {
					t.Errorf("%s: %s", path, resp.Status)
				}
				continue
			}
			if resp.StatusCode != want {
				t.Errorf("Host %s, %s: %s, want %d", host, path, resp.Status, want)
			}
		}
	}
	if resp := exchange(t, address, "GET /healthz HTTP/1.0\r\n\r\n"); resp.StatusCode != 200 {
		t.Errorf("HTTP/1.0 without Host: %s", resp.Status)
	}
	if resp := exchange(t, address, "GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"); resp.StatusCode != 421 {
		t.Errorf("a proxy's request line: %s", resp.Status)
	}
}

func TestOnlyWhatIsAskedForIsTaken(t *testing.T) {
	address := start(t, defaults, always(busy()))
	for request, want := range map[string]int{
		"POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n":                                         405,
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello":                413,
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n":            413,
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10):             431,
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1<<10) + "\r\n\r\n": 200,
		"GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n":                                    404,
		"GET /metrics/ HTTP/1.1\r\nHost: localhost\r\n\r\n":                                         404,
		"GET /debug/pprof/ HTTP/1.1\r\nHost: localhost\r\n\r\n":                                     404,
		"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n":                                         200,
	} {
		resp := exchange(t, address, request)
		if resp.StatusCode != want && !(want == 404 && resp.StatusCode/100 == 3) {
			t.Errorf("%.60q: %s, want %d", request, resp.Status, want)
		}
		if want == 200 && (resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Access-Control-Allow-Origin") != "") {
			t.Errorf("%.60q: header %v", request, resp.Header)
		}
	}
}

func TestAClientThatNeverEndsItsHeaderIsPutOut(t *testing.T) {
	short := defaults
	short.header, short.connections = 50*time.Millisecond, 2
	address := start(t, short, always(busy()))
	var slow []net.Conn
	for range 2 * short.connections { // nobody else gets in until these are out
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: local"); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	if code, _ := get(t, "http://"+address+"/healthz"); code != http.StatusOK {
		t.Errorf("after the slow ones: %d", code)
	}
	for _, conn := range slow {
		answer, err := io.ReadAll(conn) // returns when the server closes
		if err != nil || regexp.MustCompile(`^HTTP/1.1 2`).Match(answer) {
			t.Errorf("a slow client got %.40q, %v", answer, err)
		}
	}
}

func TestShutdownWaitsForARequestAtWork(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s, err := Serve("127.0.0.1:0", func(ctx context.Context) (mailer.Status, error) {
		close(entered)
		<-leave
		return busy(), ctx.Err()
	}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		if code, _ := get(t, "http://"+s.Addr().String()+"/metrics"); code != http.StatusOK {
			t.Errorf("the request at work got %d", code)
		}
	})
	<-entered
	wait.Go(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	close(leave)
	wait.Wait()
	http.DefaultClient.CloseIdleConnections()
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("it still listens")
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("once more: %v", err)
	}
}

func TestShutdownEndsWhatItsContextDoesNotWaitFor(t *testing.T) {
	entered := make(chan struct{})
	s, err := Serve("127.0.0.1:0", func(ctx context.Context) (mailer.Status, error) {
		close(entered)
		<-ctx.Done()
		return mailer.Status{}, ctx.Err()
	}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_, _ = io.ReadAll(conn) // until the server has closed it
}
