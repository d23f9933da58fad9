package service

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test's own program be what a service runs.
func TestMain(m *testing.M) {
	if actAsProgram != nil && len(os.Args) > 1 {
		actAsProgram(os.Args[1:])
	}
	goleak.VerifyTestMain(m)
}

// actAsProgram ends the process if the arguments are those of a service or of
// whoever installs it.
var actAsProgram func(args []string)
