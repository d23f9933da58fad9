// # The console
//
// POST /portal/powershell runs a script against the tenant: what "traymail
// admin" prints and what refusals advise can be pasted there before it is run
// on a real one. The console is a strict interpreter of as much of PowerShell,
// of Exchange Online's module and of Microsoft Graph's as that needs. What it
// does not know it refuses, by line and in PowerShell's words where these are
// known. Each script has a window of its own: a new one, as the scripts ask for
// it. What the cmdlets do is at once in force; nothing waits.
package sandbox

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// maxScript is the most that a request with a script may have, in octets.
const maxScript = 256 << 10

// registerPowerShell adds the console to mux.
func (p portal) registerPowerShell(mux *http.ServeMux) {
	mux.HandleFunc("GET /portal/powershell", func(w http.ResponseWriter, _ *http.Request) {
		p.showConsole(http.StatusOK, "", "", true).send(w)
	})
	mux.Handle("POST /portal/powershell", http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxScript)
		p.runScript(r).send(w)
	})))
}

// showConsole is the console's page, with a script and what it printed.
func (p portal) showConsole(status int, script, output string, ok bool) answer {
	view := page{Title: "PowerShell", Portal: &portalView{Base: p.base}, Source: script, Text: output}
	if !ok {
		view.Alert = &alert{Words: "An error ended a command or the whole script. What ran before it stays done."}
	}
	return render(status, "powershell", view)
}

// runScript runs the request's script: the body, or the field "script" of a
// form. The field "answer" of the form or the query, which may be there several
// times, is what a person says to Read-Host. A browser gets the page, others the
// output as text; the status is 422 when an error ended the script or a
// statement of it.
func (p portal) runScript(r *http.Request) answer {
	browser := strings.Contains(r.Header.Get("Accept"), "text/html")
	script, answers, err := readScript(r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return p.refuse(browser, http.StatusRequestEntityTooLarge, errors.New("the script is larger than 256 KiB"))
	case err != nil:
		return p.refuse(browser, http.StatusBadRequest, errors.New("the body is neither a script nor a form with one in the field script"))
	case strings.TrimSpace(script) == "":
		return p.refuse(browser, http.StatusBadRequest, errors.New("the script is empty: send it as the body, with curl --data-binary @FILE, or in the field script of a form"))
	}
	window := newPSSession(p.tenant)
	window.lift = func(why cause) { p.box.exchange.lift(why, 0) }
	window.answers = answers
	output, ok := window.run(script)
	status := http.StatusOK
	if !ok {
		status = http.StatusUnprocessableEntity
	}
	if browser {
		return p.showConsole(status, script, output, ok)
	}
	return answer{status, http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"}}, []byte(output)}
}

// readScript takes the script and the answers out of a request. curl calls every
// body a form unless it is told otherwise, so one without a field is a script.
func readScript(r *http.Request) (script string, answers []string, err error) {
	answers = append(answers, r.URL.Query()["answer"]...)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		if err := r.ParseMultipartForm(maxScript); err != nil {
			return "", nil, err
		}
		return r.PostFormValue("script"), append(answers, r.PostForm["answer"]...), nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return string(body), answers, err
	}
	form, ok := scriptForm(string(body))
	if !ok {
		return string(body), answers, nil
	}
	for _, a := range form["answer"] {
		if a != "" {
			answers = append(answers, a)
		}
	}
	return form.Get("script"), answers, nil
}

// scriptForm reads a form whose first field is the script or an answer. No
// script begins so: a command's name has no "=" behind it.
func scriptForm(body string) (form url.Values, ok bool) {
	if !strings.HasPrefix(body, "script=") && !strings.HasPrefix(body, "answer=") {
		return nil, false
	}
	form, err := url.ParseQuery(body)
	return form, err == nil
}
