package account

import (
	"errors"
	"testing"
)

// FuzzImport reads what somebody sent as an account: what comes in is valid, has
// an ID of its own and a name that is one, and everything else is told with its
// place.
func FuzzImport(f *testing.F) {
	f.Add([]byte("[[account]]\nname = \"work\"\nusername = \"svc@contoso.com\"\nclient_id = \"" + clientID + "\"\n"))
	f.Add([]byte(`{"account":[{"name":"work","id":"abcdefgh","username":"svc@contoso.com","client_id":"` + clientID + `"}]}`))
	f.Add([]byte("[[account]]\nname = \"../../etc/x\"\n"))
	f.Add([]byte("{\"account\":[{}]} {"))
	f.Add([]byte("[account]\nname = 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := Import(data)
		var field *FieldError
		if err != nil {
			if !errors.As(err, &field) {
				t.Errorf("%q: %T %v", data, err, err)
			}
			return
		}
		for _, a := range all {
			if err := ValidateName(a.Name); err != nil || a.ID == "" || a.ID == "abcdefgh" {
				t.Errorf("%q became %q with the ID %q: %v", data, a.Name, a.ID, err)
			}
			if err := a.Validate(); err != nil {
				t.Errorf("%q was imported: %v", data, err)
			}
		}
	})
}
