//go:build linux

package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Both on stand-ins for the measuring tools, and without Postfix.
func TestMeasuringWorksFromBeginningToEnd(t *testing.T) {
	dir := t.TempDir()
	o := options{
		peers: filepath.Join("testdata", "peers"), program: filepath.Join(dir, "traymail"), window: filepath.Join(dir, "none"), root: filepath.Join("..", ".."), dir: dir,
		rounds: 1, queued: 400, depth: 8, quick: true, progress: io.Discard,
	}
	if _, err := output(t.Context(), o.root, []string{"CGO_ENABLED=0"}, "", "go", "build", "-o", o.program, "./cmd/traymail"); err != nil {
		t.Fatal(err)
	}
	t.Run("a short run fills the whole table", func(t *testing.T) { fillsTheTable(t, o) })
	t.Run("an interrupted run ends all that it started", func(t *testing.T) { endsAll(t, o) })
}

func fillsTheTable(t *testing.T, o options) {
	o.write = filepath.Join(o.dir, "page.md")
	if err := os.WriteFile(o.write, []byte("before\n"+markBegin+"old\n"+markEnd+"after\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	b := &bench{options: o, scale: small}
	for _, r := range b.rows() {
		if r.figure == "size, window" || r.figure == "allocations, submission" {
			continue // neither is built for this
		}
		if !strings.Contains(out.String(), "\n"+r.name+"  ") {
			t.Errorf("the table has no row %q", r.name)
		}
	}
	if strings.Contains(out.String(), "amiss") {
		t.Error("messages were lost, doubled or refused")
	}
	page, err := os.ReadFile(o.write)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(page); !strings.HasPrefix(text, "before\n"+markBegin+"\n- Machine: ") || !strings.HasSuffix(text, " |\n\n"+markEnd+"after\n") {
		t.Errorf("the page is %q", text)
	}
	nothingIsLeft(t, o.dir)
	if t.Failed() {
		t.Log(out.String())
	}
}

func endsAll(t *testing.T, o options) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.progress = onWrite(func(line string) {
		if strings.HasPrefix(line, shapes[0].name) {
			cancel()
		}
	})
	if err := run(ctx, o, io.Discard); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
	nothingIsLeft(t, o.dir)
}

func TestMissingMeasuringToolsAreDescribed(t *testing.T) {
	o := options{peers: t.TempDir(), program: "beside_test.go", dir: t.TempDir(), rounds: 1, progress: io.Discard}
	if err := run(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "PEERS=DIR") || !strings.Contains(err.Error(), "postfix.sh") {
		t.Errorf("got %v", err)
	}
	nothingIsLeft(t, o.dir)
}

func TestAFigureIsJudgedByEachOfItsBounds(t *testing.T) {
	b := &bench{figures: map[key][]float64{{"f", ours}: {25, 10, 20}, {"f", "reuse"}: {10}, {"f", "installed"}: {5}, {"g", ours}: {40}}}
	for _, c := range []struct {
		want []bound
		met  string
	}{
		{nil, ""},
		{[]bound{timesReuse(2), timesInstalled(4)}, "yes"},
		{[]bound{timesReuse(2), timesInstalled(5)}, "**no**"},
		{[]bound{timesReuse(3), timesInstalled(4)}, "**no**"},
		{[]bound{atMost(20, "")}, "yes"},
		{[]bound{atMost(19, "")}, "**no**"},
		{[]bound{{figure: "g", least: 0.5}}, "yes"},
		{[]bound{{figure: "g", least: 0.6}}, "**no**"},
		{[]bound{{of: "unknown", least: 1}}, "–"},
		{[]bound{{of: "unknown", least: 1}, atMost(19, "")}, "**no**"},
	} {
		value, _ := b.median("f", ours)
		if got := b.judge(row{figure: "f", want: c.want}, value)[1]; got != c.met {
			t.Errorf("%+v: got %q, want %q", c.want, got, c.met)
		}
	}
}

func nothingIsLeft(t *testing.T, dir string) {
	t.Helper()
	for _, p := range tree(os.Getpid())[1:] {
		t.Errorf("process %d still runs", p.pid)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "traymail-bench-*")); left != nil {
		t.Errorf("%v is left", left)
	}
}

// onWrite is a writer that has each line looked at.
type onWrite func(line string)

func (w onWrite) Write(p []byte) (int, error) { w(string(p)); return len(p), nil }
