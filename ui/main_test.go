package ui

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The page is tested in English, whatever the machine speaks. It is asked for
// before the tests, because the toolkit complains about a machine without.
func TestMain(m *testing.M) {
	for _, name := range []string{"LANGUAGE", "LC_ALL", "LC_MESSAGES"} {
		os.Unsetenv(name)
	}
	os.Setenv("LANG", "en_US.UTF-8")
	goleak.VerifyTestMain(m)
}
