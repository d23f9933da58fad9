package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/natefinch/atomic"
)

// Ready is what a client, or a person, needs to use a running sandbox. It holds
// the sandbox's passwords and client secret, which are worth nothing elsewhere.
type Ready struct {
	Scenario string `json:"scenario"`
	// Provider is whose tenant it is, as traymail names its presets.
	Provider string `json:"provider"`

	Authority    string `json:"authority"` // "https://localhost:1234"
	TenantID     string `json:"tenant_id"`
	Domain       string `json:"domain"`
	Issuer       string `json:"issuer"`
	DiscoveryURL string `json:"discovery_url"`
	AuthorizeURL string `json:"authorize_url"`
	TokenURL     string `json:"token_url"`
	DeviceURL    string `json:"device_url"`  // where a program asks for a code
	DevicePage   string `json:"device_page"` // where a person enters it
	LogoutURL    string `json:"logout_url"`
	JWKSURL      string `json:"jwks_url"`
	GraphURL     string `json:"graph_url"` // without "/v1.0"
	// ExchangeURL is where the endpoint for administrators is, without "/adminapi".
	ExchangeURL string `json:"exchange_url,omitempty"`
	// AdminConsentURL is where an administrator grants permissions for
	// everybody. PortalURL has a page of everything else that an administrator
	// does, with the curl command for it; certificates are POSTed to PortalURL +
	// "/apps/{client_id}/certificates". Both may be "".
	AdminConsentURL string `json:"admin_consent_url,omitempty"`
	PortalURL       string `json:"portal_url,omitempty"`
	// FederatedIssuer is the iss of an issuer that a federated credential can
	// trust, FederatedTokenURL where it gives out its tokens to anybody. Both
	// may be "".
	FederatedIssuer   string `json:"federated_issuer,omitempty"`
	FederatedTokenURL string `json:"federated_token_url,omitempty"`

	SMTPHost string `json:"smtp_host"`
	SMTPPort int    `json:"smtp_port"`
	// SMTPSPort is for clients that begin with TLS; 0 is none.
	SMTPSPort int `json:"smtps_port,omitempty"`

	// SMTPScope is what to ask for to send over SMTP, "" where that is known.
	SMTPScope string `json:"smtp_scope,omitempty"`

	// PagesURL is where the pages are without TLS; "" is nowhere.
	PagesURL     string `json:"pages_url,omitempty"`
	InboxURL     string `json:"inbox_url"`
	InboxJSONURL string `json:"inbox_json_url"`

	// CAPEM is the certificate to trust; CAFile has it too when the sandbox
	// wrote its ready file.
	CAPEM  string `json:"ca_pem"`
	CAFile string `json:"ca_file,omitempty"`

	Users []ReadyUser `json:"users"`
	Apps  []ReadyApp  `json:"apps"`
}

// A ReadyUser is an account that can sign in.
type ReadyUser struct {
	Username string `json:"username"`
	Password string `json:"password"`
	MFACode  string `json:"mfa_code,omitempty"`
	What     string `json:"what"`
}

// A ReadyApp is an app registration with one of its redirect URIs. One that
// signs in by itself has the platform "application"; its redirect URI is for
// the answer to admin consent.
type ReadyApp struct {
	ClientID     string   `json:"client_id"`
	Platform     Platform `json:"platform"`
	RedirectURL  string   `json:"redirect_url"`
	ClientSecret string   `json:"client_secret,omitempty"`
	What         string   `json:"what"`
	// SecretExpires is the date that the portal shows beside the secret.
	SecretExpires time.Time `json:"client_secret_expires,omitzero"`
	// ObjectID is the app registration's, EnterpriseID the enterprise
	// application's, which Exchange wants.
	ObjectID     string `json:"object_id,omitempty"`
	EnterpriseID string `json:"enterprise_id,omitempty"`
	// AppRoles are the application permissions in the registration; granted or
	// not.
	AppRoles []string `json:"app_roles,omitempty"`
}

// Ready describes the running sandbox.
func (s *Sandbox) Ready() Ready {
	login, base := s.entra.base, s.base
	tenant := login + "/" + s.tenant.ID
	r := Ready{
		Scenario: s.scenario.Name, Provider: clouds[s.tenant.Provider].preset,
		Authority: login, TenantID: s.tenant.ID, Domain: s.tenant.Domain, Issuer: s.entra.issuer(login),
		DiscoveryURL: tenant + "/v2.0/.well-known/openid-configuration",
		AuthorizeURL: tenant + "/oauth2/v2.0/authorize",
		TokenURL:     tenant + "/oauth2/v2.0/token",
		DeviceURL:    tenant + "/oauth2/v2.0/devicecode",
		DevicePage:   login + "/devicelogin",
		LogoutURL:    tenant + "/oauth2/v2.0/logout",
		JWKSURL:      tenant + "/discovery/v2.0/keys",
		GraphURL:     base, ExchangeURL: base,
		SMTPHost: "localhost", SMTPPort: portOf(s.smtpAddress),
		PagesURL: s.pages, InboxURL: base + "/inbox", InboxJSONURL: base + "/inbox.json",
		AdminConsentURL: tenant + "/v2.0/adminconsent", PortalURL: base + "/portal",
		FederatedIssuer: base + "/issuer", FederatedTokenURL: base + "/issuer/token",
		CAPEM: string(s.trusted()),
	}
	switch s.tenant.Provider {
	case OutlookCom:
		// Nobody administers personal accounts.
		r.AdminConsentURL, r.FederatedIssuer, r.FederatedTokenURL, r.ExchangeURL = "", "", "", ""
	case GoogleGmail:
		r.Issuer, r.DiscoveryURL = googleIssuer, base+"/.well-known/openid-configuration"
		r.AuthorizeURL, r.TokenURL, r.JWKSURL = base+"/o/oauth2/v2/auth", base+"/token", base+"/oauth2/v3/certs"
		r.DeviceURL, r.DevicePage, r.LogoutURL, r.GraphURL, r.AdminConsentURL, r.PortalURL = "", "", "", "", "", ""
		r.FederatedIssuer, r.FederatedTokenURL, r.ExchangeURL = "", "", ""
	}
	if s.smtpsListener != nil {
		r.SMTPSPort = s.smtpsListener.Addr().(*net.TCPAddr).Port
	}
	s.tenant.View(func(t *Tenant) {
		for _, u := range t.Users {
			r.Users = append(r.Users, ReadyUser{cmp.Or(u.SignInName, u.UPN), u.Password, u.MFACode, whatUser(u)})
		}
		for _, a := range t.Apps {
			for _, uri := range slices.Sorted(maps.Keys(a.Redirects)) {
				platform := a.Redirects[uri]
				if a.alone() {
					platform = "application"
				}
				r.Apps = append(r.Apps, ReadyApp{
					ClientID: a.ClientID, Platform: platform, RedirectURL: uri, ClientSecret: a.Secret, What: whatApp(a),
					ObjectID: a.ObjectID, EnterpriseID: a.EnterpriseID, SecretExpires: a.SecretExpires, AppRoles: slices.Clone(a.AppRoles),
				})
			}
		}
	})
	if s.scenario.copied != nil {
		s.scenario.copied(&r)
	}
	return r
}

// WriteReady writes Ready as JSON to path, complete or not at all, and the CA
// beside it in a file that ends in ".ca.pem". Nobody but the owner can read
// either.
func (s *Sandbox) WriteReady(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("sandbox ready file: %w", err)
	}
	r := s.Ready()
	r.CAFile = strings.TrimSuffix(path, filepath.Ext(path)) + ".ca.pem"
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("sandbox ready file: %w", err)
	}
	if err := writePrivate(r.CAFile, []byte(r.CAPEM)); err != nil {
		return fmt.Errorf("sandbox CA file: %w", err)
	}
	if err := writePrivate(path, append(body, '\n')); err != nil {
		return fmt.Errorf("sandbox ready file: %w", err)
	}
	return nil
}

// writePrivate replaces path by a file of mode 0600.
func writePrivate(path string, content []byte) error {
	// The new file gets the mode of the one that was there, else 0600.
	if err := os.Chmod(path, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return atomic.WriteFile(path, bytes.NewReader(content))
}
