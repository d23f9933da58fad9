package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/browser"

	"traymail/internal/account"
	"traymail/internal/setup"
	"traymail/keystore"
)

// addresses asks who signs in, who sends, and where the test email goes.
func (w *wizard) addresses(ctx context.Context) error {
	a := &w.d.Account
	if err := w.ownWay(ctx); err != nil {
		return err
	}
	app := a.SignIn == account.AppOnly
	username, sender, to, host, port := a.Username, a.Sender, a.TestTo, a.SMTPHost, strconv.Itoa(a.SMTPPort)
	first := question{title: inGuide(w.guide, setup.Username, "Username"), why: "The address that signs in, such as svc@contoso.com.", value: &username, wrong: wrongAddress, remark: w.remarkAddress}
	if a.Provider == account.Custom && a.SignIn == account.PasswordSignIn {
		first.why, first.wrong, first.remark = "What signs in: an address, or the name that the server has for you.", nil, nil
	}
	other := question{title: inGuide(w.guide, setup.Sender, "Sender"), why: "The address in From. Leave it empty when it is the same.", value: &sender, wrong: wrongAddress, optional: true}
	if app {
		other.why, other.optional, other.remark = "The mailbox that the application sends for, such as svc@contoso.com.", false, w.remarkAddress
	}
	all := []question{other, {title: inGuide(w.guide, setup.TestTo, "Test email address"), why: "Where the test email goes. Leave it empty for the sender itself.", value: &to, wrong: wrongAddress, optional: true}}
	if !app {
		all = slices.Insert(all, 0, first)
	}
	alerts := a.NoticeTo
	if word := w.guide.Word(setup.NoticeTo); word != "" {
		all = append(all, question{title: inGuide(w.guide, setup.NoticeTo, "Address for alerts"), why: "Who gets the alerts by email. It may be left empty.", value: &alerts, wrong: wrongAddress, optional: true})
	}
	authorize, token, scope := a.AuthorizeURL, a.TokenURL, a.SMTPScope
	if a.Provider == account.Custom {
		all = append(all, question{title: "Server", why: "The name of the submission server, such as smtp.example.net.", value: &host},
			question{title: "Port", why: "587 with STARTTLS, 465 with TLS from the beginning.", value: &port, wrong: wrongPort})
		if a.SignIn == account.BrowserSignIn {
			all = append(all, question{title: "Authorization endpoint", why: "The address at which the browser signs in, such as https://login.example.com/oauth2/authorize.", value: &authorize})
		}
		if a.SignIn != account.PasswordSignIn {
			all = append(all, question{title: "Token endpoint", why: "The address that gives tokens, such as https://login.example.com/oauth2/token.", value: &token},
				question{title: "Scope for SMTP", why: "As the provider's documentation names it.", value: &scope})
		}
	}
	err := w.ask.fill(ctx, all...)
	clean := func(s string) string { return setup.Clean(setup.Username, s, *a) }
	username, sender, to = clean(username), clean(sender), clean(to)
	if app {
		username = sender
	}
	followed := strings.EqualFold(sender, a.Username) && !strings.EqualFold(username, a.Username)
	if username != "" && username != a.Username {
		*a = setup.WithAddress(*a, username)
	}
	if a.Sender = sender; sender == "" || followed {
		a.Sender = a.Username
	}
	a.TestTo, a.NoticeTo = to, clean(alerts)
	if a.Provider == account.Custom {
		a.AuthorizeURL, a.TokenURL, a.SMTPScope = strings.TrimSpace(authorize), strings.TrimSpace(token), strings.TrimSpace(scope)
		former := *a
		a.SMTPHost, a.SMTPPort = strings.TrimSpace(host), number(port)
		if a.SMTPPort == 465 {
			a.SMTPTLS = account.ImplicitTLS
		} else if former.SMTPPort == 465 {
			a.SMTPTLS = account.STARTTLS
		}
	}
	if err != nil {
		return err
	}
	if err := w.nameIt(); err != nil {
		return err
	}
	if err := w.mailbox(ctx); errors.Is(err, errBack) {
		return w.addresses(ctx)
	} else if err != nil {
		return err
	}
	if s := setup.Suggest(a.Username); s.Sure && s.Provider != a.Provider && a.Provider != account.Custom && (s.Provider == account.Google || s.Provider == account.OutlookCom) && s.Method != w.d.Method {
		return w.suggest(ctx, s)
	}
	if setup.SendsForOther(*a) {
		w.ask.say(fmt.Sprintf("%s signs in, and %s stands in From: Exchange takes that when %[1]s has Send As on the mailbox of %[2]s. Send on Behalf, which some guides ask for, shows both names to the recipient.\n"+
			"The checks below say what is granted, and can grant it.", a.Username, a.Sender))
	}
	return nil
}

// ownWay asks how one signs in at a server that no preset knows.
func (w *wizard) ownWay(ctx context.Context) error {
	a := &w.d.Account
	if a.Provider != account.Custom {
		return nil
	}
	id, err := w.ask.choose(ctx, "How does one sign in there?", "", string(a.SignIn), []choice{
		{string(account.PasswordSignIn), "With a user name and a password"},
		{string(account.BrowserSignIn), "A person, in the browser (OAuth)"},
		{string(account.AppOnly), "As an application (OAuth)"},
	})
	if err != nil || account.SignIn(id) == a.SignIn {
		return err
	}
	former := *a
	a.SignIn = account.SignIn(id)
	a.Follow(former)
	return w.forgetSecret(ctx)
}

// mailbox asks whose mailbox an application sends through, where the guide does.
func (w *wizard) mailbox(ctx context.Context) error {
	a := &w.d.Account
	if w.guide.Word(setup.Mailbox) == "" {
		return nil
	}
	id, err := w.ask.choose(ctx, inGuide(w.guide, setup.Mailbox, "Mailbox that sends"), "", string(a.Mailbox), []choice{
		{string(account.SenderMailbox), "The sender's, for every message"},
		{string(account.FromMailbox), "That of each message's own From"},
	})
	if err != nil {
		return err
	}
	former := *a
	a.Mailbox = account.Mailbox(id)
	a.Follow(former)
	return nil
}

// suggest proposes the method that an address belongs to.
func (w *wizard) suggest(ctx context.Context, s setup.Suggestion) error {
	what := map[string]string{account.Google: "Google's", account.OutlookCom: "a personal Microsoft account"}[s.Provider]
	yes, err := w.ask.confirm(ctx, fmt.Sprintf("%s is %s", w.d.Account.Username, what), "", "Set it up as that", "Leave it as it is")
	if err != nil || !yes {
		return err
	}
	return w.choose(s.Method, "")
}

// remarkAddress says what follows from an address.
func (w *wizard) remarkAddress(typed string) string {
	if a := w.d.Account; !a.HasEntra() || a.SignIn == account.PasswordSignIn {
		return ""
	}
	switch s := setup.Suggest(setup.Clean(setup.Username, typed, w.d.Account)); {
	case s.Provider == account.Google:
		return "This is a Google account."
	case s.Provider == account.OutlookCom:
		return "This is a personal Microsoft account."
	case s.Tenant != "":
		return "Its organisation (tenant) is " + s.Tenant + "."
	}
	return ""
}

// nameIt gives a new account its name: that of the guide, or one after its
// address.
func (w *wizard) nameIt() error {
	if w.d.Account.Name != "" {
		return nil
	}
	dir, err := w.p.accounts()
	if err != nil {
		return err
	}
	taken, err := dir.Names()
	if err != nil {
		return err
	}
	w.d.Account.Name = setup.FreeName(cmp.Or(w.d.Guide, w.d.Account.Username), taken)
	return nil
}

func number(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0
	}
	return n
}

func wrongPort(s string) string {
	if n := number(s); n < 1 || n > 65535 {
		return "a port is a number from 1 to 65535"
	}
	return ""
}

// registration leads through the portal, and asks for what stands there.
func (w *wizard) registration(ctx context.Context) error {
	if err := w.proof(ctx); err != nil {
		return err
	}
	if err := w.portal(ctx); err != nil {
		return err
	}
	a := &w.d.Account
	if err := w.ids(ctx); err != nil {
		return err
	}
	for {
		err := a.Validate()
		if err == nil {
			err = w.m.Save(ctx, *a, w.secret)
		}
		var field *account.FieldError
		if err == nil || !errors.As(err, &field) {
			if err == nil {
				w.d.HasSecret, w.secret = w.d.HasSecret || w.secret != "", ""
				fmt.Fprintf(w.p.stderr, "Account %s is saved.\n", a.Name)
			}
			return err
		}
		w.ask.say(oneLine(err) + "\n" + field.Fix)
		if slices.Contains([]string{"username", "sender", "test_to", "notice_to", "mailbox", "smtp_host", "smtp_port", "authorize_url", "token_url", "smtp_scope"}, field.Key) {
			return errBack // where it was asked for
		}
		if err := w.ids(ctx); err != nil {
			return err
		}
	}
}

// portal shows the steps in the portal, with their ticks, until the person goes
// on.
func (w *wizard) portal(ctx context.Context) error {
	const on = "on"
	at := ""
	for {
		steps := slices.DeleteFunc(setup.Steps(w.d.Account), func(s setup.Step) bool { return s.Part != setup.AtRegistration })
		if len(steps) == 0 {
			return nil
		}
		all := []choice{{on, "Go on: type in what stands there"}}
		for _, s := range steps {
			title, _, _ := ownStep(s, w.d.Account)
			tick := "[ ] "
			switch {
			case w.d.Ticks[s.ID]:
				tick = "[x] "
			case s.Optional:
				tick = "[-] "
				title += " (where it is missing)"
			}
			all = append(all, choice{s.ID, tick + title})
		}
		id, err := w.ask.choose(ctx, "What to do in the portal, in order", "Choose a step to see where, with its link, and to tick it off.", at, all)
		if err != nil {
			return err
		}
		if id == on {
			return nil
		}
		i := slices.IndexFunc(steps, func(s setup.Step) bool { return s.ID == id })
		if err := w.atPortal(ctx, steps[i]); err != nil && !errors.Is(err, errBack) {
			return err
		}
		if at = on; i+1 < len(steps) {
			at = steps[i+1].ID
		}
	}
}

// atPortal shows one step.
func (w *wizard) atPortal(ctx context.Context, s setup.Step) error {
	title, where, why := ownStep(s, w.d.Account)
	lines := []string{title, why, "Where: " + where}
	if s.Link != "" {
		lines = append(lines, "Link: "+s.Link)
	}
	for _, c := range s.Copy {
		lines = append(lines, "Copy: "+c)
	}
	w.ask.say("\n" + strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" || l == "Where: " }), "\n"))
	all := []choice{{"done", "Tick it off"}}
	if !w.ask.plain { // there it is Back
		all = append(all, choice{"list", "Back to the list"})
	}
	if w.d.Ticks[s.ID] {
		all[0].text = "Take the tick away"
	}
	if s.Link != "" {
		all = slices.Insert(all, 1, choice{"open", "Open the link in the browser"})
	}
	id, err := w.ask.choose(ctx, title, "", "", all)
	switch {
	case err != nil:
		return err
	case id == "done":
		w.d.Ticks[s.ID] = !w.d.Ticks[s.ID]
		return w.keep(ctx)
	case id == "open":
		if err := browser.OpenURL(s.Link); err != nil {
			w.ask.say("No browser could be opened here. Open the link on another machine.")
		}
		return w.atPortal(ctx, s)
	}
	return nil
}

// ids asks for what stands in the portal: IDs and the secret.
func (w *wizard) ids(ctx context.Context) error {
	a := &w.d.Account
	client, tenant, redirect, expires, object := a.ClientID, a.Tenant, a.RedirectURL, a.SecretExpires, a.ObjectID
	secret, assertion := "", a.AssertionFile
	var all []question
	known := contextOf(*a, w.pasted)
	if a.SignIn != account.PasswordSignIn {
		client, err := w.clientID(ctx, client)
		if err != nil {
			return err
		}
		w.take(client)
		known = contextOf(*a, w.pasted)
		tenant, redirect = a.Tenant, a.RedirectURL
		if a.HasEntra() && a.Provider != account.OutlookCom {
			all = append(all, question{title: inGuide(w.guide, setup.Tenant, "Directory (tenant) ID"), why: "The ID, or a domain of the organisation.", value: &tenant,
				wrong: wrongValue(setup.Tenant, known), remark: remarkValue(setup.Tenant, known)})
		}
		if a.SignIn == account.BrowserSignIn && a.Provider != account.Google {
			all = append(all, question{title: inGuide(w.guide, setup.RedirectURL, "Redirect URL"), why: "As it is registered.", value: &redirect,
				wrong: wrongValue(setup.RedirectURL, known), remark: remarkValue(setup.RedirectURL, known)})
		}
		if a.SignIn == account.AppOnly && a.HasEntra() && a.SendsOver(account.SMTP) {
			all = append(all, question{title: inGuide(w.guide, setup.ObjectID, "Object ID of the enterprise application"), why: "Enterprise applications → the app → Overview, not App registrations. It may be left empty: the administrator's commands ask for it.",
				value: &object, optional: true, wrong: wrongValue(setup.ObjectID, known), remark: remarkValue(setup.ObjectID, known)})
		}
	}
	certified := a.SignIn == account.AppOnly && a.Credential == account.CertificateCredential // its file is asked for below
	if setup.NeedsSecret(*a) && !certified {
		all = append(all, w.secretQuestion(&secret, known))
		if a.SignIn != account.PasswordSignIn && a.Provider != account.Google { // whose secrets do not end
			all = append(all, question{title: inGuide(w.guide, setup.SecretExpires, "Day on which the secret ends"), why: "As 2028-01-31; an alert comes before. It may be left empty.", value: &expires, optional: true,
				wrong: wrongValue(setup.SecretExpires, known), remark: remarkValue(setup.SecretExpires, known)})
		}
	}
	if a.SignIn == account.AppOnly && a.Credential == account.FederatedCredential {
		all = append(all, question{title: "File of the federated token", why: "Where the platform that runs traymail writes it, as a whole path.", value: &assertion})
	}
	var err error
	if len(all) > 0 {
		err = w.ask.fill(ctx, all...)
	}
	clean := func(field, v string) string { return setup.Clean(field, v, *a) }
	a.AssertionFile = strings.TrimSpace(assertion)
	a.Tenant, a.RedirectURL, a.SecretExpires, a.ObjectID = clean(setup.Tenant, tenant), clean(setup.RedirectURL, redirect), clean(setup.SecretExpires, expires), clean(setup.ObjectID, object)
	if v := clean(setup.Secret, secret); v != "" {
		w.secret = keystore.Secret(v)
	}
	if err != nil {
		return err
	}
	return w.certificate(ctx)
}

// clientID asks for the client ID, or for a paste that has it.
func (w *wizard) clientID(ctx context.Context, value string) (string, error) {
	a := w.d.Account
	known := contextOf(a, w.pasted)
	q := question{title: inGuide(w.guide, setup.ClientID, "Application (client) ID"), why: "The ID alone, or the whole Overview page: what is needed is found in it.", value: &value, long: true,
		wrong: func(typed string) string {
			if f := setup.Recognise(typed); f.ClientID != "" {
				known.Pasted = f
				return wrongValue(setup.ClientID, known)(f.ClientID)
			}
			return wrongValue(setup.ClientID, known)(typed)
		},
		remark: func(typed string) string {
			if f := setup.Recognise(typed); !f.Empty() {
				return foundWords(f)
			}
			return remarkValue(setup.ClientID, known)(typed)
		},
	}
	if !a.HasEntra() {
		q.title, q.why, q.long = "Client ID", "From where the app is registered at the provider.", false
	}
	err := w.ask.fill(ctx, q)
	if err != nil {
		w.take(value)
	}
	return value, err
}

// take puts a client ID, or what a paste holds, into the account.
func (w *wizard) take(typed string) {
	a := &w.d.Account
	f := setup.Recognise(typed)
	if f.Empty() {
		if a.ClientID = setup.Clean(setup.ClientID, typed, *a); a.HasEntra() && !account.IsGUID(a.ClientID) {
			a.ClientID = ""
		}
		return
	}
	w.pasted = f
	*a = f.Apply(*a)
	if f.Secret != "" {
		w.secret = keystore.Secret(f.Secret)
	}
}

// foundWords name what a paste holds, without the secret itself.
func foundWords(f setup.Found) string {
	var all []string
	for _, v := range []struct{ name, value string }{{"client ID", f.ClientID}, {"tenant ID", f.Tenant}, {"Object ID", f.ObjectID}, {"redirect URL", f.RedirectURL}} {
		if v.value != "" {
			all = append(all, v.name+" "+v.value)
		}
	}
	if f.Secret != "" {
		all = append(all, "a client secret")
	}
	if f.Guessed {
		all = append(all, "by their order, as there are no labels")
	}
	return "Found: " + strings.Join(all, ", ") + "."
}

// notShown says what becomes of a secret that is typed.
const notShown = "It is not shown, and goes to the keystore."

// secretQuestion asks for what the account proves itself with.
func (w *wizard) secretQuestion(secret *string, known setup.Context) question {
	q := question{title: inGuide(w.guide, setup.Secret, "Client secret"), why: "The Value, not the Secret ID. It is not shown, and goes to the keystore.", value: secret, secret: true,
		wrong: wrongValue(setup.Secret, known), remark: remarkValue(setup.Secret, known)}
	if known.Account.SignIn == account.PasswordSignIn {
		q.title, q.why, q.wrong, q.remark = "Password of "+known.Account.Username, notShown, nil, nil
	}
	if !known.Account.HasEntra() { // which alone shows an ID beside it
		q.why = notShown
	}
	if w.d.HasSecret || w.secret != "" {
		q.optional = true
		q.why += " One is kept already: leave it empty to go on with that."
	}
	return q
}
