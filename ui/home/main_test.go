package home

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The page is tested in English and in one time zone, whatever the machine has.
func TestMain(m *testing.M) {
	for _, name := range []string{"LANGUAGE", "LC_ALL", "LC_MESSAGES"} {
		os.Unsetenv(name)
	}
	os.Setenv("LANG", "en_US.UTF-8")
	goleak.VerifyTestMain(m)
}
