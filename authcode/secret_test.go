package authcode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestASecretNeverPrints(t *testing.T) {
	const value = "hunter2"
	p := newProvider(t)
	c := p.client()
	c.ClientSecret = value
	source := &Source{Client: c}
	st := source.started()
	st.unsaved, st.cache["smtp"] = value, cached{token: Token{Access: value}}
	signIn := &SignIn{client: c, keys: &keys{state: value, nonce: value, verifier: value}}
	var buf bytes.Buffer
	for _, x := range []any{Secret(value), new(Secret), Token{Access: value, Expiry: time.Now()}, c, source, signIn,
		&Grant{RefreshToken: value, Tokens: map[string]Token{"smtp": {Access: value}}}, []Secret{value}, map[string]Secret{"x": value}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s", "%t"} {
			fmt.Fprintf(&buf, verb+"\n", x)
		}
		slog.New(slog.NewTextHandler(&buf, nil)).Info("text", "x", x)
		slog.New(slog.NewJSONHandler(&buf, nil)).Info("json", "x", x)
		if out, err := json.Marshal(x); err == nil {
			buf.Write(out)
		}
	}
	for _, leak := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprint([]byte(value))} {
		if strings.Contains(buf.String(), leak) {
			i := strings.Index(buf.String(), leak)
			t.Errorf("%q was printed: …%s", leak, buf.String()[max(0, i-200):i+20])
		}
	}
	if !strings.Contains(buf.String(), redacted) || Secret(value).Reveal() != value {
		t.Error("a secret is not shown as such, or Reveal does not give it")
	}
}
