package messages

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/mailer"
)

func TestATableHasWhatTheFilterChooses(t *testing.T) {
	f := newFake(many(2000)...)
	f.newest(message(2001, failed, "Payslip; \"November\", 2026", "a@contoso.com", "b@contoso.com"))
	var b bytes.Buffer
	told := 0
	n, err := writeCSV(t.Context(), f, mailer.Filter{States: []mailer.State{failed}}, &b, func(int) { told++ })
	if err != nil || n != 251 || told != n {
		t.Fatalf("%d messages were written, %d told: %v", n, told, err)
	}
	text, marked := strings.CutPrefix(b.String(), bom)
	if !marked {
		t.Error("Excel would not take it for UTF-8")
	}
	table, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(table) != 252 {
		t.Fatalf("it has %d rows: %v", len(table), err)
	}
	want := []string{idOf(2001), "Failed", "2026-11-21 12:23:00", "2026-11-21 12:23:02", "", "alerts@contoso.com", "a@contoso.com b@contoso.com",
		"Payslip; \"November\", 2026", "alerts", "endpoint-central", "24731", "1", f.list[0].Attempts[0].Reply, f.list[0].MessageID}
	if !slices.Equal(table[1], want) {
		t.Errorf("the first row is\n%q, want\n%q", table[1], want)
	}
}

func TestAnExportThatCannotReadAMessageEndsWithTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"cleared away meanwhile": {mailer.ErrNoMessage, 10},
		"the queue is away":      {errors.New("database is locked"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(many(10)...)
			f.block = func(_ context.Context, call string) error {
				if call == "message" {
					return c.err
				}
				return nil
			}
			n, err := writeCSV(t.Context(), f, mailer.Filter{}, io.Discard, func(int) {})
			if n != c.want || (err != nil) != (c.want == 0) {
				t.Errorf("%d messages were written: %v", n, err)
			}
		})
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"":                          "",
		"Disk -10%":                 "Disk -10%",
		"=HYPERLINK(\"//x\")":       "'=HYPERLINK(\"//x\")",
		"+1":                        "'+1",
		"-1+cmd|'/c calc'!A0":       "'-1+cmd|'/c calc'!A0",
		"@SUM(A1)":                  "'@SUM(A1)",
		"\t=1":                      "'\t=1",
		"ops@contoso.com":           "ops@contoso.com",
		"\u00e4ndert sich":          "\u00e4ndert sich",
		"\r\n=1":                    "'\r\n=1",
		"250 2.0.0 OK\n=not a cell": "250 2.0.0 OK\n=not a cell",
	} {
		if got := harmless(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}

// files are the names in a folder.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestAnExportIsThereAsAWhole(t *testing.T) {
	dir := t.TempDir()
	target := Target{Name: "list.csv", Path: filepath.Join(dir, "list.csv")}
	if err := os.WriteFile(target.Path, []byte("of yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	play(t, History, newFake(many(1200)...), func(s *stage) {
		s.narrow(failed, "")
		s.run(time.Second)
		s.export(target)
		s.run(time.Second)
		if r := s.told().Result; r == nil || r.Err != nil || r.Done != 150 || r.Name != "list.csv" {
			t.Errorf("it ended with %+v", r)
		}
	})
	data, err := os.ReadFile(target.Path)
	if err != nil || bytes.Count(data, []byte("\r\n")) != 151 || !slices.Equal(files(t, dir), []string{"list.csv"}) {
		t.Errorf("the folder has %v, the file %d lines: %v", files(t, dir), bytes.Count(data, []byte("\r\n")), err)
	}
}

func TestACancelledExportLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	kept := Target{Name: "kept.csv", Path: filepath.Join(dir, "kept.csv")}
	fresh := Target{Name: "fresh.csv", Path: filepath.Join(dir, "fresh.csv")}
	for path, content := range map[string]string{kept.Path: "of yesterday", fresh.Path: ""} { // the dialog makes a file
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := newFake(many(1200)...)
	f.block = func(ctx context.Context, call string) error {
		if call == "message" {
			wait(ctx, 10*time.Millisecond)
		}
		return ctx.Err()
	}
	play(t, History, f, func(s *stage) {
		for _, target := range []Target{kept, fresh} {
			s.export(target)
			s.run(time.Second)
			if j := s.told().Job; j == nil || j.Done < 50 || j.Of != 1200 {
				t.Errorf("after a second it is at %+v", j)
			}
			s.stop()
			s.run(time.Second)
			if r := s.told().Result; r == nil || !r.Stopped || r.Err != nil {
				t.Errorf("it ended with %+v", r)
			}
		}
	})
	if data, err := os.ReadFile(kept.Path); string(data) != "of yesterday" || !slices.Equal(files(t, dir), []string{"kept.csv"}) {
		t.Errorf("the folder has %v, and the file that was there %q: %v", files(t, dir), data, err)
	}
}

func TestAnExportThatCannotBeWrittenSaysWhere(t *testing.T) {
	play(t, History, newFake(many(10)...), func(s *stage) {
		s.export(Target{Name: "list.csv", Path: filepath.Join(t.TempDir(), "gone", "list.csv")})
		s.run(time.Second)
		r := s.told().Result
		if r == nil || r.Err == nil || !strings.HasPrefix(r.Err.Error(), "write list.csv: ") || r.Stopped {
			t.Fatalf("it ended with %+v", r)
		}
	})
}

// A place takes a number of octets.
type place struct{ room int }

func (p *place) Write(b []byte) (int, error) {
	if p.room -= len(b); p.room < 0 {
		return 0, fs.ErrPermission
	}
	return len(b), nil
}

func (p *place) Close() error { return nil }

func TestAnExportToAnotherPlaceThanAFileIsWrittenToIt(t *testing.T) {
	play(t, History, newFake(many(1000)...), func(s *stage) {
		for room, fails := range map[int]bool{1 << 20: false, 100: true} {
			s.export(Target{Name: "list.csv", Writer: &place{room}})
			s.run(time.Second)
			if r := s.told().Result; r == nil || (r.Err != nil) != fails {
				t.Errorf("with room for %d it ended with %+v", room, r)
			}
		}
	})
}
