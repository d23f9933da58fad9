package service

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

const odd = `/srv/tray mail {{50% $HOME "näh" \x}}`

var jobs = []struct {
	golden string
	runsAs string
	job    Job
}{
	{"system.service", "traymail", Job{Name: "traymail", Home: "/var/lib/traymail", Executable: "/usr/bin/traymail"}},
	{"system-home.service", "anna", Job{Name: "traymail", Home: "/home/anna/.config/traymail", Executable: "/usr/bin/traymail"}},
	{"system-odd.service", "traymail", Job{Name: "second.one", Home: odd, Executable: "/opt/50% {{$x}} ä/traymail", Credential: "keystore-key", CredentialFile: `/etc/tray mail/50% "key"`, Writable: []string{"/srv/drop", odd + "2"}}},
	{"user.service", "anna", Job{Name: "traymail", Home: "/home/anna/.config/traymail", Executable: "/home/anna/bin/traymail", User: true}},
	{"user-odd.service", "anna", Job{Name: "traymail", Home: odd, Executable: "/usr/bin/traymail", User: true, Credential: "key", CredentialFile: "/home/anna/key"}},
	{"daemon.plist", "traymail", Job{Name: "traymail", Home: "/var/lib/traymail", Executable: "/usr/local/bin/traymail"}},
	{"agent-odd.plist", "anna", Job{Name: "traymail", Home: odd + "<&'>", Executable: "/Applications/tray mail/traymail", User: true}},
}

func TestTheDefinitionIsTheGoldenOne(t *testing.T) {
	for _, c := range jobs {
		t.Run(c.golden, func(t *testing.T) {
			got := c.job.systemdUnit(c.runsAs)
			if strings.HasSuffix(c.golden, ".plist") {
				if runtime.GOOS == "windows" {
					return // its path of the log is a Mac's
				}
				got = c.job.launchdPlist(c.runsAs)
			}
			if strings.Contains(got, "{{") {
				t.Error("the library would take a part of it for a template's")
			}
			golden := filepath.Join("testdata", c.golden)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestAPlistIsXMLThatHoldsThePathsAsTheyAre(t *testing.T) {
	home := odd + "<&'>"
	d := xml.NewDecoder(strings.NewReader(Job{Name: "traymail", Home: home, Executable: "/bin/x"}.launchdPlist("anna")))
	var texts []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			texts = append(texts, string(text))
		}
	}
	if joined := "|" + strings.Join(texts, "|") + "|"; !strings.Contains(joined, "|"+home+"|") {
		t.Errorf("the home folder is not among %q", texts)
	}
}

func TestAJobThatCannotRunIsRefusedWithTheReason(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := Job{Name: "traymail", Home: home, Executable: file, User: true}
	for _, c := range []struct {
		manager string
		change  func(*Job)
		want    string
	}{
		{Systemd, func(j *Job) {}, ""},
		{Launchd, func(j *Job) {}, ""},
		{Windows, func(j *Job) {}, ""},
		{Systemd, func(j *Job) { j.Home = "relative" }, "no absolute path"},
		{Systemd, func(j *Job) { j.Home = home + "\nExecStart=/bin/sh" }, "control character"},
		{Systemd, func(j *Job) { j.Home = filepath.Join(home, "none") }, "make it"},
		{Systemd, func(j *Job) { j.Home = file }, "no folder"},
		{Systemd, func(j *Job) { j.Executable = file + `"` }, "quote or a backslash"},
		{Systemd, func(j *Job) { j.Writable = []string{home} }, "--writable is for the machine's service"},
		{Launchd, func(j *Job) { j.Writable = []string{home} }, "--writable is for systemd"},
		{Launchd, func(j *Job) { j.Credential, j.CredentialFile = "key", file }, "--credential is for systemd"},
		{Systemd, func(j *Job) { j.Credential, j.CredentialFile = "key", file }, ""},
		{Systemd, func(j *Job) { j.Credential = "key" }, "NAME=FILE"},
		{Systemd, func(j *Job) { j.Credential, j.CredentialFile = "a b", file }, "is no name"},
		{Systemd, func(j *Job) { j.Credential, j.CredentialFile = "../key", file }, "is no name"},
		{Systemd, func(j *Job) { j.Credential, j.CredentialFile = "key", "key" }, "no absolute path"},
		{Systemd, func(j *Job) { j.Credential, j.CredentialFile = "key", file+"{{x" }, "rename the file"},
		{Systemd, func(j *Job) { j.Credential, j.CredentialFile = "key", file+" " }, "rename the file"},
	} {
		if runtime.GOOS == "windows" && c.manager != Windows {
			continue // its paths are none to systemd
		}
		j := good
		c.change(&j)
		switch err := j.check(c.manager); {
		case c.want == "" && err != nil:
			t.Errorf("%s, %+v: %v", c.manager, j, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s, %+v: %v, want %q", c.manager, j, err, c.want)
		}
	}
	j := good
	j.User, j.Home, j.Executable = false, "/tmp", "/usr/bin/traymail"
	if err := j.checkSystemd(); err == nil || !strings.Contains(err.Error(), "/var/lib/traymail") {
		t.Errorf("a home folder in /tmp: %v", err)
	}
	for _, name := range []string{"", "a b", "../x", "x.service", "-x", "ä", "a/b", "a\n", strings.Repeat("x", 65)} {
		if err := (Job{Name: name}).checkName(); err == nil || !strings.Contains(err.Error(), "--name") {
			t.Errorf("the name %q: %v", name, err)
		}
	}
}
