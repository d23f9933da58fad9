package setup

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"traymail/internal/account"
)

// Found is what a paste holds. What was not in it is empty.
type Found struct {
	ClientID    string
	Tenant      string // ID or domain
	ObjectID    string // of which of the app's two objects, the paste does not tell
	RedirectURL string
	Secret      string // a client secret's value
	SecretID    string
	// Guessed says that the IDs had no labels, and the order in which the portal
	// has them was taken for them.
	Guessed bool
}

// Empty reports whether nothing was found.
func (f Found) Empty() bool { return f == Found{} }

// longestPaste is how much of a text is looked at, in bytes. An Overview page has
// less than 4 KiB.
const longestPaste = 64 << 10

// Recognise finds in what somebody pasted the values of an app registration: the
// portal's Overview page in English, German, French, Spanish, Portuguese,
// Japanese or Chinese, with its labels or without, a row of client secrets, JSON
// from the portal, Azure CLI or Google, output of PowerShell, addresses of
// endpoints, and lines such as AZURE_CLIENT_ID=…. One ID alone with nothing
// beside it is not told apart: that is a value of the field it is typed into.
func Recognise(text string) Found {
	if len(text) > longestPaste {
		text = text[:longestPaste]
	}
	text = plainForm(text)
	if f := recogniseJSON(text); !f.Empty() {
		return f
	}
	f := recogniseIDs(text)
	if m := secretForm.FindStringSubmatch(text); m != nil {
		f.Secret = m[1]
	} else if m := labelledSecret.FindStringSubmatch(text); m != nil && !guidForm.MatchString(m[1]) {
		f.Secret = m[1]
	}
	if f.ClientID == "" {
		f.ClientID = googleID.FindString(text)
	}
	for _, u := range urlForm.FindAllString(text, -1) {
		u = strings.TrimRight(u, ".,;:)]}'\"")
		if tenant, ok := tenantOfURL(u); ok && f.Tenant == "" {
			f.Tenant = tenant
		}
		if f.RedirectURL == "" && isRedirect(u) {
			f.RedirectURL = u
		}
	}
	if f.RedirectURL == "" {
		if m := labelledRedirect.FindStringSubmatch(text); m != nil {
			f.RedirectURL = strings.TrimRight(m[1], ".,;")
		}
	}
	return f
}

// plainForm makes what stands for the same character the same: line ends, blanks
// of any width, the full-width forms of Japanese and Chinese text.
func plainForm(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case isInvisible(r):
			return -1
		case r == '\u00a0' || r == '\u202f' || r == '\u3000' || r >= '\u2000' && r <= '\u200a':
			return ' '
		case r >= '\uff01' && r <= '\uff5e':
			return r - 0xfee0
		case r == '\u2019':
			return '\''
		case r == '\u2010' || r == '\u2011' || r == '\u2012' || r == '\u2013' || r == '\u2212':
			return '-'
		}
		return r
	}, s)
}

var (
	guidForm = regexp.MustCompile(`(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)
	// Entra's secrets have their third version in the fourth and fifth characters.
	secretForm       = regexp.MustCompile(`(?:^|[^A-Za-z0-9_~.-])([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})(?:$|[^A-Za-z0-9_~.-])`)
	labelledSecret   = regexp.MustCompile(`(?im)(?:^|[^a-z])(?:client[ _-]?secret|secret[ _-]?text|secret[ _-]?value|app[ _-]?secret|clientgeheimnis)["']?\s*[:=]\s*["']?([^\s"',;]{8,200})`)
	labelledRedirect = regexp.MustCompile(`(?im)(?:redirect[ _-]?ur[il]s?|reply ?urls?|umleitungs-uris?|uris? de redirection|uris? de redirección|uris? de redireccionamiento|uris? de redirecionamento|リダイレクト ?uri|重定向 ?uri|重新導向 ?uri)["']?\s*[:=]?\s*["']?(https?://[^\s"'<>]+)`)
	googleID         = regexp.MustCompile(`\b[0-9]{6,20}-[a-z0-9]{10,64}\.apps\.googleusercontent\.com\b`)
	urlForm          = regexp.MustCompile(`(?i)\bhttps?://[^\s"'<>|]+`)
)

// isRedirect reports whether u is a redirect URL whatever stands around it.
func isRedirect(u string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(u), "http://")
	host := rest[:cmp.Or(max(strings.IndexAny(rest, ":/?#"), 0), len(rest))]
	return ok && (host == "localhost" || host == "127.0.0.1") && !strings.ContainsAny(u, "?#")
}

// A kind is what an ID is.
type kind int

const (
	clientKind kind = iota
	tenantKind
	objectKind
	secretKind
	otherKind // an ID that is none of these
)

// labels are what stands before an ID. An earlier row wins where two match at
// one place.
var labels = []struct {
	kind kind
	form string
}{
	{secretKind, `secret ?id|geheim(?:e|nis|er schlüssel)[- ]id|geheimnis-?id|clientgeheimnis-?id|id (?:de |du )?secret|id\.? (?:de |del )?secreto|id (?:de |do )?segredo|シークレット ?id|(?:机密|客户端密码|客户端机密|秘密) ?id|(?:秘密|祕密)識別碼|keyid|key id`},
	{tenantKind, `directory \(tenant\) id|directory id|tenant[ _-]?id|home ?tenant ?id|tenant\b ?[:=]|["']tenant["']|appownerorganizationid|appownertenantid|verzeichnis-id(?: \(mandant\))?|mandanten-?id|` +
		`id (?:de l'|du |d')?(?:annuaire|répertoire|locataire)|id\.? (?:de |del )?(?:directorio|inquilino)|id (?:de |do )?(?:diretório|directório|locatário|inquilino)|` +
		`ディレクトリ ?\(テナント\) ?id|テナント ?id|目录 ?\(租户\) ?id|租户 ?id|目錄 ?\(租用戶\) ?(?:id|識別碼)|租用戶 ?(?:id|識別碼)`},
	{clientKind, `application \(client\) id|application[ _]?id|client[ _-]?id|app[ _-]?id\b|/appid/|anwendungs-id(?: \(client\))?|anwendungs-\(client-\)id|client-id|` +
		`id (?:de l'|de |d')?application|id (?:du )?client|id\.? (?:de |de la )?aplicación|id\.? (?:de |del )?cliente|id (?:de |do |da )?(?:aplicativo|aplicação|aplicacao|cliente)|` +
		`アプリケーション ?\(クライアント\) ?id|クライアント ?id|アプリケーション ?id|应用程序 ?\(客户端\) ?id|应用程序 ?id|客户端 ?id|應用程式 ?\(用戶端\) ?(?:id|識別碼)|用戶端 ?(?:id|識別碼)`},
	{objectKind, `object[ _-]?id|/objectid/|objekt-?id|id (?:de l'|de |d')?objet|id\.? (?:de |del )?objeto|id (?:de |do )?objeto|オブジェクト ?id|对象 ?id|物件 ?(?:id|識別碼)|["']id["'] ?:|(?:\n|^) *id *:`},
	{otherKind, `subscription[ _-]?id|correlation[ _-]?id|request[ _-]?id|trace[ _-]?id|session[ _-]?id|abonnement-?id|订阅 ?id|サブスクリプション ?id`},
}

var (
	labelForm = regexp.MustCompile(func() string {
		forms := make([]string, len(labels))
		for i, l := range labels {
			forms[i] = "(" + l.form + ")"
		}
		return "(?i)" + strings.Join(forms, "|")
	}())
	// Get-MgApplication's table has its ID beside the client ID, in this order.
	idHeader = regexp.MustCompile(`(?i)\bid +appid\b`)
)

// labelsIn are the kinds that the labels in text name, in order.
func labelsIn(text string) []kind {
	text = idHeader.ReplaceAllString(text, "objectid appid")
	var all []kind
	for _, m := range labelForm.FindAllStringSubmatchIndex(text, -1) {
		for i, l := range labels {
			if m[2+2*i] >= 0 {
				all = append(all, l.kind)
				break
			}
		}
	}
	return all
}

// recogniseIDs goes through a text in runs: labels, then the IDs behind them.
// Most often each run is one label and one ID; where a copy set the columns
// apart it is all labels and then all IDs, in the same order.
func recogniseIDs(text string) Found {
	var f Found
	var bare []string // IDs without a label
	var pending []kind
	var run []string
	known := map[string]bool{}
	settle := func() {
		of := pending
		if len(of) > len(run) {
			of = of[len(of)-len(run):]
		}
		for i, id := range run {
			if i < len(of) {
				f.take(of[i], id)
				known[id] = true
			} else if !known[id] && !slices.Contains(bare, id) {
				bare = append(bare, id)
			}
		}
		pending, run = nil, nil
	}
	end := 0
	for _, at := range guidForm.FindAllStringIndex(text, -1) {
		gap := text[end:at[0]]
		if found := labelsIn(gap); len(found) > 0 {
			settle()
			pending = found
		} else if secretForm.MatchString(gap) {
			settle()
			pending = []kind{secretKind} // the Secret ID stands beside its value
		} else if strings.HasSuffix(strings.ToLower(gap), "/") && tenantHost.MatchString(gap) {
			settle()
			pending = []kind{tenantKind}
		}
		run = append(run, strings.ToLower(text[at[0]:at[1]]))
		end = at[1]
	}
	settle()
	bare = slices.DeleteFunc(bare, func(id string) bool { return known[id] })
	f.guess(bare)
	return f
}

var tenantHost = regexp.MustCompile(`(?i)https://(?:login\.[a-z.]+|sts\.windows\.net)/$`)

// take keeps the first of each kind.
func (f *Found) take(k kind, id string) {
	to := map[kind]*string{clientKind: &f.ClientID, tenantKind: &f.Tenant, objectKind: &f.ObjectID, secretKind: &f.SecretID}[k]
	if to != nil && *to == "" {
		*to = id
	}
}

// guess takes IDs without labels in the order of the Overview page: client,
// object, tenant; of two, client and tenant, which are what guides have one note
// down.
func (f *Found) guess(bare []string) {
	if f.ClientID != "" || f.Tenant != "" || f.ObjectID != "" {
		return
	}
	switch len(bare) {
	case 2:
		f.ClientID, f.Tenant, f.Guessed = bare[0], bare[1], true
	case 3:
		f.ClientID, f.ObjectID, f.Tenant, f.Guessed = bare[0], bare[1], bare[2], true
	}
}

// Apply returns the account with what was found, without the secret, which is in
// no account. The Object ID of an Overview page in App registrations is not the
// enterprise application's, and is left alone.
func (f Found) Apply(a account.Account) account.Account {
	if f.ClientID != "" {
		a.ClientID = f.ClientID
	}
	if f.Tenant != "" && a.HasEntra() && a.Provider != account.OutlookCom {
		a.Tenant = f.Tenant
	}
	if f.RedirectURL != "" && a.SignIn == account.BrowserSignIn {
		a.RedirectURL = f.RedirectURL
	}
	return a
}

var (
	escapeForm      = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	placeholderForm = regexp.MustCompile(`(?i)^[<{\[]*(?:your|my|the|azure)?[ _-]*(?:application|app|client|tenant|directory|object|secret)[ _-]*(?:\(?client\)?|\(?tenant\)?)?[ _-]*(?:id|secret|value)[>}\]]*$`)
)
