// Command sink is a submission server that counts, with a token endpoint. It
// takes every message and knows neither distance nor limits.
package main

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
)

type counts struct {
	Distinct     int            `json:"distinct_ids"`
	Duplicates   int            `json:"duplicate_ids"`
	TurnsSetup   int            `json:"turns_setup"`
	TurnsMessage int            `json:"turns_message"`
	Tokens       map[string]int `json:"token_requests"`
	Last         int64          `json:"last_msg_ns"`
	P50          float64        `json:"e2e_p50_ms"`
	P99          float64        `json:"e2e_p99_ms"`

	messages int
	ids      map[string]bool
}

var (
	mu  sync.Mutex
	now = fresh()
)

func fresh() *counts { return &counts{Tokens: map[string]int{}, ids: map[string]bool{}} }

// count changes or reads the counts.
func count(f func(*counts)) {
	mu.Lock()
	defer mu.Unlock()
	f(now)
}

func main() {
	addr := flag.String("addr", "", "SMTP")
	plain := flag.String("http", "", "counts")
	secure := flag.String("https", "", "token endpoint")
	certs := flag.String("certs", "", "folder of ca.pem")
	_ = flag.Bool("quiet", false, "")
	flag.Parse()

	tokens := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		count(func(c *counts) { c.Tokens["client_credentials"]++ })
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"token_type":"Bearer","expires_in":3600,"access_token":"a-token"}`)
	}))
	tokens.Listener.Close()
	tokens.Listener = listen(*secure)
	tokens.StartTLS()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tokens.Certificate().Raw})
	if err := os.MkdirAll(*certs, 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*certs, "ca.pem"), ca, 0o644); err != nil {
		log.Fatal(err)
	}
	go serve(listen(*addr), &tls.Config{Certificates: tokens.TLS.Certificates})

	http.HandleFunc("/stats", func(w http.ResponseWriter, _ *http.Request) {
		count(func(c *counts) { _ = json.NewEncoder(w).Encode(c) })
	})
	http.HandleFunc("/count", func(w http.ResponseWriter, _ *http.Request) { count(func(c *counts) { fmt.Fprintln(w, c.messages) }) })
	http.HandleFunc("/set", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		now = fresh()
		mu.Unlock()
		_, _ = io.WriteString(w, "counting anew\n")
	})
	log.Fatal(http.Serve(listen(*plain), nil))
}

func listen(addr string) net.Listener {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	return l
}
