package setup_test

import (
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/setup"
)

const (
	clientID = "11111111-2222-4333-8444-555555555555"
	objectID = "66666666-7777-4888-9999-aaaaaaaaaaaa"
	tenantID = "bbbbbbbb-cccc-4ddd-8eee-ffffffffffff"
	secretID = "12121212-3434-4565-8787-909090909090"
	secret   = "abc8Q~not-a-real-secret-of-anybody_01234"
)

// pages is what the portal's Overview page gives when it is copied, by language.
// The labels are those of the portal as they are remembered, not copied from it.
var pages = map[string]string{
	"English": "Home > App registrations >\ntraymail\nSearch\nDelete\nEndpoints\nPreview features\nEssentials\nDisplay name\n:\ntraymail\nApplication (client) ID\n:\n{client}\nObject ID\n:\n{object}\nDirectory (tenant) ID\n:\n{tenant}\n" +
		"Supported account types\n:\nMy organization only\nClient credentials\n:\n0 certificate, 1 secret\nRedirect URIs\n:\n0 web, 0 spa, 1 public client\nApplication ID URI\n:\nAdd an Application ID URI\nManaged application in local directory\n:\ntraymail",
	"in one line each":       "Application (client) ID : {client}\r\nObject ID : {object}\r\nDirectory (tenant) ID : {tenant}\r\n",
	"labels before values":   "Application (client) ID\nObject ID\nDirectory (tenant) ID\n\n{client}\n{object}\n{tenant}\n",
	"in a table":             "| Application (client) ID | {client} |\n| Object ID | {object} |\n| Directory (tenant) ID | {tenant} |",
	"German":                 "Anzeigename : traymail\nAnwendungs-ID (Client) : {client}\nObjekt-ID : {object}\nVerzeichnis-ID (Mandant) : {tenant}\nUnterstützte Kontotypen : Nur meine Organisation",
	"French":                 "Nom d’affichage : traymail\nID d’application (client) : {client}\nID d’objet : {object}\nID de l’annuaire (locataire) : {tenant}\nTypes de comptes pris en charge",
	"Spanish":                "Nombre para mostrar\ntraymail\nId. de aplicación (cliente)\n{client}\nId. de objeto\n{object}\nId. de directorio (inquilino)\n{tenant}",
	"Portuguese":             "Nome de exibição : traymail\nID do aplicativo (cliente) : {client}\nID do objeto : {object}\nID do diretório (locatário) : {tenant}",
	"Portuguese of Portugal": "ID da aplicação (cliente)\n: {client}\nID de objeto\n: {object}\nID do diretório (inquilino)\n: {tenant}",
	"Japanese":               "表示名\ntraymail\nアプリケーション (クライアント) ID\n{client}\nオブジェクト ID\n{object}\nディレクトリ (テナント) ID\n{tenant}",
	"Chinese":                "显示名称\n：traymail\n应用程序(客户端) ID\n：{client}\n对象 ID\n：{object}\n目录(租户) ID\n：{tenant}",
	"Chinese of Taiwan":      "應用程式 (用戶端) 識別碼\n：{client}\n物件識別碼\n：{object}\n目錄 (租用戶) 識別碼\n：{tenant}",
	"invisible characters":   "Application\u00a0(client)\u00a0ID\u200b : \u200e{client}\u200f\nObject ID\u2060 : {object}\nDirectory (tenant) ID : \ufeff{tenant}",
	"Azure PowerShell":       "\nIdentifierUri          : {}\nId                     : {object}\nAppId                  : {client}\nDisplayName            : traymail\nAppOwnerOrganizationId : {tenant}\n",
	"Microsoft Graph PowerShell": "\nDisplayName Id                                   AppId                                SignInAudience PublisherDomain\n" +
		"----------- --                                   -----                                -------------- ---------------\ntraymail    {object} {client} AzureADMyOrg   contoso.com\n\nTenantId : {tenant}",
	"az ad app show": `{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#applications/$entity", "appId": "{client}", "displayName": "traymail", "id": "{object}", "appOwnerOrganizationId": "{tenant}",
		"requiredResourceAccess": [{"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": [{"id": "258f6531-6087-4cc4-bb90-092c5fb3ed3f", "type": "Scope"}]}]}`,
	"a broken piece of JSON": "\"appId\": \"{client}\",\n\"id\": \"{object}\",\n\"tenantId\": \"{tenant}\"",
	"links of the portal":    "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Overview/appId/{client}/objectId/{object}\nhttps://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
	"capital letters":        "APPLICATION (CLIENT) ID: " + strings.ToUpper(clientID) + " OBJECT ID: " + strings.ToUpper(objectID) + " DIRECTORY (TENANT) ID: " + strings.ToUpper(tenantID),
}

func pasted(text string) string {
	return strings.NewReplacer("{client}", clientID, "{object}", objectID, "{tenant}", tenantID, "{secretid}", secretID, "{secret}", secret).Replace(text)
}

func TestTheOverviewPageIsRecognisedInEveryLanguageAndForm(t *testing.T) {
	for name, text := range pages {
		t.Run(name, func(t *testing.T) {
			f := setup.Recognise(pasted(text))
			if f.ClientID != clientID || f.ObjectID != objectID || f.Tenant != tenantID || f.Guessed || f.Secret != "" {
				t.Errorf("Recognise = %+v", f)
			}
		})
	}
}

func TestWhatElseAPasteHolds(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       setup.Found
	}{
		{"nothing", "hello", setup.Found{}},
		{"one ID alone is the field's own", "{client}", setup.Found{}},
		{"two IDs without labels", "{client}\n{tenant}", setup.Found{ClientID: clientID, Tenant: tenantID, Guessed: true}},
		{"three IDs without labels are in the page's order", "traymail\n{client}\n{object}\n{tenant}\nMy organization only", setup.Found{ClientID: clientID, ObjectID: objectID, Tenant: tenantID, Guessed: true}},
		{"four IDs without labels are anything", "{client}\n{object}\n{tenant}\n{secretid}", setup.Found{}},
		{"a secret's value", "{secret}", setup.Found{Secret: secret}},
		{"a row of client secrets", "Description\tExpires\tValue\tSecret ID\ntraymail\t31/01/2028\t{secret}\t{secretid}", setup.Found{Secret: secret, SecretID: secretID}},
		{"a row without its header", "traymail 1/31/2028 {secret} {secretid}", setup.Found{Secret: secret, SecretID: secretID}},
		{"environment variables", "AZURE_CLIENT_ID={client}\nAZURE_TENANT_ID={tenant}\nAZURE_CLIENT_SECRET=anything-that-is-long", setup.Found{ClientID: clientID, Tenant: tenantID, Secret: "anything-that-is-long"}},
		{"az ad sp create-for-rbac", `{"appId": "{client}", "displayName": "traymail", "password": "{secret}", "tenant": "{tenant}"}`, setup.Found{ClientID: clientID, Tenant: tenantID, Secret: secret}},
		{"az ad app with redirects", `[{"appId":"{client}","id":"{object}","publicClient":{"redirectUris":["http://localhost"]},"web":{"redirectUris":[]}}]`,
			setup.Found{ClientID: clientID, ObjectID: objectID, RedirectURL: "http://localhost"}},
		{"the old manifest", `{"id":"{object}","appId":"{client}","replyUrlsWithType":[{"url":"http://localhost:53682/callback","type":"Web"}]}`,
			setup.Found{ClientID: clientID, ObjectID: objectID, RedirectURL: "http://localhost:53682/callback"}},
		{"Google's file", `{"installed":{"client_id":"123456789012-abcdefghijklmnop.apps.googleusercontent.com","project_id":"mail","client_secret":"GOCSPX-not-a-secret","redirect_uris":["http://localhost"]}}`,
			setup.Found{ClientID: "123456789012-abcdefghijklmnop.apps.googleusercontent.com", Secret: "GOCSPX-not-a-secret", RedirectURL: "http://localhost"}},
		{"a redirect URL in a sentence", "Register http://localhost:53682/callback. Then go on.", setup.Found{RedirectURL: "http://localhost:53682/callback"}},
		{"a labelled redirect URL", "Redirect URI: https://ec.contoso.com/oauth/callback", setup.Found{RedirectURL: "https://ec.contoso.com/oauth/callback"}},
		{"a token endpoint with a domain", "Token Endpoint https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token", setup.Found{Tenant: "contoso.com"}},
		{"an address of an app", "Application (client) ID: {client}\nApplication ID URI: api://{client}", setup.Found{ClientID: clientID}},
		{"an error's IDs are nobody's", "Trace ID: {object} Correlation ID: {tenant}", setup.Found{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := setup.Recognise(pasted(tt.text)); got != tt.want {
				t.Errorf("Recognise = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAnObjectIDFromThePageIsNotTakenForTheEnterpriseApplications(t *testing.T) {
	m, _ := setup.MethodByID(setup.M365App)
	a := setup.Recognise(pasted(pages["English"])).Apply(m.Account("app"))
	if a.ClientID != clientID || a.Tenant != tenantID || a.ObjectID != "" || a.RedirectURL != "" {
		t.Errorf("Apply = %+v", a)
	}
}

func FuzzRecognise(f *testing.F) {
	for _, text := range pages {
		f.Add(pasted(text))
	}
	f.Add(pasted("Description\tExpires\tValue\tSecret ID\ntraymail\t31/01/2028\t{secret}\t{secretid}"))
	f.Fuzz(func(t *testing.T, text string) {
		got := setup.Recognise(text)
		if again := setup.Recognise(text); again != got {
			t.Fatalf("the same text gives %+v and %+v", got, again)
		}
		for _, id := range []string{got.ObjectID, got.SecretID} {
			if id != "" && (!account.IsGUID(id) || id != strings.ToLower(id)) {
				t.Errorf("%q is no ID", id)
			}
		}
		for field, value := range map[string]string{setup.ClientID: got.ClientID, setup.Tenant: got.Tenant} {
			a := account.Account{Provider: account.Microsoft365, SignIn: account.BrowserSignIn}
			if strings.HasSuffix(value, ".apps.googleusercontent.com") {
				continue
			}
			for _, m := range setup.Mistakes(field, value, setup.Context{Account: a}) {
				if m.Code != setup.Placeholder {
					t.Errorf("%s %q was recognised and has the mistake %s", field, value, m.Code)
				}
			}
		}
	})
}
