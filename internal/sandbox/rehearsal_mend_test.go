package sandbox

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/url"
	"strings"
)

// mended does what the scenario says that mends it.
func (r *rehearsal) mended() {
	s := r.b.scenario
	created := map[string]string{} // new secrets, by client ID
	for _, m := range s.Mend {
		form, body, kind := url.Values{}, "", "application/x-www-form-urlencoded"
		for name, value := range m.Form {
			form.Set(name, strings.ReplaceAll(value, "{issuer}", r.ready.FederatedIssuer))
		}
		if body = form.Encode(); form.Get("certificate") == "{certificate}" {
			r.renewProof()
			body, kind = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.proof.certificate.Raw})), "application/x-pem-file"
		}
		reply, err := r.client().Post(r.ready.PortalURL+"/"+m.Action, kind, strings.NewReader(body))
		if err != nil {
			r.b.Fatal(err)
		}
		answer, _ := io.ReadAll(reply.Body)
		reply.Body.Close()
		if reply.StatusCode/100 != 2 {
			r.b.Fatalf("%s: %d %s", m.Action, reply.StatusCode, answer)
		}
		var app portalApp
		json.Unmarshal(answer, &app)
		created[app.ClientID] = app.ClientSecret
	}
	for _, set := range s.Settings {
		value := strings.ReplaceAll(set.Value, "{authority}", strings.TrimSuffix(r.ready.PortalURL, "/portal"))
		switch set.Name {
		case "username":
			r.username, r.person = value, ""
			r.findPassword()
		case "client_id":
			r.clients[set.Kind] = value
		case "client_secret":
			if value == "{client_secret}" {
				value = created[r.clients[set.Kind]]
			}
			r.secrets[set.Kind] = value
		case "smtp_scope":
			r.ready.SMTPScope = value
		case "smtp_host":
			r.ready.SMTPHost = value
		case "tenant", "authority":
			was := r.ready.TenantID
			if set.Name == "authority" {
				was = r.ready.Authority
			}
			for _, u := range []*string{&r.ready.DiscoveryURL, &r.ready.AuthorizeURL, &r.ready.TokenURL, &r.ready.DeviceURL, &r.ready.DevicePage} {
				*u = strings.Replace(*u, was, value, 1)
			}
		default:
			r.b.Fatalf("no setting is called %s", set.Name)
		}
	}
}
