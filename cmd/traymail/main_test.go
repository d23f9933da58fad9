package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"traymail/internal/sandbox"
)

// The scripts and the tests of crashes run this test binary under the names of
// the program, and of the opener that the system's browser is started with on
// Linux.
func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){
		"traymail": mortal,
		"sendmail": main,
		"xdg-open": visit,
	})
}

// leakless are tests that fail when they leave a goroutine behind.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	code := l.m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}

// visit is a browser with a person in front of it: it walks the pages of the
// sandbox as the person that the environment names.
func visit() {
	pem, err := os.ReadFile(os.Getenv("CA"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if opened := os.Getenv("OPENED"); opened != "" { // what a look at the list of processes tells
		if err := os.WriteFile(opened, []byte(strings.Join(append(os.Args, os.Environ()...), "\x00")), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	password := os.Getenv("PASSWORD")
	if file := os.Getenv("PASSWORD_FILE"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		password = string(text)
	}
	p := sandbox.Person{Username: os.Getenv("PERSON"), Password: password, MFACode: os.Getenv("MFA_CODE"), Client: trusting(string(pem))}
	if said, err := p.Visit(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, said, err)
		os.Exit(1)
	}
	if os.Getenv("HOLD") != "" {
		time.Sleep(time.Minute) // longer than the sign-in, which does not wait
	}
}
