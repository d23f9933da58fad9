package checks

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"traymail/authcode"
	"traymail/internal/account"
)

// soon is how long before its end a client secret or certificate is warned of.
const soon = 30 * 24 * time.Hour

// credentialFindings are what a token endpoint says of the credential; anything
// else it says is somebody else's fault, and the checks of the tokens tell it.
var credentialFindings = []string{"secret-wrong", "secret-expired", "secret-missing", "public-client-sent-secret", "certificate-not-registered", "federated-mismatch"}

// credential proves what the account proves itself with.
func (r *run) credential(ctx context.Context) Result {
	a := &r.Account
	what := "the client secret"
	switch {
	case a.SignIn == account.PasswordSignIn && a.SMTPTLS == account.NoTLS:
		return skipped("the server on this machine asks for none")
	case a.SignIn == account.PasswordSignIn:
		return passed("the password is stored; whether it is right, the server says")
	case a.SignIn == account.BrowserSignIn && !a.HasClientSecret():
		return skipped("the registration is a public one and has no client secret")
	case a.SignIn == account.AppOnly && a.Credential == account.CertificateCredential:
		what = "the certificate"
	case a.SignIn == account.AppOnly && a.Credential == account.FederatedCredential:
		what = "the federated token"
	}
	if a.HasClientSecret() && a.HasEntra() && account.IsGUID(strings.TrimSpace(r.ClientSecret())) {
		return r.secretIs(r.found("secret-is-an-id", Fail, "the stored client secret has the form of a Secret ID, 00000000-0000-0000-0000-000000000000", ""))
	}
	accepted, err := r.tryCredential(ctx)
	if err != nil {
		if j := judge(err); slices.Contains(credentialFindings, j.finding) {
			return r.secretIs(r.refused(Fail, err, what+" was refused"))
		}
		// It came to its end on something else, which the tokens' checks tell.
		accepted = false
	}
	left := r.Expires.Sub(r.Now())
	day := r.Expires.Format(time.DateOnly)
	switch {
	case r.Expires.IsZero():
	case left <= 0 && !accepted:
		return r.secretIs(r.found("secret-expired", Fail, fmt.Sprintf("%s ended on %s", what, day), ""))
	case left <= 0:
		return r.secretIs(r.found("secret-expires-soon", Warn, fmt.Sprintf("%s is said to have ended on %s, and is still taken: correct the date, or replace it", what, day), ""))
	case left <= soon:
		return r.secretIs(r.found("secret-expires-soon", Warn, fmt.Sprintf("%s ends on %s, in %s", what, day, days(left)), ""))
	}
	state := what + " is accepted"
	if !accepted {
		state = what + " is stored, and not proven"
	}
	switch {
	case !r.Expires.IsZero():
		return passed("%s; it ends on %s, in %s", state, day, days(left))
	case a.SignIn == account.AppOnly && a.Credential == account.FederatedCredential || !a.HasEntra():
		return passed("%s", state)
	}
	result := r.found("secret-expiry-unknown", Warn, state+"; when it ends is not known, so nobody can be told in time", "")
	result.Command = traymail("account edit %s --secret-expires YYYY-MM-DD", a.Name)
	return result
}

// days is a time in whole days, for people.
func days(d time.Duration) string {
	switch n := int(d / (24 * time.Hour)); n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

// secretIs tells how the credential is replaced, where the catalogue does not.
func (r *run) secretIs(result Result) Result {
	r.takeSteps(&result, []string{map[account.Credential]string{
		account.CertificateCredential: "certificate", account.FederatedCredential: "federated-credential",
	}[r.Account.Credential]})
	if strings.Contains(result.Reply, "key used is expired") {
		result.Fix = r.fill("it has ended: have a new one made, traymail account edit {account} --make-certificate FILE, and then: ") + result.Fix
	}
	if result.Link == "" {
		r.takeSteps(&result, []string{"client-secret"})
	}
	if result.Command == "" && r.Account.HasClientSecret() {
		result.Command = traymail("account edit %s --secret-stdin", r.Account.Name)
	}
	return result
}

// tryCredential has the authority judge the credential, and reports whether it
// did. An application asks for its token, and who is signed in renews. Before
// anybody has signed in, a Web registration asks for a token of its own, which is
// thrown away: that such a registration may do that, without any permission, is
// assumed.
func (r *run) tryCredential(ctx context.Context) (bool, error) {
	a := &r.Account
	switch {
	case a.SignIn == account.AppOnly:
		_, err := r.token(ctx, r.resource())
		r.noToken = err
		return err == nil, err
	case r.SignedIn:
		_, err := r.token(ctx, r.resource())
		return err == nil, err
	}
	resource, named := r.apiOf(a.SMTPScope, a.GraphScope)
	if !named || !a.HasEntra() || slices.Contains([]string{"common", "organizations", "consumers", ""}, a.Tenant) {
		return false, nil
	}
	source := &authcode.Source{Application: true, Client: &authcode.Client{
		Endpoints: authcode.Endpoints{TokenURL: a.Endpoint("oauth2/v2.0/token")}, ClientID: a.ClientID, ClientSecret: authcode.Secret(r.ClientSecret()),
		Resources:  []authcode.Resource{{Name: ResourceSMTP, Scopes: []string{resource + "/.default"}}},
		HTTPClient: r.Web, Now: r.Now, Sleep: once,
	}}
	defer source.Close()
	_, err := source.Token(ctx, ResourceSMTP)
	return err == nil, err
}

// once keeps a question from being asked again and again.
func once(context.Context, time.Duration) error { return errOnce }

var errOnce = errors.New("it is asked once only")

// apiOf is the API that the first of these scopes belongs to.
func (r *run) apiOf(scopes ...string) (string, bool) {
	for _, s := range strings.Fields(strings.Join(scopes, " ")) {
		if u, err := url.Parse(s); err == nil && u.Scheme == "https" && u.Host != "" {
			return s[:strings.LastIndexByte(s, '/')], true
		}
	}
	return "", false
}

// resource is the one that messages leave by.
func (r *run) resource() string {
	if r.Account.SendsOver(account.SMTP) {
		return ResourceSMTP
	}
	return ResourceGraph
}

// firstToken is token, unless the check of the credential was refused one just
// now: the same would only take as long again.
func (r *run) firstToken(ctx context.Context, resource string) (string, error) {
	if r.noToken != nil && resource == r.resource() && !r.again {
		return "", r.noToken
	}
	return r.token(ctx, resource)
}

// token is an access token for a resource: a new one where the check failed
// before, and the first one of a person's sign-in for what messages leave by, or
// a refusal of the sign-in would be found by the last check only.
func (r *run) token(ctx context.Context, resource string) (string, error) {
	first := r.Account.SignIn == account.BrowserSignIn && resource == r.resource() && !r.renewed
	if r.again || first {
		token, err := r.Renew(ctx, resource)
		r.renewed = r.renewed || first && err == nil
		return token, err
	}
	return r.Token(ctx, resource)
}
