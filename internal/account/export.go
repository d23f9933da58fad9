package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// A collection is the form in which accounts travel: no secrets, which stay in
// the keystore, and no IDs, which name them there.
type collection struct {
	Accounts []travelling `toml:"account"`
}

type travelling struct {
	Name string `toml:"name"`
	Account
}

// ExportTOML writes accounts so that Import reads them again: what is particular
// to each, without secrets.
func ExportTOML(accounts []Account) ([]byte, error) {
	var c collection
	for _, a := range withoutIDs(accounts) {
		c.Accounts = append(c.Accounts, travelling{a.Name, a})
	}
	return toml.Marshal(c)
}

// ExportJSON is ExportTOML as JSON.
func ExportJSON(accounts []Account) ([]byte, error) {
	b, err := json.MarshalIndent(map[string]any{"account": withoutIDs(accounts)}, "", "  ")
	return append(b, '\n'), err
}

func withoutIDs(accounts []Account) []Account {
	all := make([]Account, len(accounts))
	for i, a := range accounts {
		all[i] = a.withoutPreset()
		all[i].ID = ""
	}
	return all
}

// Import reads what an export wrote, TOML or JSON, and gives each account a
// fresh ID. Nothing is returned unless all of them are valid; the error is then
// a *FieldError that names the account.
func Import(data []byte) ([]Account, error) {
	// Windows PowerShell writes UTF-16, or a byte order mark, into a file of a
	// command's output.
	data, _, err := transform.Bytes(unicode.BOMOverride(transform.Nop), data)
	if err != nil {
		return nil, &FieldError{Text: "is not text: " + err.Error(), Fix: "give a file that 'traymail account export' wrote"}
	}
	read := importTOML
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '{' {
		read = importJSON
	}
	accounts, err := read(data)
	if err != nil {
		return nil, err
	}
	if len(accounts) == 0 {
		return nil, &FieldError{Text: "holds no account", Fix: "give a file that 'traymail account export' wrote"}
	}
	for i := range accounts {
		a := &accounts[i]
		if slices.ContainsFunc(accounts[:i], func(other Account) bool { return other.Name == a.Name }) {
			return nil, &FieldError{Key: "name", Text: fmt.Sprintf("%q stands there twice", a.Name), Fix: "give each account a name of its own"}
		}
		if a.Provider == "" {
			a.Provider = Microsoft365
		}
		a.ID = newID()
		if err := a.Validate(); err != nil {
			var field *FieldError
			if errors.As(err, &field) && field.Key != "name" {
				field.Key = "account " + a.Name + ": " + field.Key
			}
			return nil, err
		}
	}
	return accounts, nil
}

func importTOML(data []byte) ([]Account, error) {
	var c collection
	if _, err := DecodeTOML("", data, &c); err != nil {
		return nil, err
	}
	var all []Account
	for _, t := range c.Accounts {
		t.Account.Name = t.Name
		all = append(all, t.Account)
	}
	return all, nil
}

func importJSON(data []byte) ([]Account, error) {
	var c struct {
		Accounts []Account `json:"account"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(&c)
	if err == nil && d.More() {
		err = errors.New("more than one JSON value")
	}
	if err != nil {
		return nil, &FieldError{Line: 1 + bytes.Count(data[:min(int(d.InputOffset()), len(data))], []byte("\n")), Text: strings.TrimPrefix(err.Error(), "json: "),
			Fix: "give a file that 'traymail account export --json' wrote"}
	}
	return c.Accounts, nil
}
