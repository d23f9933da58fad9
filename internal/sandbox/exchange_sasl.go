package sandbox

import (
	"encoding/base64"
	"strings"
)

// decodeSASL decodes a response; "=" is the empty one.
func decodeSASL(response string) (string, bool) {
	if response == "=" {
		return "", true
	}
	if strings.ContainsAny(response, "\r\n") { // which base64 would skip
		return "", false
	}
	decoded, err := base64.StdEncoding.DecodeString(response)
	return string(decoded), err == nil
}

// parseXOAUTH2 decodes the only message of XOAUTH2.
func parseXOAUTH2(response string) (user, token string, ok bool) {
	decoded, ok := decodeSASL(response)
	fields := strings.Split(decoded, "\x01")
	if !ok || len(fields) != 4 || fields[2] != "" || fields[3] != "" {
		return "", "", false
	}
	user, isUser := strings.CutPrefix(fields[0], "user=")
	scheme, token, _ := strings.Cut(fields[1], " ")
	return user, token, isUser && strings.EqualFold(scheme, "auth=Bearer")
}

// parseOAuthBearer decodes the client's first message of OAUTHBEARER (RFC 7628
// section 3.1). The user must be named; host and port are not looked at.
func parseOAuthBearer(response string) (user, token string, ok bool) {
	decoded, ok := decodeSASL(response)
	header, rest, hasFields := strings.Cut(decoded, "\x01")
	gs2 := strings.Split(header, ",") // n,a=user,
	pairs, ended := strings.CutSuffix(rest, "\x01\x01")
	if !ok || !hasFields || !ended || len(gs2) != 3 || gs2[0] != "n" || gs2[2] != "" {
		return "", "", false
	}
	user, named := strings.CutPrefix(gs2[1], "a=")
	if user, ok = unescapeSASLName(user); !ok || !named {
		return "", "", false
	}
	found := false
	for pair := range strings.SplitSeq(pairs, "\x01") {
		key, value, isPair := strings.Cut(pair, "=")
		if !isPair || key == "" {
			return "", "", false
		}
		if key != "auth" {
			continue
		}
		scheme, credentials, _ := strings.Cut(value, " ")
		if found || !strings.EqualFold(scheme, "Bearer") {
			return "", "", false
		}
		token, found = credentials, true
	}
	return user, token, found
}

// unescapeSASLName undoes the escapes of a comma and an equals sign (RFC 5801
// section 4); there are no others, and no name is empty.
func unescapeSASLName(name string) (string, bool) {
	plain := strings.NewReplacer("=2C", ",", "=3D", "=").Replace(name)
	bare := strings.NewReplacer("=2C", "", "=3D", "").Replace(name)
	return plain, name != "" && !strings.Contains(bare, "=") && !strings.Contains(name, "\x00")
}

// parsePlain decodes the only message of PLAIN (RFC 4616). Nobody may act for
// another.
func parsePlain(response string) (user, password string, ok bool) {
	decoded, ok := decodeSASL(response)
	fields := strings.Split(decoded, "\x00")
	if !ok || len(fields) != 3 || fields[0] != "" && fields[0] != fields[1] {
		return "", "", false
	}
	return fields[1], fields[2], true
}
