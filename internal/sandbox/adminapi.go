package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// adminAPI is Exchange Online's REST endpoint for administrators, a preview, as
// far as Send on Behalf needs it: Get-Mailbox and Set-Mailbox. There is none
// for Send As. What its documentation does not show is assumed: the form and
// the texts of errors, the reply to Set-Mailbox, and all properties of a
// mailbox but GrantSendOnBehalfTo.
type adminAPI struct {
	tenant *Tenant
	check  accessChecker
	now    func() time.Time
}

const (
	adminScope = "Exchange.ManageV2"      // of a user's token
	adminRole  = "Exchange.ManageAsAppV2" // of an app's token
	// adminRBACRole is the role of Exchange's own that an app needs besides.
	adminRBACRole = "Mail Recipients"
	// maxAdminBody is the most that a request's body may have, in octets.
	maxAdminBody = 1 << 20
)

// register adds the endpoint to mux.
func (a adminAPI) register(mux *http.ServeMux) {
	mux.HandleFunc("POST /adminapi/v2.0/{tenant}/Mailbox", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxAdminBody)
		a.mailbox(r).send(w)
	})
}

// An adminError is an error's status, code and message.
type adminError struct {
	status        int
	code, message string
}

func (e adminError) answer(now time.Time) answer {
	a := jsonAnswer(e.status, map[string]any{"error": map[string]any{
		"code": e.code, "message": e.message,
		"innerError": map[string]string{"request-id": randomGUID(), "date": now.UTC().Format("2006-01-02T15:04:05")},
	}})
	if e.status == http.StatusUnauthorized {
		a.header.Set("WWW-Authenticate", `Bearer client_id="`+exchangeApp+`", error="invalid_token"`)
	}
	return a
}

func adminForbidden(message string) *adminError {
	return &adminError{http.StatusForbidden, "Forbidden", message}
}

func adminBadRequest(format string, args ...any) *adminError {
	return &adminError{http.StatusBadRequest, "BadRequest", fmt.Sprintf(format, args...)}
}

func adminNotFound(identity string) *adminError {
	return &adminError{http.StatusNotFound, "NotFound",
		fmt.Sprintf("The operation couldn't be performed because object '%s' couldn't be found.", identity)}
}

// A cmdletRequest is a cmdlet with its parameters.
type cmdletRequest struct {
	CmdletInput struct {
		CmdletName string
		Parameters struct {
			Identity                                   string
			ResultSize                                 any
			IncludeGrantSendOnBehalfToWithDisplayNames bool
			GrantSendOnBehalfTo                        *[]string
		}
	}
}

// mailbox answers a request to the endpoint Mailbox.
func (a adminAPI) mailbox(r *http.Request) answer {
	claims, refused := a.caller(r)
	if refused == nil && r.Header.Get("X-AnchorMailbox") == "" {
		refused = adminBadRequest("The header X-AnchorMailbox is required to route the request.")
	}
	var request cmdletRequest
	if refused == nil {
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		if decoder.Decode(&request) != nil {
			refused = adminBadRequest("The request body is not a CmdletInput that this endpoint takes.")
		}
	}
	value := []map[string]any{}
	if refused == nil {
		a.tenant.Change(func(t *Tenant) {
			value, refused = runCmdlet(t, claims, request, r.URL.Query().Get("$select"))
		})
	}
	if refused != nil {
		return refused.answer(a.now())
	}
	return jsonAnswer(http.StatusOK, map[string]any{
		"@odata.context": "https://outlook.office365.com/adminapi/v2.0/$metadata#Mailbox", "value": value,
	})
}

// caller verifies the token, and that it is for this endpoint and tenant.
func (a adminAPI) caller(r *http.Request) (accessClaims, *adminError) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	claims, ok := a.check(strings.TrimSpace(token))
	switch {
	case !ok || !strings.EqualFold(scheme, "Bearer") || claims.TenantID != a.tenant.ID || !claims.Expires.After(a.now()):
		return claims, &adminError{http.StatusUnauthorized, "Unauthorized", "The access token is missing, expired or not of this tenant."}
	case !slices.Contains(fronts[a.tenant.Provider].audiences, strings.TrimSuffix(claims.Audience, "/")):
		return claims, &adminError{http.StatusUnauthorized, "Unauthorized", "The access token is not for Exchange Online."}
	}
	if segment := r.PathValue("tenant"); !strings.EqualFold(segment, a.tenant.ID) && !strings.EqualFold(segment, a.tenant.Domain) {
		return claims, adminForbidden("The access token is not of the tenant in the address.")
	}
	return claims, nil
}

// mayAdminister tells whether the caller has the permission and, over mailbox
// (nil: every one), a role of Exchange's.
func mayAdminister(t *Tenant, claims accessClaims, mailbox *Mailbox) bool {
	if claims.UPN != "" {
		user := t.user(claims.UPN)
		return slices.Contains(claims.Scopes, adminScope) && user != nil && user.ExchangeAdmin
	}
	app := t.app(claims.AppID)
	return slices.Contains(claims.Roles, adminRole) && app != nil && registered(t, app) && assigned(t, app, adminRBACRole, mailbox)
}

// runCmdlet runs the cmdlet that request names; call with the tenant locked.
// selected lists the properties to return, "" is all.
func runCmdlet(t *Tenant, claims accessClaims, request cmdletRequest, selected string) ([]map[string]any, *adminError) {
	p := request.CmdletInput.Parameters
	var mailbox *Mailbox
	if p.Identity != "" {
		mailbox = t.mailbox(p.Identity)
	}
	if !mayAdminister(t, claims, mailbox) {
		return nil, adminForbidden("The caller lacks " + adminScope + " or " + adminRole + ", or a role of Exchange's for this cmdlet.")
	}
	if p.Identity != "" && mailbox == nil {
		return nil, adminNotFound(p.Identity)
	}
	switch strings.ToLower(request.CmdletInput.CmdletName) {
	case "get-mailbox":
		if p.GrantSendOnBehalfTo != nil {
			return nil, adminBadRequest("Get-Mailbox takes no parameter GrantSendOnBehalfTo.")
		}
		most, ok := resultSize(p.ResultSize)
		if !ok {
			return nil, adminBadRequest("ResultSize is a positive number or Unlimited.")
		}
		list := t.Mailboxes
		if mailbox != nil {
			list = []*Mailbox{mailbox}
		}
		return describeMailboxes(t, list[:min(most, len(list))], p.IncludeGrantSendOnBehalfToWithDisplayNames, selected)
	case "set-mailbox":
		if mailbox == nil || p.GrantSendOnBehalfTo == nil {
			return nil, adminBadRequest("Set-Mailbox needs the parameters Identity and GrantSendOnBehalfTo.")
		}
		return []map[string]any{}, grantSendOnBehalf(t, mailbox, *p.GrantSendOnBehalfTo)
	}
	return nil, adminBadRequest("The cmdlet '%s' is not available at this endpoint.", request.CmdletInput.CmdletName)
}

// resultSize reads the parameter; 1000 is the default, as in PowerShell.
func resultSize(value any) (most int, ok bool) {
	switch v := value.(type) {
	case nil:
		return 1000, true
	case string:
		return 1 << 30, strings.EqualFold(v, "Unlimited")
	case float64:
		return int(min(v, 1<<30)), v >= 1
	}
	return 0, false
}

// describeMailboxes lists mailboxes as Get-Mailbox does.
func describeMailboxes(t *Tenant, list []*Mailbox, names bool, selected string) ([]map[string]any, *adminError) {
	value := []map[string]any{}
	for _, m := range list {
		kind := "UserMailbox"
		if m.Shared {
			kind = "SharedMailbox"
		}
		all := map[string]any{
			"Identity": m.Address, "DisplayName": displayName(t, m.Address), "UserPrincipalName": m.Address,
			"PrimarySmtpAddress": m.Address, "RecipientTypeDetails": kind,
			"GrantSendOnBehalfTo": append([]string{}, m.SendOnBehalf...),
		}
		delegates := []map[string]string{}
		for _, d := range m.SendOnBehalf {
			if names {
				delegates = append(delegates, map[string]string{"DisplayName": displayName(t, d), "PrimarySmtpAddress": d})
			}
		}
		all["GrantSendOnBehalfToWithDisplayNames"] = delegates
		if selected != "" {
			chosen := map[string]any{}
			for name := range strings.SplitSeq(selected, ",") {
				property, ok := all[strings.TrimSpace(name)]
				if !ok {
					return nil, adminBadRequest("Could not find a property named '%s'.", name)
				}
				chosen[strings.TrimSpace(name)] = property
			}
			all = chosen
		}
		value = append(value, all)
	}
	return value, nil
}

func displayName(t *Tenant, address string) string {
	if user := t.user(address); user != nil && user.Name != "" {
		return user.Name
	}
	local, _, _ := strings.Cut(address, "@")
	return local
}

// grantSendOnBehalf makes delegates the only ones of mailbox; each is an
// account or a mailbox.
func grantSendOnBehalf(t *Tenant, mailbox *Mailbox, delegates []string) *adminError {
	granted := []string{}
	for _, name := range delegates {
		user, other := t.user(name), t.mailbox(name)
		switch {
		case user != nil:
			granted = append(granted, user.UPN)
		case other != nil:
			granted = append(granted, other.Address)
		default:
			return adminNotFound(name)
		}
	}
	mailbox.SendOnBehalf = granted
	return nil
}
