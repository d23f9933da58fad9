package graph

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// A Person is who is signed in, as the directory knows the account.
type Person struct {
	ID       string // object ID
	Username string // userPrincipalName: the name to authenticate with
	Mail     string // the primary address; "" without a mailbox
	// Addresses are all of proxyAddresses that are for SMTP, without "smtp:",
	// the primary one first.
	Addresses []string
	// Other are addresses elsewhere, otherMails.
	Other []string
	// Guest says that the account is another tenant's, invited here.
	Guest bool
}

// A PlanState is a part of a licence with its state, "EXCHANGE_S_STANDARD",
// "Success".
type PlanState struct {
	Name, State string
}

// Licences are the plans that a person has.
type Licences struct {
	Products []string // such as "O365_BUSINESS_PREMIUM"
	Plans    []PlanState
}

// Me returns who is signed in. It needs User.Read; a token that holds only
// Mail.Send is refused with 401, which says nothing against it. An application is
// nobody. The error is as Send's.
func (c *Client) Me(ctx context.Context) (Person, error) {
	c.init()
	d := &dialog{c: c}
	ask := func(query string) (*answer, error) {
		return d.do(ctx, &request{op: OpMe, method: http.MethodGet, url: c.mailbox("") + query, want: http.StatusOK})
	}
	a, err := ask("?$select=id,userPrincipalName,mail,proxyAddresses,otherMails,userType")
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusBadRequest && e.Code != "" {
		// A directory without one of these, as that of personal accounts may be.
		a, err = ask("")
	}
	if err != nil {
		return Person{}, err
	}
	var who struct {
		ID       string   `json:"id"`
		Username string   `json:"userPrincipalName"`
		Mail     string   `json:"mail"`
		Proxies  []string `json:"proxyAddresses"`
		Other    []string `json:"otherMails"`
		UserType string   `json:"userType"`
	}
	if json.Unmarshal(a.body, &who) != nil || who.ID == "" {
		return Person{}, c.notAPerson(a)
	}
	p := Person{
		ID: who.ID, Username: oneLine(who.Username, 400), Mail: oneLine(who.Mail, 400),
		Guest: strings.EqualFold(who.UserType, "Guest") || strings.Contains(strings.ToUpper(who.Username), "#EXT#"),
	}
	for _, address := range who.Other {
		p.Other = append(p.Other, oneLine(address, 400))
	}
	for _, proxy := range who.Proxies {
		kind, address, ok := strings.Cut(proxy, ":")
		switch address = oneLine(address, 400); {
		case !ok || !strings.EqualFold(kind, "smtp") || address == "":
		case kind == "SMTP": // so is the primary one marked
			p.Addresses = append([]string{address}, p.Addresses...)
		default:
			p.Addresses = append(p.Addresses, address)
		}
	}
	return p, nil
}

// Has reports whether address is one of the person's, beside the username.
func (p Person) Has(address string) bool {
	return slices.ContainsFunc(append([]string{p.Mail}, p.Addresses...), func(own string) bool {
		return address != "" && strings.EqualFold(own, address)
	})
}

// Licences returns the plans of who is signed in. User.Read is enough for that,
// which is assumed; a refusal says nothing against the account. The error is as
// Send's.
func (c *Client) Licences(ctx context.Context) (Licences, error) {
	c.init()
	d := &dialog{c: c}
	a, err := d.do(ctx, &request{op: OpLicences, method: http.MethodGet, url: c.mailbox("") + "/licenseDetails", want: http.StatusOK})
	if err != nil {
		return Licences{}, err
	}
	var list struct {
		Value []struct {
			Product string `json:"skuPartNumber"`
			Plans   []struct {
				Name  string `json:"servicePlanName"`
				State string `json:"provisioningStatus"`
			} `json:"servicePlans"`
		} `json:"value"`
	}
	if json.Unmarshal(a.body, &list) != nil {
		return Licences{}, c.notAPerson(a)
	}
	var l Licences
	for _, licence := range list.Value {
		l.Products = append(l.Products, oneLine(licence.Product, 100))
		for _, p := range licence.Plans {
			l.Plans = append(l.Plans, PlanState{oneLine(p.Name, 100), oneLine(p.State, 100)})
		}
	}
	return l, nil
}

// Mailbox returns the plan that gives a mailbox in Exchange Online, the first
// that is in force; with none in force it returns one that is not, and without any
// known by its name the zero PlanState, which proves nothing: names are added.
// Archives and the foundation for other products are none.
func (l Licences) Mailbox() PlanState {
	var found PlanState
	for _, p := range l.Plans {
		name, exchange := strings.CutPrefix(strings.ToUpper(p.Name), "EXCHANGE_S_")
		if !exchange { // those of the older small business offers
			name, exchange = strings.CutPrefix(strings.ToUpper(p.Name), "EXCHANGE_B_")
		}
		if !exchange || strings.HasPrefix(name, "FOUNDATION") || strings.HasPrefix(name, "ARCHIVE") {
			continue
		}
		if p.Enabled() {
			return p
		}
		found = p
	}
	return found
}

// Enabled reports whether the plan is in force.
func (p PlanState) Enabled() bool {
	return strings.EqualFold(p.State, "Success") || strings.EqualFold(p.State, "PendingProvisioning")
}
