package trial

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The page is tested in English, whatever the machine speaks.
func TestMain(m *testing.M) {
	for _, name := range []string{"LANGUAGE", "LC_ALL", "LC_MESSAGES"} {
		os.Unsetenv(name)
	}
	os.Setenv("LANG", "en_US.UTF-8")
	goleak.VerifyTestMain(m)
}
