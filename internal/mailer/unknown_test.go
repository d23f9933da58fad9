package mailer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
	"traymail/internal/sandbox"
)

func TestASettingThatCannotWorkStopsItsAccountAndNotTheProgram(t *testing.T) {
	b := newBench(t, "")
	a := account.Account{Name: "broken", ID: "abcdefgh12345678", Provider: account.Microsoft365, SignIn: account.AppOnly, Credential: account.CertificateCredential,
		Sender: "a@contoso.com", Tenant: "contoso.com", ClientID: "11111111-2222-3333-4444-555555555555"}
	if err := b.Accounts().Save(&a); err != nil {
		t.Fatal(err)
	}
	if err := b.Secrets.Set(t.Context(), certificateName(&a), "no certificate"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds what the first left
		_, err := b.Validate(t.Context(), "broken")
		var f *account.FieldError
		if !errors.As(err, &f) || f.Fix == "" {
			t.Fatalf("Validate = %v", err)
		}
	}
	a.Credential = account.SecretCredential
	if err := b.Save(t.Context(), a, "a-secret"); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestAMessageWithoutAnAuthorInFromIsTaken(t *testing.T) {
	b := newBench(t, "")
	q, err := b.Enqueue(t.Context(), "main", Submission{To: []string{"b@contoso.com"}, Data: strings.NewReader("From: undisclosed:;\r\nTo: b@contoso.com\r\n\r\nhi\r\n")})
	if err != nil || q.ID == "" {
		t.Errorf("Enqueue = %+v, %v", q, err)
	}
}

func TestAnAppsSecretIsNotKeptForAnotherApp(t *testing.T) {
	b := newBench(t, "")
	a := account.Account{Name: "payroll", ID: "abcdefgh12345678", Provider: account.Microsoft365, SignIn: account.AppOnly,
		Sender: "a@contoso.com", Tenant: "contoso.com", ClientID: "11111111-2222-3333-4444-555555555555"}
	if err := b.Save(t.Context(), a, "a-secret"); err != nil {
		t.Fatal(err)
	}
	a.ClientID = "22222222-2222-3333-4444-555555555555"
	var f *account.FieldError
	if err := b.Save(t.Context(), a, ""); !errors.As(err, &f) || f.Key != "client secret" {
		t.Errorf("Save = %v", err)
	}
	if err := b.Save(t.Context(), a, "another"); err != nil {
		t.Error(err)
	}
}

func TestAMessageThatGraphMayHaveIsHeldAlsoWhenTheProgramStops(t *testing.T) {
	b := overGraph(t, nil)
	b.start()
	b.sandbox.GraphFaults().Add(sandbox.GraphFault{On: "/sendMail", Silent: true})
	q, err := b.Enqueue(t.Context(), "", Submission{To: []string{"svc@contoso.com"}, Data: strings.NewReader("Subject: hello\r\n\r\nbody\r\n")})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); len(b.inbox()) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("Graph never took it")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // less patience than Graph has silence
	defer cancel()
	_ = b.Shutdown(ctx)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.sandbox.GraphFaults().Clear()
	b.start()
	r, err := b.Message(t.Context(), q.ID)
	if err != nil {
		t.Fatal(err)
	}
	if r.State != queue.Held || len(r.Attempts) != 1 {
		t.Errorf("the message is %s after %d attempts", r.State, len(r.Attempts))
	}
}

func TestTheTestEmailNamesWhoSignedInWhereItIsSentOnBehalf(t *testing.T) {
	b := newBench(t, "")
	b.change("", func(a *account.Account) { a.Sender, a.OnBehalf = "alerts@contoso.com", true })
	b.signIn()
	if _, err := b.SendTest(t.Context(), "main", "ops@contoso.com"); err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(string(b.inbox()[0].Data), "\r\n\r\n")
	if !strings.Contains(header, "From: <alerts@contoso.com>\r\nSender: <svc@contoso.com>\r\n") {
		t.Errorf("the header is\n%s", header)
	}
}

func TestAProviderWithoutDeviceCodesSaysHowToSignInInstead(t *testing.T) {
	b := newBench(t, "")
	a := account.Account{Name: "gmail", ID: "abcdefgh12345678", Provider: account.Google, Username: "me@gmail.com", ClientID: "1-x.apps.googleusercontent.com"}
	if err := b.Save(t.Context(), a, "a-secret"); err != nil {
		t.Fatal(err)
	}
	_, err := b.SignIn(t.Context(), "gmail", SignIn{Device: func(DeviceCode) { t.Error("a code is shown") }})
	if fix := Fix(err); !strings.Contains(fix, "traymail login gmail --paste") {
		t.Errorf("SignIn = %v, fix %q", err, fix)
	}
}
