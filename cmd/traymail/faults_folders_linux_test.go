package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"traymail/internal/control"
	"traymail/internal/mailer"
)

// powerless starts traymail serve as a user whom permissions bind, whoever runs
// the tests.
func (b *bench) powerless() *served {
	b.t.Helper()
	cmd := b.program("", "serve")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Getgid(), Size: 1}},
	}
	return b.begin(cmd)
}

// closed takes the right to write to a folder, until the function returned is
// called.
func (b *bench) closed(folder string) (opened func()) {
	b.t.Helper()
	mode := func(m os.FileMode) {
		b.t.Helper()
		if err := os.Chmod(folder, m); err != nil {
			b.t.Fatal(err)
		}
	}
	mode(0o500)
	b.t.Cleanup(func() { mode(0o700) })
	return func() { mode(0o700) }
}

func TestAFolderThatCannotBeWrittenIsNamedAtTheStart(t *testing.T) {
	t.Parallel()
	b := newSignedIn(t, "")
	for _, name := range []string{"log", "state"} {
		if err := os.MkdirAll(filepath.Join(b.home, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	settings := filepath.Join(b.home, "traymail.toml")
	text, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(settings, append([]byte("[log]\nfile = \"log/traymail.log\"\n"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"log", "state"} {
		opened := b.closed(filepath.Join(b.home, name))
		s := b.powerless()
		<-s.ended
		opened()
		if said := s.said(); !strings.Contains(said, filepath.Join(b.home, name)) || !strings.Contains(said, "permission denied") || !strings.Contains(said, "\nlet the user who runs traymail") || s.cmd.ProcessState.ExitCode() != exitFailed {
			t.Errorf("%s: exit %d: %s", name, s.cmd.ProcessState.ExitCode(), said)
		}
	}
}

// TestFoldersThatCannotBeWrittenStopNoMail closes them under the program that
// serves.
func TestFoldersThatCannotBeWrittenStopNoMail(t *testing.T) {
	t.Parallel()
	b := newSignedIn(t, "unpaced")
	s := b.powerless()
	s.serves()
	m, err := control.Dial(t.Context(), b.home)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var opened []func()
	for _, name := range []string{"", "accounts", "state", "drop"} {
		opened = append(opened, b.closed(filepath.Join(b.home, name)))
	}
	ids := []string{"closed@contoso.com", "again@contoso.com"}
	for _, id := range ids {
		if !overSMTP(b, s, id, 100) {
			t.Error("a message is not taken")
		}
	}
	b.settle(ids...)
	settings, err := m.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	settings.Relay.MaxConnections = 77
	refused := map[string]string{"the settings": fmt.Sprint(m.SaveSettings(t.Context(), settings))}
	said, code := b.say(nil, "pause", "demo")
	refused["a pause"] = fmt.Sprint(code, said)
	for what, said := range refused {
		if !strings.Contains(said, "permission denied") || !strings.Contains(said, b.home) {
			t.Errorf("%s: %s", what, said)
		}
	}
	for _, open := range opened {
		open()
	}
	b.must(nil, "pause", "demo")
	b.must(nil, "resume", "demo")
}

// TestADropFolderThatMayNotBeChangedSaysSo gives the right to rename a file that
// was dropped only after the program missed it.
func TestADropFolderThatMayNotBeChangedSaysSo(t *testing.T) {
	t.Parallel()
	b := newSignedIn(t, "unpaced")
	byFolder(b, nil, "barred@contoso.com", 100)
	folder := filepath.Join(b.home, "drop")
	opened := b.closed(folder)
	s := b.powerless()
	s.serves()
	m, err := control.Dial(t.Context(), b.home)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	stands := func(want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var last []mailer.FolderStatus
		found := errors.New("found")
		err := m.Watch(ctx, func(s mailer.Status) error {
			if last = s.Folders; len(last) == 1 && last[0].Path == folder && (last[0].Problem == "") == (want == "") && strings.Contains(last[0].Problem, want) {
				return found
			}
			return nil
		})
		if !errors.Is(err, found) {
			t.Errorf("%v: it stands as %+v, want %q", err, last, want)
		}
	}
	stands("may not read the folder and rename files in it")
	if said := b.must(nil, "status"); !strings.Contains(said, "may not read the folder and rename files in it") {
		t.Errorf("status says %s", said)
	}
	opened()
	stands("")
	b.settle("barred@contoso.com")
}
