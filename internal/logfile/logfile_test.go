package logfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// lumberjack starts one for each file and offers no way to end it: Open
	// says so. Everything else must be gone.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun"))
}

func TestALogIsRotatedAndOldFilesAreRemoved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "traymail.log")
	log, end, err := Open(Options{File: file, Format: JSON, MaxSizeMB: 1, MaxFiles: 2, Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 200_000)
	const lines = 24 // five a file
	for i := range lines {
		log.Info("line", "number", i, "fill", long)
	}
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	// Opening it once more removes what is too old, before the first line is in.
	log, end, err = Open(Options{File: file, Format: JSON, MaxSizeMB: 1, MaxFiles: 2, Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("line", "number", lines)
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	var files []string
	for len(files) != 3 { // the removal runs beside; go test ends what hangs
		if files, err = filepath.Glob(filepath.Join(filepath.Dir(file), "traymail*.log")); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > 1<<20 {
			t.Errorf("%s has %d bytes", filepath.Base(name), info.Size())
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(name), info.Mode())
		}
	}
	if n := lastNumber(t, file); n != lines {
		t.Errorf("the newest line of the file is %d, want %d", n, lines)
	}
}

// lastNumber reads a log, each line of which must be an object.
func lastNumber(t *testing.T, file string) int {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var line struct {
		Number int
		Level  string
	}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		if err := json.Unmarshal(in.Bytes(), &line); err != nil || line.Level != "INFO" {
			t.Fatalf("a line is not what it should be: %v, %+v", err, line)
		}
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return line.Number
}

func TestALogThatIsThereGoesOnAndKeepsItsMode(t *testing.T) {
	file := filepath.Join(t.TempDir(), "traymail.log")
	if err := os.WriteFile(file, []byte("before\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	log, end, err := Open(Options{File: file, Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	log.Info("after")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(data), "before\n") || !strings.Contains(string(data), "msg=after") {
		t.Errorf("the log is %q", data)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestALevelKeepsTheLowerOnesOut(t *testing.T) {
	for level, want := range map[string]string{"debug": "DIWE", "": "IWE", "info": "IWE", "warn": "WE", "error": "E"} {
		for _, format := range []string{"", Text, JSON} {
			var out bytes.Buffer
			log, end, err := Open(Options{Level: level, Format: format, Stderr: &out})
			if err != nil {
				t.Fatal(err)
			}
			log.Debug("D")
			log.Info("I")
			log.Warn("W")
			log.Error("E")
			if err := end.Close(); err != nil {
				t.Fatal(err)
			}
			got := ""
			for line := range strings.Lines(out.String()) {
				for _, m := range []string{"D", "I", "W", "E"} {
					if strings.Contains(line, "msg="+m+"\n") || strings.Contains(line, `"msg":"`+m+`"`) {
						got += m
					}
				}
			}
			if got != want {
				t.Errorf("level %q, format %q: %s, want %s", level, format, got, want)
			}
		}
	}
}

func TestWhateverIsLoggedStaysOnOneLine(t *testing.T) {
	const evil = "first\nlevel=ERROR msg=forged\r\n\u2028\x1b[31m\"'\x00"
	for _, format := range []string{Text, JSON} {
		var out bytes.Buffer
		log, _, err := Open(Options{Format: format, Stderr: &out})
		if err != nil {
			t.Fatal(err)
		}
		log.With(evil, evil).WithGroup(evil).Info(evil, evil, errors.New(evil), "bytes", []byte(evil), "any", struct{ A string }{evil}, "it", fmt.Stringer(stringer(evil)))
		if n := strings.Count(out.String(), "\n"); n != 1 || strings.ContainsAny(out.String(), "\r\x1b\x00") {
			t.Errorf("%s: %d lines: %q", format, n, out.String())
		}
		if format == JSON && !json.Valid(out.Bytes()) {
			t.Errorf("this is no JSON: %q", out.String())
		}
	}
}

type stringer string

func (s stringer) String() string { return string(s) }

func TestAValueThatCannotBeIsNamed(t *testing.T) {
	for key, o := range map[string]Options{
		"format":       {Format: "xml"},
		"level":        {Level: "INFO"},
		"max_size_mb":  {MaxSizeMB: -1},
		"max_files":    {MaxFiles: -1},
		"max_age_days": {MaxAgeDays: -1},
	} {
		_, _, err := Open(o)
		var value *ValueError
		if !errors.As(err, &value) || value.Key != key || value.Fix == "" || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestAFileThatCannotBeWrittenIsRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"a folder":           dir,
		"below a plain file": filepath.Join(plain, "traymail.log"),
		"a device":           os.DevNull,
	} {
		_, _, err := Open(Options{File: file, Stderr: os.Stderr})
		if err == nil || !strings.Contains(err.Error(), "the log cannot be written: ") || !strings.Contains(err.Error(), "[log]") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALineThatTheFileDoesNotTakeIsSeenOnStderr(t *testing.T) {
	var stderr bytes.Buffer
	file := filepath.Join(t.TempDir(), "traymail.log")
	log, end, err := Open(Options{File: file, MaxSizeMB: 1, Stderr: &stderr})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("fits")
	log.Info("too long", "fill", strings.Repeat("x", 2<<20)) // for a file of its own, even
	if got := stderr.String(); !strings.HasPrefix(got, "the log cannot be written, and goes on here: ") || !strings.Contains(got, `msg="too long"`) || strings.Contains(got, "fits") {
		t.Errorf("standard error has %.200q", got)
	}
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	stderr.Reset()
	log.Info("after the end")
	if got := stderr.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `msg="after the end"`) {
		t.Errorf("after the end standard error has %q", got)
	}
	data, err := os.ReadFile(file)
	if err != nil || strings.Count(string(data), "\n") != 1 || !strings.Contains(string(data), "msg=fits") {
		t.Errorf("the file has %.200q, %v", data, err)
	}
}
