package clienttest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

//go:embed smtplib.py
var smtplib string

// A script reads this as JSON.
type settings struct {
	Host      string      `json:"host"`
	Port      json.Number `json:"port"`
	TLS       TLS         `json:"tls"`
	User      string      `json:"user"`
	Password  string      `json:"password"`
	Mechanism string      `json:"mechanism"`
	From      string      `json:"from"`
	To        []string    `json:"to"`
	File      string      `json:"file"`
	Late      bool        `json:"late"` // the name is sent after the challenge
}

func (s Server) settings(t testing.TB, m Mail) settings {
	host, port := s.hostPort(t)
	return settings{host, json.Number(port), s.TLS, s.User, s.Password, s.Mechanism, m.From, m.To, write(t, "message.eml", m.Message), false}
}

// Smtplib sends with Python's smtplib: with SMTP_SSL for implicit TLS, with
// 8BITMIME and, if an address needs it, SMTPUTF8.
func Smtplib(t testing.TB, s Server, m Mail) error { return s.smtplib(t, s.settings(t, m)) }

// SmtplibLate is Smtplib without an initial response to AUTH.
func SmtplibLate(t testing.TB, s Server, m Mail) error {
	settings := s.settings(t, m)
	settings.Late = true
	return s.smtplib(t, settings)
}

func (s Server) smtplib(t testing.TB, with settings) error {
	in, err := json.Marshal(with)
	if err != nil {
		t.Fatal(err)
	}
	return program{args: []string{"python3", "-c", smtplib}, stdin: in}.run(t)
}

// Nodemailer sends with nodemailer, of the version in testdata/nodemailer.
func Nodemailer(t testing.TB, s Server, m Mail) error {
	folder, err := nodemailerFolder()
	if err != nil {
		return err
	}
	in, err := json.Marshal(s.settings(t, m))
	if err != nil {
		t.Fatal(err)
	}
	return program{args: []string{"node", "send.js"}, dir: folder, stdin: in}.run(t)
}

// nodemailerFolder finds the module's root from the folder of any test.
func nodemailerFolder() (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(root) == root {
			return "", fmt.Errorf("nodemailer: the test does not run in the source tree")
		}
		root = filepath.Dir(root)
	}
	folder := filepath.Join(root, "internal", "clienttest", "testdata", "nodemailer")
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "nodemailer")); err != nil {
		return "", fmt.Errorf("nodemailer is not installed; run scripts/setup.sh test, or npm ci in %s", folder)
	}
	return folder, nil
}
