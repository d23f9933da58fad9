package metrics

import (
	"context"
	"encoding/json"
	"net/http"

	"traymail/internal/mailer"
)

// Health is the answer to GET /healthz. It comes with 200 when Status is "ok",
// and with 503 otherwise.
type Health struct {
	// Status is "ok" when the program runs, its configuration is in force, and
	// no account waits for a person; a paused account, which goes on by itself,
	// is well. "attention" is when an account waits for a person, and "problem"
	// when Problem says what is wrong with the program as a whole.
	Status   string          `json:"status"`
	Accounts []AccountHealth `json:"accounts"`
	Problem  string          `json:"problem"` // empty when there is none
}

// AccountHealth is one account. Cause and Reason are empty while it is ready.
type AccountHealth struct {
	Name   string              `json:"name"`
	State  mailer.AccountState `json:"state"`
	Cause  mailer.Cause        `json:"cause"`
	Reason string              `json:"reason"`
}

func health(status func(ctx context.Context) (mailer.Status, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := healthOf(status(r.Context()))
		w.Header().Set("Content-Type", "application/json")
		if h.Status != "ok" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		// It fails only when the client has gone.
		_ = json.NewEncoder(w).Encode(h)
	})
}

func healthOf(s mailer.Status, err error) Health {
	h := Health{Status: "ok", Accounts: []AccountHealth{}, Problem: s.Problem}
	for _, a := range s.Accounts {
		h.Accounts = append(h.Accounts, AccountHealth{a.Name, a.State, a.Cause, a.Reason})
		if a.State == mailer.Attention {
			h.Status = "attention"
		}
	}
	switch {
	case err != nil:
		h.Problem = "the status cannot be read: " + err.Error()
	case !s.Running:
		h.Problem = "the program does not run"
	}
	if h.Problem != "" {
		h.Status = "problem"
	}
	return h
}
