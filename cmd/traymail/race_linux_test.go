package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// scripts/race.sh runs a package once more when the race detector itself broke, and
// at nothing else. The go of this test says what the first run of it said, and
// passes at the second.
func TestOnlyWhatTheRaceDetectorBrokeIsRunOnceMore(t *testing.T) {
	t.Parallel()
	const broke = "ThreadSanitizer: CHECK failed: tsan_rtl.cpp:346 \"(x)\" (0x0, 0x0) (tid=1)\n"
	for _, tt := range []struct {
		name, said, again string
		green             bool // what the first run ends with
		red               bool // what the script ends with
	}{
		{name: "all is well", green: true, said: "ok  \ttraymail/smtp\t1.0s\n?   \ttraymail/ui/uitest\t[no test files]\n"},
		{name: "the detector broke in two packages", said: broke + "FAIL\ttraymail/internal/queue\t24.4s\nok  \ttraymail/smtp\t1.0s\n" + broke + "FAIL\ttraymail/ui\t1.0s\nFAIL\n",
			again: "traymail/internal/queue traymail/ui"},
		{name: "it broke after a test had failed", said: "--- FAIL: TestX (1.0s)\n" + broke + "FAIL\ttraymail/smtp\t1.0s\nFAIL\n", red: true},
		{name: "it broke after a race", said: "WARNING: DATA RACE\n" + broke + "FAIL\ttraymail/smtp\t1.0s\nFAIL\n", red: true},
		{name: "a test failed in another package", said: broke + "FAIL\ttraymail/internal/queue\t24.4s\n--- FAIL: TestX (1.0s)\nFAIL\nFAIL\ttraymail/smtp\t1.0s\nFAIL\n", red: true},
		{name: "a test failed", said: "ok  \ttraymail/ui\t1.0s\n--- FAIL: TestX (1.0s)\nFAIL\nFAIL\ttraymail/smtp\t1.0s\nFAIL\n", red: true},
		{name: "a package does not build", said: "FAIL\ttraymail/smtp [build failed]\nFAIL\n", red: true},
		{name: "nothing was said", red: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			rc := "1"
			if tt.green {
				rc = "0"
			}
			write := func(name, text string, mode os.FileMode) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
					t.Fatal(err)
				}
			}
			write("said", tt.said, 0o600)
			write("go", "#!/bin/sh\ncd "+dir+"\n"+`echo "$@" >>asked
[ -e ran ] && exit 0
touch ran; cat said; exit `+rc+"\n", 0o700)
			c := exec.Command("../../scripts/race.sh")
			c.Env = append(os.Environ(), "GO="+filepath.Join(dir, "go"))
			out, err := c.CombinedOutput()
			if (err != nil) != tt.red {
				t.Errorf("ended with %v:\n%s", err, out)
			}
			asked, err := os.ReadFile(filepath.Join(dir, "asked"))
			if err != nil {
				t.Fatal(err)
			}
			first, then, _ := strings.Cut(strings.TrimSpace(string(asked)), "\n")
			if !strings.HasSuffix(first, " ./...") || !strings.HasPrefix(first, "test -race ") {
				t.Errorf("first ran go %s", first)
			}
			if _, packages, _ := strings.Cut(then, "$ "); packages != tt.again {
				t.Errorf("then ran go %q, and not for %q", then, tt.again)
			}
		})
	}
}
