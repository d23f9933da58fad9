package main

import (
	"strings"
	"testing"

	"traymail/internal/setup"
)

func TestOnlyWhereASecretHasAnIDBesideItIsThatSaid(t *testing.T) {
	for method, want := range map[string]bool{setup.M365App: true, setup.Google: false, setup.Password: false} {
		m, _ := setup.MethodByID(method)
		typed := ""
		if why := (&wizard{}).secretQuestion(&typed, contextOf(m.Account("x"), setup.Found{})).why; strings.Contains(why, "Secret ID") != want || !strings.Contains(why, "not shown") {
			t.Errorf("%s: it says %q", method, why)
		}
	}
}
