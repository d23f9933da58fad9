package keystore

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// changes are from an old secret to a new one; "" is none.
var changes = map[string]struct{ old, new string }{
	"the first short one":         {"", "new"},
	"the first long one":          {"", noise(MaxLen)},
	"a short one by a short one":  {"old", "new"},
	"a short one by a long one":   {"old", noise(MaxLen)},
	"a long one by a short one":   {noise(9000), "new"},
	"a long one by a longer one":  {noise(9000), noise(MaxLen)},
	"a long one by a less long":   {noise(MaxLen), noise(9000)},
	"a long one by one as long":   {noise(9000), strings.ToUpper(noise(9000))},
	"a short one by none":         {"old", ""},
	"a long one by none":          {noise(9000), ""},
	"a long one by the same long": {noise(9000), noise(9000)},
}

func change(p parted, text string) error {
	if text == "" {
		return p.delete("a/token")
	}
	return p.set("a/token", text)
}

func TestACrashAtAnyStepLeavesTheOldOrTheNewSecret(t *testing.T) {
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			start := newFakeEntries()
			if err := change(parted{start, windowsLimit}, c.old); err != nil {
				t.Fatal(err)
			}
			steps := start.restarted()
			if err := change(parted{steps, windowsLimit}, c.new); err != nil {
				t.Fatal(err)
			}
			for step := 1; step <= steps.calls; step++ {
				for _, applied := range []bool{false, true} {
					t.Run(fmt.Sprintf("step %d applied %t", step, applied), func(t *testing.T) {
						dying := start.restarted()
						dying.dieAt, dying.applied = step, applied
						err := change(parted{dying, windowsLimit}, c.new)
						checkAfterCrash(t, dying.restarted(), c.old, c.new, err)
					})
				}
			}
		})
	}
}

func checkAfterCrash(t *testing.T, e *fakeEntries, old, new string, crash error) {
	t.Helper()
	got, err := parted{e, windowsLimit}.get("a/token")
	if errors.Is(err, ErrNotFound) {
		got, err = "", nil
	}
	if err != nil {
		t.Fatalf("after the crash: %v", err)
	}
	if got != old && got != new {
		t.Fatalf("after the crash: %d bytes that are neither the old nor the new", len(got))
	}
	if crash == nil && got != new {
		t.Fatal("the change was reported done, and the old secret is still there")
	}
	// Whatever the crash left behind goes with the next change.
	for _, next := range []string{noise(12000), "short", noise(6000), ""} {
		if err := change(parted{e, windowsLimit}, next); err != nil {
			t.Fatal(err)
		}
		if want := entriesFor(next); len(e.texts) != want {
			t.Fatalf("%d entries for the next secret of %d bytes, want %d: %v", len(e.texts), len(next), want, slices.Sorted(maps.Keys(e.texts)))
		}
	}
}

func entriesFor(text string) int {
	switch {
	case text == "":
		return 0
	case len(text) <= 2560:
		return 1
	default:
		return 1 + (len(text)+2559)/2560
	}
}

func TestTwoCrashesInARow(t *testing.T) {
	start := newFakeEntries()
	old, middle, last := noise(9000), noise(20000), noise(7000)
	if err := change(parted{start, windowsLimit}, old); err != nil {
		t.Fatal(err)
	}
	for first := 1; first <= 45; first++ {
		once := start.restarted()
		once.dieAt, once.applied = first, true
		_ = change(parted{once, windowsLimit}, middle)
		for second := 1; second <= 45; second++ {
			twice := once.restarted()
			twice.dieAt, twice.applied = second, true
			_ = change(parted{twice, windowsLimit}, last)
			got, err := parted{twice.restarted(), windowsLimit}.get("a/token")
			if err != nil || got != old && got != middle && got != last {
				t.Fatalf("crashes at %d and %d: %d bytes, %v", first, second, len(got), err)
			}
		}
	}
}

func TestReadersSeeWholeSecretsWhileAnotherProcessWrites(t *testing.T) {
	shared := newFakeEntries()
	values := []string{noise(9000), "short", strings.Repeat("b", MaxLen), strings.Repeat("c", 5000)}
	writer := parted{shared, windowsLimit}
	if err := writer.set("a", values[0]); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				got, err := parted{shared, windowsLimit}.get("a")
				if err != nil || !slices.Contains(values, got) {
					t.Errorf("%d bytes, %v", len(got), err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 200 {
		if err := writer.set("a", values[i%len(values)]); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

// What another process stores while the reader is between two entries.
func TestAReaderInterruptedByAWriterStartsAgain(t *testing.T) {
	long, longer := noise(9000), noise(20000)
	cases := map[string]struct {
		during []string // the secrets stored before part 2 is read
		again  []string // and before the header is read again
		want   string
	}{
		"by a longer one":                  {[]string{longer}, nil, longer},
		"by a short one":                   {[]string{"short"}, nil, "short"},
		"by two, which use its slot again": {[]string{longer, strings.ToUpper(long)}, nil, strings.ToUpper(long)},
		"by others and itself in the end":  {[]string{"short"}, []string{long}, long},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := newFakeEntries()
			store := func(values []string) {
				for _, v := range values {
					if err := (parted{e, windowsLimit}).set("a", v); err != nil {
						t.Error(err)
					}
				}
			}
			store([]string{long})
			reads := 0
			e.before = func(_, entry string) error {
				values := c.during
				switch {
				case reads == 0 && entry == "a+b001":
				case reads == 1 && entry == "a":
					values = c.again
				default:
					return nil
				}
				reads++
				hook := e.before
				e.before = nil // the writer's own calls
				store(values)
				e.before = hook
				return nil
			}
			if got, err := (parted{e, windowsLimit}).get("a"); err != nil || got != c.want {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestDamageIsNamedAndNothingIsRemoved(t *testing.T) {
	stored := header{1, 4, 9000, [32]byte{}}.String()
	damage := map[string]struct {
		do   func(texts map[string]string)
		want string
	}{
		"a part is missing":         {func(e map[string]string) { delete(e, "a+b002") }, "part 3 of 4 is missing"},
		"a part is truncated":       {func(e map[string]string) { e["a+b003"] = e["a+b003"][1:] }, "not what was stored"},
		"a part is altered":         {func(e map[string]string) { e["a+b001"] = strings.Repeat("x", 2560) }, "not what was stored"},
		"two parts are exchanged":   {func(e map[string]string) { e["a+b000"], e["a+b001"] = e["a+b001"], e["a+b000"] }, "not what was stored"},
		"the checksum is another":   {func(e map[string]string) { e["a"] = stored }, "not what was stored"},
		"the header is truncated":   {func(e map[string]string) { e["a"] = e["a"][:40] }, "header"},
		"the header is only a mark": {func(e map[string]string) { e["a"] = headerMark }, "header"},
	}
	for name, d := range damage {
		t.Run(name, func(t *testing.T) {
			e := newFakeEntries()
			k := newKeychain(e, windowsLimit, noUnlock)
			if err := k.Set(t.Context(), "a", Secret(noise(9000))); err != nil {
				t.Fatal(err)
			}
			d.do(e.texts)
			before := maps.Clone(e.texts)
			_, err := k.Get(t.Context(), "a")
			if !errors.Is(err, ErrDamaged) || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), d.want) {
				t.Errorf("got %v", err)
			}
			if !maps.Equal(e.texts, before) {
				t.Error("reading it changed the keychain")
			}
			if err := k.Set(t.Context(), "a", "new"); err != nil {
				t.Errorf("replacing it: %v", err)
			}
			if len(e.texts) != 1 {
				t.Errorf("%d entries after replacing it", len(e.texts))
			}
		})
	}
}

func TestALayoutOfTheFutureIsNotDamage(t *testing.T) {
	for name, do := range map[string]func(*KeychainStore) error{
		"reading":        func(k *KeychainStore) error { _, err := k.Get(t.Context(), "a"); return err },
		"storing":        func(k *KeychainStore) error { return k.Set(t.Context(), "a", "new") },
		"storing a long": func(k *KeychainStore) error { return k.Set(t.Context(), "a", Secret(noise(9000))) },
		"deleting":       func(k *KeychainStore) error { return k.Delete(t.Context(), "a") },
	} {
		t.Run(name, func(t *testing.T) {
			e := newFakeEntries()
			e.texts["a"] = headerMark + "2 something else"
			before := maps.Clone(e.texts)
			err := do(newKeychain(e, windowsLimit, noUnlock))
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "update traymail") {
				t.Errorf("got %v", err)
			}
			if !maps.Equal(e.texts, before) {
				t.Error("it was changed")
			}
		})
	}
}
