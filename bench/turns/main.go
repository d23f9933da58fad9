// Command turns counts how often a submission waits for the server, as an
// independent server counts it: on a cold session, and on the warm one after
// it. The server is a folder with a Go program that takes -addr, -http, -certs
// and -rtt, answers as Exchange Online does, and reports "turns_setup" and
// "turns_message" at /stats.
package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/emersion/go-sasl"

	"traymail/smtp"
)

const warmMessages = 20

func main() {
	folder := flag.String("sink", "", "folder of the counting server")
	rtt := flag.Duration("rtt", 50*time.Millisecond, "distance to the server")
	flag.Parse()
	if err := measure(*folder, *rtt); err != nil {
		log.Fatal("turns: ", err)
	}
}

func measure(folder string, rtt time.Duration) error {
	dir, err := os.MkdirTemp("", "turns-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "server"), ".")
	build.Dir = folder
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", folder, err, out)
	}
	addr, stats := freeAddr(), freeAddr()
	certs := filepath.Join(dir, "certs")
	server := exec.Command(filepath.Join(dir, "server"), "-addr", addr, "-http", stats, "-https", "", "-certs", certs, "-rtt", rtt.String())
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		return err
	}
	defer func() { server.Process.Kill(); server.Wait() }()
	if err := until(func() error { _, err := counts(stats); return err }); err != nil {
		return err
	}
	pem, err := os.ReadFile(filepath.Join(certs, "ca.pem"))
	if err != nil {
		return err
	}
	return submit(addr, stats, pem)
}

// submit sends one message cold and the others warm, and compares.
func submit(addr, stats string, ca []byte) error {
	_, port, _ := net.SplitHostPort(addr)
	c := &smtp.Client{Host: "localhost", RootCAs: x509.NewCertPool(), MaxSessions: 1,
		Auth: func(context.Context, *smtp.Error) (sasl.Client, error) {
			return smtp.XOAUTH2("alice@example.com", strings.Repeat("eyJhbGciOiJSUzI1NiJ9", 100)), nil
		}}
	fmt.Sscan(port, &c.Port)
	c.RootCAs.AppendCertsFromPEM(ca)
	defer c.Close()
	body := "Subject: turns\r\n\r\n" + strings.Repeat(strings.Repeat("x", 76)+"\r\n", 128)
	send := func() (*smtp.Receipt, error) {
		return c.Submit(context.Background(), &smtp.Message{From: "alice@example.com", To: []smtp.Recipient{{Address: "bob@example.net"}}, Size: int64(len(body)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }})
	}
	before := stat{}
	for i := range 1 + warmMessages {
		receipt, err := send()
		if err != nil {
			return err
		}
		now, err := counts(stats)
		if err != nil {
			return err
		}
		want, kind := 1, "warm"
		if i == 0 {
			want, kind = 6, "cold"
		}
		turns := now.Setup + now.Message - before.Setup - before.Message
		if i < 2 || turns != want {
			fmt.Printf("%s: %d turns as the server counts, %d as the client does\n", kind, turns, receipt.RoundTrips)
		}
		if turns != want {
			return fmt.Errorf("message %d (%s) took %d turns, want %d", i+1, kind, turns, want)
		}
		before = now
	}
	fmt.Printf("%d more warm messages took 1 turn each\n", warmMessages-1)
	return nil
}

// A stat is what the server reports.
type stat struct {
	Setup   int `json:"turns_setup"`
	Message int `json:"turns_message"`
}

func counts(addr string) (s stat, err error) {
	r, err := http.Get("http://" + addr + "/stats")
	if err != nil {
		return s, err
	}
	defer r.Body.Close()
	return s, json.NewDecoder(r.Body).Decode(&s)
}

func until(ready func() error) error {
	var err error
	for range 200 {
		if err = ready(); err == nil {
			return nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return errors.Join(errors.New("the server does not answer"), err)
}

func freeAddr() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
