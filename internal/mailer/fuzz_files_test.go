package mailer

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"traymail/internal/account"
)

// FuzzSettings reads a traymail.toml of any form: what is wrong is told with its
// place, and what is right says where the relay listens and has no path that
// depends on where the program was started.
func FuzzSettings(f *testing.F) {
	f.Add(writtenSettings())
	f.Add("[queue]\npostgresql = \"host=db password=x\"\nretry = [\"1m\", \"-1s\"]\n")
	f.Add("[[listener]]\nname=\"a\"\naddress=\"127.0.0.1:25\"\ncert_file=\"c\"\n")
	f.Add("[log]\nlevel = 7\n[metrics]\nlisten = \"0.0.0.0:1\"\n[keystore]\nkind = \"none\"\n")
	f.Add("a.b.c = [[[[[[[[{x = {y = {}}}]]]]]]]]")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSettings("/home", []byte(text))
		var field *account.FieldError
		switch {
		case err == nil:
			if len(s.Listeners) == 0 || !filepath.IsAbs(s.Keystore.File) && filepath.IsAbs("/home") || strings.Contains(s.Queue.PostgreSQL, "password=") {
				t.Errorf("%q reads as %+v", text, s)
			}
		case !errors.As(err, &field) || field.Text == "" || field.Line < 0 || field.Line > strings.Count(text, "\n")+1:
			t.Errorf("%q: %T %v", text, err, err)
		}
	})
}

// FuzzClient reads a client's file of any form: what loads is saved and loads
// again as the same, and may have no more rights than it says.
func FuzzClient(f *testing.F) {
	f.Add([]byte("password_hash = \"$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g\"\n"))
	f.Add([]byte("networks = [\"127.0.0.1/32\", \"::1/128\"]\nallowed_senders = [\"*@contoso.com\"]\naccount = \"work\"\n"))
	f.Add([]byte("networks = [\"0.0.0.0/0\"]\n"))
	f.Add([]byte("password = \"in the clear\"\n"))
	f.Add([]byte("password_hash = \"$argon2id$v=19$m=4294967295,t=9999,p=255$AA$AA\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := ClientDir(t.TempDir())
		if err := os.WriteFile(d.path("a"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := d.Load("a")
		var field *account.FieldError
		if err != nil {
			if !errors.As(err, &field) {
				t.Errorf("%q: %T %v", data, err, err)
			}
			return
		}
		for _, n := range c.Networks {
			if n.Bits() == 0 {
				t.Errorf("%q admits everybody", data)
			}
		}
		if err := d.Save(c); err != nil {
			t.Fatalf("%q was loaded and is not saved: %v", data, err)
		}
		again, err := d.Load("a")
		if err != nil {
			t.Fatalf("%q was saved and does not load: %v", data, err)
		}
		was, _ := json.Marshal(c)
		is, _ := json.Marshal(again)
		if string(was) != string(is) {
			t.Errorf("%q: %s became %s", data, was, is)
		}
	})
}

// FuzzState reads files of state/ of any form: a damaged one is told of, and
// keeps nothing from starting.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"secret":"draft-x/secret","step":3}`))
	f.Add([]byte(`{"accounts":{"a":{"until":"0001-01-01T00:00:00Z"}},"all":{"until":"x"}}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &Mailer{Home: t.TempDir()}
		if err := os.MkdirAll(filepath.Join(m.Home, "state"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"draft.json", "pauses.json"} {
			if err := os.WriteFile(filepath.Join(m.Home, "state", name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if kept, err := m.readDraft(); err == nil && kept.HasSecret != (kept.Secret != "") || err != nil && kept.Secret != "" {
			t.Errorf("%q reads as %+v: %v", data, kept, err)
		}
		u, err := m.readPauses()
		if err != nil {
			return
		}
		u.prune(noon)
		c := u.clone()
		for name := range u.Accounts {
			if p, _, paused := c.of(name, noon); !paused || p.over(noon) {
				t.Errorf("%q: %s is paused with %+v, %v", data, name, p, paused)
			}
		}
	})
}
