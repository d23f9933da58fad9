package main

import (
	"bufio"
	"slices"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

func TestEveryPresetSendsWithoutAnAddressBeingGiven(t *testing.T) {
	application := "--sign-in app-only --sender svc@contoso.com --client-id APPLICATION-ID --tenant TENANT-ID --secret-stdin < application.txt"
	overGraph := "--transport graph --sign-in app-only --sender svc@contoso.com --client-id GRAPH-ID --tenant TENANT-ID --secret-stdin < graph.txt"
	person := "--username svc@contoso.com --client-id PUBLIC-ID --tenant TENANT-ID"
	type setup struct{ name, flags, login string }
	ofCloud := []setup{
		{"person", person, "traymail login person"},
		{"device", person, "traymail login device --device"},
		{"person-graph", person + " --transport graph", "traymail login person-graph"},
		{"application", application, ""},
		{"application-graph", overGraph, ""},
	}
	tests := []struct {
		preset, scenario string
		setups           []setup
	}{
		{account.Microsoft365, "", ofCloud},
		{account.Microsoft365US, "gcc-high", ofCloud},
		{account.Microsoft365DD, "dod", ofCloud},
		{account.Microsoft365CN, "21vianet", ofCloud},
		{account.OutlookCom, "outlook.com", []setup{{"person", "--username svc@outlook.com --client-id PUBLIC-ID", "traymail login person"}}},
		{account.Google, "google", []setup{{"person", "--username svc@gmail.com --client-id PUBLIC-ID --secret-stdin < public.txt", "traymail login person"}}},
	}
	for _, tt := range tests {
		t.Run(tt.preset, func(t *testing.T) {
			if !alone(t) {
				return
			}
			o := newOffice(t, tt.scenario)
			if o.ready.Provider != tt.preset {
				t.Fatalf("the sandbox plays %s", o.ready.Provider)
			}
			o.apps()
			for _, s := range tt.setups {
				o.does("traymail account add " + s.name + " --provider " + tt.preset + " --test-to ops@contoso.com " + s.flags)
				switch {
				case strings.HasSuffix(s.login, "--device"):
					o.signsInByCode(s.login)
				case s.login != "":
					o.does(s.login, "Signed in as "+o.person.Username)
				}
				before := len(o.sandbox.Tenant().Inbox())
				o.does("traymail test "+s.name, "Sent to ops@contoso.com, from "+o.person.Username)
				got := o.sandbox.Tenant().Inbox()[before]
				if over := strings.Contains(s.name, "graph"); got.User != o.person.Username || (got.Over == "graph") != over || (got.App != "") == (s.login != "") {
					t.Errorf("%s: it arrives from %s by app %q over %s", s.name, got.User, got.App, got.Over)
				}
			}
		})
	}
	var presets []string
	for _, tt := range tests {
		presets = append(presets, tt.preset)
	}
	for _, p := range account.Providers() {
		if p != account.Custom && !slices.Contains(presets, p) {
			t.Errorf("%s is not among them", p)
		}
	}
}

// apps fills in the sandbox's own apps, by what they are for.
func (o *office) apps() {
	for _, a := range o.ready.Apps {
		name := strings.ToLower(string(a.Platform))
		if strings.HasSuffix(a.What, "over Graph") {
			name = "graph"
		}
		o.fill[strings.ToUpper(name)+"-ID"] = a.ClientID
		o.write(name+".txt", a.ClientSecret)
	}
}

// signsInByCode runs a sign-in with a code, which the person enters.
func (o *office) signsInByCode(text string) {
	o.t.Helper()
	c := o.command(text)
	said, err := c.StderrPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		o.t.Fatal(err)
	}
	for in := bufio.NewScanner(said); in.Scan(); {
		_, rest, shown := strings.Cut(in.Text(), "On any device open ")
		if !shown {
			continue
		}
		words := strings.Fields(rest)
		p := sandbox.Person{Username: o.person.Username, Password: o.person.Password, UserCode: words[5], Client: trusting(o.ready.CAPEM)}
		if _, err := p.Visit(o.t.Context(), words[0]); err != nil {
			o.t.Error(err)
			_ = c.Process.Kill() // else it waits for the code's end
		}
	}
	if err := c.Wait(); err != nil {
		o.t.Fatalf("%s: %v", text, err)
	}
}
