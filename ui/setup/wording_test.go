package setup

import (
	"testing"

	"traymail/internal/setup"
	"traymail/ui/words"
)

func TestTheTenantIsSaidOnlyWhereTheAddressGaveIt(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	for name, c := range map[string]struct {
		typed  map[Field]string
		method string
		tenant string // what the hint names, "" for no hint
	}{
		"the username":              {map[Field]string{setup.Username: "svc@Contoso.com"}, setup.M365Browser, "contoso.com"},
		"the sender alone":          {map[Field]string{setup.Sender: "alerts@contoso.com"}, setup.M365Browser, ""},
		"half a username":           {map[Field]string{setup.Username: "svc@", setup.Sender: "alerts@contoso.com"}, setup.M365Browser, ""},
		"the tenant is from a page": {map[Field]string{setup.Username: "svc@contoso.com", setup.Tenant: "11111111-2222-4333-8444-555555555555"}, setup.M365Browser, ""},
		"an application's mailbox":  {map[Field]string{setup.Sender: "alerts@contoso.com"}, setup.M365App, "contoso.com"},
		"nothing":                   {nil, setup.M365Browser, ""},
	} {
		t.Run(name, func(t *testing.T) {
			onDesk(t, newFake(), func(t *testing.T, b *bench) {
				b.choose(c.method)
				for _, f := range []Field{setup.Username, setup.Sender, setup.Tenant} {
					if value, is := c.typed[f]; is {
						b.write(f, value)
					}
				}
				for _, language := range words.Languages {
					words.Use(language)
					want := ""
					if c.tenant != "" {
						want = words.Say("setup.recognised_tenant", words.Data{"Tenant": c.tenant})
					}
					if got := recognised(b.state.Draft.Account); got != want {
						t.Errorf("%s: it says %q, want %q", language, got, want)
					}
				}
			})
		})
	}
}
