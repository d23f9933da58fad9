package keystore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// runAsWriter makes the test binary a process that stores secrets, in the file
// $WRITER_FILE or the keychain $WRITER_KEYCHAIN: one by each name in
// $WRITER_NAMES, reporting it on a line. It returns false in an ordinary test
// run.
func runAsWriter() bool {
	names := os.Getenv("WRITER_NAMES")
	if names == "" {
		return false
	}
	if err := limitFileSize(); err != nil {
		fmt.Println(err)
		return true
	}
	var store Store
	var err error
	secret := Secret(noise(20000))
	if dir := os.Getenv("WRITER_KEYCHAIN"); dir != "" {
		store = newKeychain(folderEntries(dir), windowsLimit, noUnlock)
		secret = Secret(strings.Repeat(os.Getenv("WRITER_LETTER"), len(secret)))
	} else {
		store, err = OpenFile(os.Getenv("WRITER_FILE"), KeyFile(os.Getenv("WRITER_KEY")))
	}
	for _, name := range strings.Fields(names) {
		if err == nil {
			err = store.Set(context.Background(), name, secret)
		}
		if err != nil {
			fmt.Println(err)
			return true
		}
		fmt.Println("stored", name)
	}
	return true
}

func writerFiles(t *testing.T) (file *File, env []string) {
	t.Helper()
	dir := t.TempDir()
	key, path := filepath.Join(dir, "key"), filepath.Join(dir, "secrets.age")
	if err := CreateKeyFile(key); err != nil {
		t.Fatal(err)
	}
	return openAt(t, path, KeyFile(key)), []string{"WRITER_FILE=" + path, "WRITER_KEY=" + key}
}

func TestProcessesThatWriteTheSameFileLoseNothing(t *testing.T) {
	f, env := writerFiles(t)
	var writers sync.WaitGroup
	for p := range 4 {
		names := fmt.Sprintf("WRITER_NAMES=p%d/a p%d/b p%d/c", p, p, p)
		cmd := helper(t, append(env, names)...)
		writers.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "stored") != 3 {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	writers.Wait()
	for p := range 4 {
		for _, name := range []string{"a", "b", "c"} {
			if got, err := f.Get(t.Context(), fmt.Sprintf("p%d/%s", p, name)); err != nil || len(got) != 20000 {
				t.Errorf("process %d, secret %s: %v", p, name, err)
			}
		}
	}
}

func TestProcessesThatWriteTheSameSecretToAKeychainLeaveAWholeOne(t *testing.T) {
	const sets = 20
	dir := t.TempDir()
	var writers sync.WaitGroup
	for _, letter := range []string{"a", "b", "c"} {
		cmd := helper(t, "WRITER_KEYCHAIN="+dir, "WRITER_LETTER="+letter, "WRITER_NAMES="+strings.Repeat("token ", sets))
		writers.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "stored") != sets {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	writers.Wait()
	k := newKeychain(folderEntries(dir), windowsLimit, noUnlock)
	got, err := k.Get(t.Context(), "token")
	if text := got.Reveal(); err != nil || len(text) != 20000 || strings.Trim(text, text[:1]) != "" {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := k.Delete(t.Context(), "token"); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%d entries are left, %v", len(left), err)
	}
}

func TestAKeychainWrittenElsewhereEndsWithTheContext(t *testing.T) {
	path, err := keychainLock()
	if err != nil {
		t.Fatal(err)
	}
	e := newFakeEntries()
	for name, do := range map[string]func(context.Context, *KeychainStore) error{
		"storing":  func(ctx context.Context, k *KeychainStore) error { return k.Set(ctx, "a", "new") },
		"deleting": func(ctx context.Context, k *KeychainStore) error { return k.Delete(ctx, "a") },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			unlocked := make(chan struct{}, 2)
			k := newKeychain(e, windowsLimit, func(context.Context) error {
				unlocked <- struct{}{}
				return nil
			})
			err := withLock(t.Context(), path, exclusive, func() error {
				cancelled := make(chan error)
				go func() { cancelled <- do(ctx, k) }()
				<-unlocked
				cancel()
				return <-cancelled
			})
			if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) || e.calls != 0 {
				t.Errorf("got %v after %d calls", err, e.calls)
			}
			if _, err := k.Get(t.Context(), "b"); !errors.Is(err, ErrNotFound) {
				t.Errorf("afterwards: %v", err)
			}
			e.calls = 0
		})
	}
}

func TestAProcessKilledWhileItWritesLeavesAWholeFile(t *testing.T) {
	f, env := writerFiles(t)
	if err := f.Set(t.Context(), "old", "hunter2"); err != nil {
		t.Fatal(err)
	}
	names := "WRITER_NAMES=" + strings.Repeat("x y z ", 2000)
	for kills := range 5 {
		cmd := helper(t, append(env, names)...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 2 + kills {
			if !lines.Scan() || !strings.HasPrefix(lines.Text(), "stored") {
				t.Errorf("the writer said %q", lines.Text())
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if got, err := f.Get(t.Context(), "old"); err != nil || got.Reveal() != "hunter2" {
			t.Fatalf("after kill %d: %v", kills+1, err)
		}
		if got, err := f.Get(t.Context(), "x"); err != nil || len(got) != 20000 {
			t.Fatalf("after kill %d: %d bytes, %v", kills+1, len(got), err)
		}
		if err := f.Set(t.Context(), "next", "x"); err != nil {
			t.Fatalf("the dead process still has the lock: %v", err)
		}
	}
}

func TestALockHeldElsewhereEndsWithTheContext(t *testing.T) {
	f := stored(t, newKeyFile(t))
	ctx, cancel := context.WithCancel(t.Context())
	err := openAt(t, f.path, f.key).withLock(t.Context(), exclusive, func() error {
		cancelled := make(chan error)
		go func() { cancelled <- f.Set(ctx, "a", "new") }()
		cancel()
		return <-cancelled
	})
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got, err := f.Get(t.Context(), "a"); err != nil || got.Reveal() != "hunter2" {
		t.Errorf("afterwards: %v", err)
	}
}
