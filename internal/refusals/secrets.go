package refusals

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// labels are the words for what is secret. Those after shortLabel are parts of
// other words too, and count alone or as the last word of a name.
const (
	longLabels  = `passwor[dt]|passwd|passphrase|passcode|userpwd|client_?secret|secret|[_-]token|token|credentials?|(?:api|account|access|private|signing|shared|subscription|functions)[_-]?key|assertion|code_?verifier|device_?code|kennwort|mot de passe|contraseña|contrasena|wachtwoord|palavra-passe|lösenord|adgangskode|парол[ья]|パスワード|密码|密碼`
	shortLabels = `pass|pwd|pw|sig|mdp|clave|senha|hasło`
	anyLabel    = `(?i:` + longLabels + `|` + shortLabels + `)`
)

// A mark is parts of every line that a secret can stand in after, in small
// letters.
type mark []string

var (
	labelMarks  = mark{"pass", "pwd", "pw", "sig", "mdp", "clave", "senha", "hasło", "secret", "token", "credential", "key", "assertion", "verifier", "device", "kennwort", "contrase", "wachtwoord", "senord", "adgangskode", "арол", "АРОЛ", "パスワード", "密码", "密碼"}
	optionMarks = mark{"-pass", "-pwd", "-pw", "-xp", "-ap", "password", "passphrase", "secret", "token", "bearer", "key", "-p "}
	userMarks   = mark{"-u", "--proxy-u"}
	callMarks   = mark{"login", "auth", "credential", "connect", "passwor", "pass(", "_pass", "secret(", "token("}
	saslMarks   = mark{"auth ", "auth\t", "auth\n", "334"}
	headerMarks = mark{"authorization", "api-key", "cookie"}
)

var (
	labelled    = regexp.MustCompile(`(` + anyLabel + `)(?i:[0-9]|_?(?:value|plain|text|b64|base64))?(?:\s+(?i:for|of|für|pour|para)\s+\S{1,80}?)?["'’”\])]{0,3}(?:[ \t]*(=>|:=|->|[:=]{1,2}|(?i:\bis\b)|["']?[\s,;]{1,3}["']?(?i:value)["']?\s{0,3}[:=])[ \t]*\n?[ \t]*|\s{1,8})`)
	option      = regexp.MustCompile(`(?:^|[\s"'(\[,])--?(?i:(?:[a-z0-9-]{0,40}(?:password|passwd|passphrase|pass|pwd|secret|token|bearer|api-?key))|ap|xp|pw|(p))["']?[,\s=:]{1,4}`)
	userOption  = regexp.MustCompile(`(?:^|[\s"'(\[,])(?:-u|-U|--user|--proxy-user|--userpwd)["']?[,\s=]{0,3}(?:"([^"\n:]*:[^"\n]+)"|'([^'\n:]*:[^'\n]+)'|([^\s:"'-][^\s:"']*:[^\s"']+))`)
	userInfo    = regexp.MustCompile(`://([^\s"'<>/?#:]*(?:%3[aA][^\s"'<>/?#:]*)?):([^\s"'<>]+)@`)
	userAndHost = regexp.MustCompile(`(?:@[A-Za-z0-9.-]+:([^\s@"'<>]+)@[A-Za-z0-9-]|(?:^|[\s"'(\[=])[A-Za-z0-9._%+\\-]+:([^\s@/"'<>]+)@[A-Za-z0-9.-]+:\d)`)
	call        = regexp.MustCompile(`(?i:login|authenticate(?:async)?|auth|credentials?|passwordauthentication|authenticator|setauthentication|passwor[dt]|set_?pass|connect(?:async)?|secret|token)\s{0,2}\(([^()\n]{1,400})`)
	quotedText  = regexp.MustCompile(`"[^"\n]*"|'[^'\n]*'`)
	command     = regexp.MustCompile(`\b(?:LOGIN[ \t]+\S+[ \t]+|PASS[ \t]+)(\S+)`)
	sasl        = regexp.MustCompile(`(?i)(?:\bAUTH\s+(?:XOAUTH2|PLAIN(?:-CLIENTTOKEN)?|LOGIN|OAUTHBEARER|CRAM-MD5|DIGEST-MD5|NTLM|GSSAPI|SCRAM-\S+)|\b334)((?:[\s-]+[^\s]+){1,10})`)
	wordAt      = regexp.MustCompile(`\S+`)
	base64Word  = regexp.MustCompile(`^["'(\[]*([A-Za-z0-9+/_-]{3,}={0,2})["')\].,;]*$`)
	mechanism   = regexp.MustCompile(`^(?i:XOAUTH2?|PLAIN|LOGIN|OAUTHBEARER|CRAM-MD5|DIGEST-MD5|NTLM|GSSAPI|AUTH|SCRAM-SHA\S*|XYMCOOKIE|PLAIN-CLIENTTOKEN|MSN|X-\S+|EXTERNAL|ANONYMOUS|ATRN|VXNlcm5hbWU6|UGFzc3dvcmQ6)$`)
	bearer      = regexp.MustCompile(`(?i)\b(?:bearer|basic)[\s:="']+([A-Za-z0-9+/_.~=|!*-]{4,})`)
	header      = regexp.MustCompile(`(?i)\b(?:authorization|x-api-key|cookie)["']?\s*[:=]\s*["']?(?:(?:bearer|basic|digest|negotiate|ntlm|token)\s+)?([^\s"',]+)`)
	codeParam   = regexp.MustCompile(`(?i)\bcode(?:=|"\s*:\s*")([^\s&"'<>]+)`)
	privateKey  = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----([^-]*)`)
	secure      = regexp.MustCompile(`(?i)ConvertTo-SecureString\s+(?:-String\s+)?`)
	jwt         = regexp.MustCompile(`eyJ[A-Za-z0-9_=-]*(?:\s*\.\s*[A-Za-z0-9_=-]*)*`)
	xoauth2     = regexp.MustCompile(`\bdXNlcj[A-Za-z0-9+/=_-]+`)
	padded      = regexp.MustCompile(`(?:^|[^A-Za-z0-9+/=])([A-Za-z0-9+/]{4,}={1,2})(?:[^A-Za-z0-9+/=]|$)`)
	blob        = regexp.MustCompile(`[A-Za-z0-9+/_~=-]{20,}(?:\.[A-Za-z0-9+/_~=-]{8,})*`)
	guid        = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	noSecret    = regexp.MustCompile(`^(?:[2-5]\d\d|AADSTS\d*|(?i:null|none|nil|true|false|yes|no|undefined|empty|\[removed\]|\[?redacted\]?|<[^<>]*>|\*+|x{3,}|\.+|…))$`)
	afterIs     = regexp.MustCompile(`^(?i:not|no|in|empty|missing|expired|invalid|incorrect|wrong|required|disabled|malformed|being|the|issued|for|an?|too|already|used|locked)$`)
	complaint   = regexp.MustCompile(`(?i)(?:error|invalid|expired|missing|bad|unknown|no|wrong|incorrect|unexpected|your|the|reset|change)[a-z]{0,24}[\s_-]?$`)
	hexNumber   = regexp.MustCompile(`^0[xX][0-9a-fA-F]+$`)
	nextKey     = regexp.MustCompile(`[,;&|]["']?[A-Za-z_][\w.-]*["']?\s?[=:]`)
	messageID   = regexp.MustCompile(`^@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+`)
	parameter   = regexp.MustCompile(`^\d{1,5}(?:[/?#]|$)`)
)

// secretSpans returns where in a text secrets stand beside what tells that they
// are, in order and apart from each other.
func secretSpans(text string) []span {
	var all []span
	lower := lowerASCII(text)
	add := func(from, to int) {
		if from >= 0 && from < to {
			all = append(all, span{from, to})
		}
	}
	each := func(near mark, p *regexp.Regexp, found func(m []int)) {
		for _, s := range near.lines(lower) {
			for _, m := range p.FindAllStringSubmatchIndex(text[s.from:s.to], -1) {
				for i := range m {
					if m[i] >= 0 {
						m[i] += s.from
					}
				}
				found(m)
			}
		}
	}
	covered := 0 // by the value before
	each(labelMarks, labelled, func(m []int) {
		if m[2] >= covered {
			from, to := labelledValue(text, m)
			add(from, to)
			covered = max(covered, to)
		}
	})
	each(optionMarks, option, func(m []int) {
		from, to := valueAt(text, m[1])
		if v := text[from:to]; !noSecret.MatchString(v) && !strings.HasPrefix(v, "--") && (m[2] < 0 || odd(v)) {
			add(from, to)
		}
	})
	each(userMarks, userOption, func(m []int) {
		for i := 2; i < len(m); i += 2 {
			if m[i] >= 0 && !strings.Contains(text[m[i]:m[i+1]], "://") {
				add(m[i], m[i+1])
			}
		}
	})
	each(mark{"://"}, userInfo, func(m []int) {
		if !parameter.MatchString(text[m[4]:m[5]]) {
			add(m[4], m[5])
		}
	})
	each(mark{"@"}, userAndHost, func(m []int) { add(m[2], m[3]); add(m[4], m[5]) })
	each(callMarks, call, func(m []int) {
		arguments := text[m[2]:m[3]]
		for _, q := range quotedText.FindAllStringIndex(arguments, -1) {
			if inner := arguments[q[0]+1 : q[1]-1]; !isReply(inner) {
				add(m[2]+q[0]+1, m[2]+q[1]-1)
			}
		}
		if i := strings.LastIndexByte(arguments, ','); i >= 0 && !strings.ContainsAny(arguments, `"'`) {
			if last := strings.TrimSpace(arguments[i+1:]); odd(last) && !strings.Contains(last, " ") {
				add(m[3]-len(arguments)+i+1, m[3])
			}
		}
	})
	each(mark{"login", "pass "}, command, func(m []int) {
		if word := text[m[2]:m[3]]; !mechanism.MatchString(word) && !noSecret.MatchString(word) && !isOrdinary(word) {
			add(m[2], m[3])
		}
	})
	each(saslMarks, sasl, func(m []int) {
		for _, w := range wordAt.FindAllStringIndex(text[m[2]:m[3]], -1) {
			from, to := m[2]+w[0], m[2]+w[1]
			word := strings.TrimLeft(text[from:to], "-")
			from = to - len(word)
			b := base64Word.FindStringSubmatchIndex(word)
			switch {
			case b == nil, mechanism.MatchString(word):
			case noSecret.MatchString(word) || isOrdinary(word):
				if !strings.HasPrefix(word, "334") {
					return // what the server said
				}
			default:
				add(from+b[2], from+b[3])
			}
		}
	})
	each(mark{"bearer", "basic"}, bearer, func(m []int) {
		if word := strings.TrimRight(text[m[2]:m[3]], ".:"); !isWord(word) {
			add(m[2], m[3]) // and not "basic authentication is disabled"
		}
	})
	each(headerMarks, header, func(m []int) {
		if word := text[m[2]:m[3]]; !noSecret.MatchString(word) && (strings.Contains(text[m[0]:m[2]], " ") || !isWord(word)) {
			add(m[2], m[3])
		}
	})
	each(mark{"code=", `code"`}, codeParam, func(m []int) {
		if word := text[m[2]:m[3]]; odd(word) && !hexNumber.MatchString(word) && !strings.HasPrefix(word, "Error") {
			add(m[2], m[3])
		}
	})
	each(mark{"private key"}, privateKey, func(m []int) { add(m[2], m[3]) })
	each(mark{"securestring"}, secure, func(m []int) {
		if from, to := valueAt(text, m[1]); !strings.HasPrefix(text[from:to], "-") {
			add(from, to)
		}
	})
	each(mark{"eyj"}, jwt, func(m []int) { add(m[0], m[1]) })
	each(mark{"dxnlcj"}, xoauth2, func(m []int) { add(m[0], m[1]) })
	each(mark{"="}, padded, func(m []int) {
		if (m[3]-m[2])%4 == 0 {
			add(m[2], m[3])
		}
	})
	return apart(all)
}

// blobSpans returns where long words stand that look random.
func blobSpans(text string) []span {
	var all []span
	for _, m := range blob.FindAllStringIndex(text, -1) {
		if word := text[m[0]:m[1]]; !guid.MatchString(word) && !isName(word) && !messageID.MatchString(text[m[1]:]) {
			all = append(all, span{m[0], m[1]})
		}
	}
	return all
}

// apart returns spans in order, those that touch as one.
func apart(all []span) []span {
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	var apart []span
	for _, s := range all {
		if n := len(apart) - 1; n >= 0 && s.from <= apart[n].to {
			apart[n].to = max(apart[n].to, s.to)
		} else {
			apart = append(apart, s)
		}
	}
	return apart
}

// lines returns the lines of a text with a mark in them, each with the two after
// it, because a value may stand there.
func (near mark) lines(lower string) []span {
	const after = 2
	var all []span
	for _, word := range near {
		for at := 0; at < len(lower); {
			i := strings.Index(lower[at:], word)
			if i < 0 {
				break
			}
			s := span{from: max(at, strings.LastIndexByte(lower[:at+i], '\n')+1), to: at + i}
			for line := range after + 1 {
				n := strings.IndexByte(lower[s.to:], '\n')
				if n < 0 {
					s.to = len(lower)
				} else {
					s.to += n + 1
				}
				if line == 0 {
					at = s.to // the next line may have a mark too
				}
			}
			all = append(all, s)
		}
	}
	return apart(all)
}

// labelledValue returns where the value of a label stands that was found; the
// first is -1 where it is no secret after all.
func labelledValue(text string, m []int) (from, to int) {
	label, name := text[m[2]:m[3]], beforeWord(text[:m[2]])
	last, _ := utf8.DecodeLastRuneInString(text[:m[2]])
	first, _ := utf8.DecodeRuneInString(label)
	if len(label) <= len("clave") && unicode.IsLetter(last) && !(unicode.IsLower(last) && unicode.IsUpper(first)) && !strings.EqualFold(label, "pwd") && !strings.EqualFold(label, "token") {
		return -1, -1 // "bypass"
	}
	from, to = valueAt(text, m[1])
	value := text[from:to]
	if len(value) < 100 && noSecret.MatchString(value) || isReply(value) {
		return -1, -1
	}
	sign := ""
	if m[4] >= 0 {
		sign = strings.ToLower(text[m[4]:m[5]])
	}
	wraps := strings.Contains(text[m[2]:m[1]], "\n")
	switch {
	case sign == "" || wraps:
		// Without a sign only what looks like one is a secret.
		if !odd(value) || strings.ContainsAny(value, "/@:") && !wraps {
			return -1, -1
		}
	case sign == "is":
		if afterIs.MatchString(strings.TrimRight(value, ".,:;)")) {
			return -1, -1
		}
	case strings.HasPrefix(sign, ":"):
		// "InvalidAuthenticationToken: Access", "invalid password: try again"
		if complaint.MatchString(name) && !odd(value) && !strings.ContainsAny(text[m[3]:from], `"'`) && isOrdinary(value) {
			return -1, -1
		}
	}
	return from, to
}

// beforeWord is the end of a text that could say what is the matter with the
// word after it.
func beforeWord(text string) string { return text[max(0, len(text)-40):] }

// valueAt returns where a value stands that begins at i: a text in quotes, or a
// word as far as the next key.
func valueAt(text string, i int) (from, to int) {
	rest := text[i:]
	const longest = 500
	line, _, _ := strings.Cut(rest[:min(len(rest), longest)], "\n")
	quote, n := utf8.DecodeRuneInString(line)
	if closing, ok := map[rune]rune{'"': '"', '\'': '\'', '`': '`', '“': '”', '„': '“', '‘': '’', '«': '»'}[quote]; ok && n > 0 {
		for end := n; ; {
			j := strings.IndexRune(line[end:], closing)
			if j < 0 {
				break
			}
			end += j
			after, _ := utf8.DecodeRuneInString(line[end+utf8.RuneLen(closing):])
			if !unicode.IsLetter(after) && !unicode.IsDigit(after) {
				return i + n, i + end
			}
			end += utf8.RuneLen(closing)
		}
		if j := strings.IndexRune(line[n:], closing); j >= 0 {
			return i + n, i + n + j
		}
		i, line = i+n, line[n:]
	}
	word := line
	if j := strings.IndexAny(word, " \t"); j >= 0 {
		word = word[:j]
	}
	if strings.ContainsAny(word, ",;&|") {
		if m := nextKey.FindStringIndex(word); m != nil {
			word = word[:m[0]]
		}
	}
	word = strings.TrimRight(word, `,;)]}>"'`)
	return i, i + len(word)
}
