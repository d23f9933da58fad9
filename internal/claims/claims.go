// Package claims looks into access tokens before a server does, to tell in plain
// words why that server will refuse them. It decodes and never validates: what
// it says is a hint, and the server's word counts.
package claims

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxToken bounds what is looked at, in bytes; a large token has 10 KiB.
const maxToken = 64 << 10

// Claims are the claims of a JWT that decide whether a mail server or Graph
// accepts it. What a token does not hold, or holds in another form than
// expected, is the zero value. Nothing in it is verified, and none of it is
// secret.
type Claims struct {
	Audience []string // aud: the API that the token is for
	Roles    []string // roles: what an application may do
	Scopes   []string // scp: what it may do for the person who signed in
	TenantID string   // tid
	ClientID string   // appid, in v2 tokens azp
	// Usernames are upn, unique_name and preferred_username, as far as they are
	// there and differ: who signed in. An application's token has none.
	Usernames []string
	Expires   time.Time // exp
	NotBefore time.Time // nbf
	// ClientAuth is appidacr, in v2 tokens azpacr: how the client proved who it
	// is; "0" not at all, "1" with a secret, "2" with a certificate or another
	// assertion.
	ClientAuth   string
	IdentityType string // idtyp, where it is asked for: "app" or "user"
	// ObjectID is oid: of a person's token the account's, of an application's own
	// the enterprise application's, by which Exchange knows it.
	ObjectID string
	// Guest says that the person comes from another tenant or provider: idp is
	// there and not iss, or the account is of the external type (acct).
	Guest bool
}

// members are the claims as they come. They are taken raw, so that one of an
// odd type does not hide the others.
type members struct {
	Audience          json.RawMessage `json:"aud"`
	Roles             json.RawMessage `json:"roles"`
	Scopes            json.RawMessage `json:"scp"`
	TenantID          json.RawMessage `json:"tid"`
	AppID             json.RawMessage `json:"appid"`
	AuthorizedParty   json.RawMessage `json:"azp"`
	UPN               json.RawMessage `json:"upn"`
	UniqueName        json.RawMessage `json:"unique_name"`
	PreferredUsername json.RawMessage `json:"preferred_username"`
	Expires           json.RawMessage `json:"exp"`
	NotBefore         json.RawMessage `json:"nbf"`
	AppACR            json.RawMessage `json:"appidacr"`
	AuthorizedACR     json.RawMessage `json:"azpacr"`
	IdentityType      json.RawMessage `json:"idtyp"`
	ObjectID          json.RawMessage `json:"oid"`
	Issuer            json.RawMessage `json:"iss"`
	IdentityProvider  json.RawMessage `json:"idp"`
	AccountType       json.RawMessage `json:"acct"`
}

// Inspect decodes a signed JWT (RFC 7519 §7.2, without the signature). It
// reports false for any other token: those of personal accounts and of most
// other providers are opaque, which says nothing against them.
func Inspect(token string) (Claims, bool) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 || !isBase64URL(parts[2]) {
		return Claims{}, false
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	var m members
	if !decode(parts[0], &header) || header.Algorithm == "" || !decode(parts[1], &m) {
		return Claims{}, false
	}
	c := Claims{
		Audience:     list(m.Audience),
		Roles:        list(m.Roles),
		TenantID:     text(m.TenantID),
		ClientID:     first(m.AppID, m.AuthorizedParty),
		Expires:      moment(m.Expires),
		NotBefore:    moment(m.NotBefore),
		ClientAuth:   first(m.AppACR, m.AuthorizedACR),
		IdentityType: text(m.IdentityType),
		ObjectID:     text(m.ObjectID),
	}
	for _, s := range list(m.Scopes) {
		c.Scopes = append(c.Scopes, strings.Fields(s)...)
	}
	for _, raw := range []json.RawMessage{m.UPN, m.UniqueName, m.PreferredUsername} {
		if name := text(raw); name != "" && !slices.Contains(c.Usernames, name) {
			c.Usernames = append(c.Usernames, name)
		}
	}
	home := text(m.IdentityProvider)
	c.Guest = !c.AppOnly() && (home != "" && home != text(m.Issuer) || text(m.AccountType) == "1")
	return c, true
}

// AppOnly reports whether the token is an application's own and nobody signed
// in for it. Under App RBAC such a token has neither scopes nor roles.
func (c Claims) AppOnly() bool {
	switch c.IdentityType {
	case "app":
		return true
	case "user":
		return false
	}
	return len(c.Scopes) == 0 && len(c.Usernames) == 0
}

// decode reads one part of a JWT, which must be a JSON object.
func decode(part string, into any) bool {
	if !isBase64URL(part) {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && strings.HasPrefix(strings.TrimLeft(string(raw), " \t\r\n"), "{") && json.Unmarshal(raw, into) == nil
}

// isBase64URL is stricter than the decoder, which skips line ends.
func isBase64URL(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// list is a JSON string or an array of them (RFC 7519 §4.1.3).
func list(raw json.RawMessage) []string {
	var all []string
	if json.Unmarshal(raw, &all) == nil {
		return all
	}
	if s := text(raw); s != "" {
		return []string{s}
	}
	return nil
}

// text is a JSON string, or a number's digits; "" for any other value.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

func first(raws ...json.RawMessage) string {
	for _, raw := range raws {
		if s := text(raw); s != "" {
			return s
		}
	}
	return ""
}

// moment is a NumericDate (RFC 7519 §2). What lies outside of the years 1970 to
// 9999 cannot be meant.
func moment(raw json.RawMessage) time.Time {
	seconds, err := strconv.ParseFloat(text(raw), 64)
	if err != nil || !(seconds > 0 && seconds < 253402300800) {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}
