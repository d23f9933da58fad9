package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/keystore"
)

// routes has a line for each method of mailer.Program.
func (s *Server) routes() http.Handler {
	mux, p := http.NewServeMux(), s.program
	call(s, mux, "/hello", func(context.Context, nothing) (greeting, error) {
		return greeting{PID: os.Getpid()}, nil
	})
	call(s, mux, "/account", func(ctx context.Context, name string) (accountResult, error) {
		a, secrets, err := p.Account(ctx, name)
		return accountResult{a, secrets}, err
	})
	call(s, mux, "/account/save", func(ctx context.Context, in saving) (nothing, error) {
		return nothing{}, p.Save(ctx, in.Account, keystore.Secret(in.Secret))
	})
	call(s, mux, "/account/validate", p.Validate)
	call(s, mux, "/account/remove", func(ctx context.Context, name string) (nothing, error) {
		return nothing{}, p.Remove(ctx, name)
	})
	mux.HandleFunc("POST /account/check", s.check)
	call(s, mux, "/account/delegates", func(ctx context.Context, in delegating) (mailer.Delegation, error) {
		return p.SendOnBehalf(ctx, in.Name, in.Grant)
	})
	mux.HandleFunc("POST /sign-in", s.signIn)
	call(s, mux, "/sign-in/answer", func(_ context.Context, in reply) (nothing, error) {
		s.answer(in)
		return nothing{}, nil
	})
	call(s, mux, "/test", func(ctx context.Context, in testMail) (deliveryResult, error) {
		d, err := p.SendTest(ctx, in.Name, in.To)
		return deliveryResult{d, d.Elapsed}, err
	})
	submit(s, mux, "/send", func(ctx context.Context, account string, m mailer.Submission) (deliveryResult, error) {
		d, err := p.Send(ctx, account, m)
		return deliveryResult{d, d.Elapsed}, err
	})
	submit(s, mux, "/enqueue", p.Enqueue)
	call(s, mux, "/messages", p.Messages)
	call(s, mux, "/message", func(ctx context.Context, id string) (recordResult, error) {
		r, err := p.Message(ctx, id)
		if r == nil {
			return recordResult{}, err
		}
		return recordResult{r, r.Summary}, err
	})
	call(s, mux, "/message/change", func(ctx context.Context, in changing) (nothing, error) {
		return nothing{}, p.Change(ctx, in.ID, in.Change)
	})
	call(s, mux, "/flush", p.Flush)
	call(s, mux, "/status", func(ctx context.Context, _ nothing) (mailer.Status, error) { return p.Status(ctx) })
	mux.HandleFunc("POST /watch", s.watch)
	call(s, mux, "/log", func(ctx context.Context, in following) ([]mailer.Attempt, error) {
		return p.Log(ctx, in.After, in.Limit)
	})
	call(s, mux, "/count", p.Count)
	call(s, mux, "/traffic", func(ctx context.Context, in measuring) ([]mailer.Volume, error) {
		return p.Traffic(ctx, in.Since, in.Step)
	})
	call(s, mux, "/settings", func(ctx context.Context, _ nothing) (mailer.Settings, error) { return p.Settings(ctx) })
	call(s, mux, "/settings/save", func(ctx context.Context, in mailer.Settings) (nothing, error) {
		return nothing{}, p.SaveSettings(ctx, in)
	})
	call(s, mux, "/clients", func(ctx context.Context, _ nothing) ([]mailer.Client, error) { return p.Clients(ctx) })
	call(s, mux, "/client/save", func(ctx context.Context, in savingClient) (passwordResult, error) {
		password, err := p.SaveClient(ctx, in.Client, in.How)
		return passwordResult{password.Reveal()}, err
	})
	call(s, mux, "/client/remove", func(ctx context.Context, name string) (nothing, error) {
		return nothing{}, p.RemoveClient(ctx, name)
	})
	call(s, mux, "/account/export", p.Export)
	call(s, mux, "/account/import", func(ctx context.Context, in importing) (account.Account, error) {
		return p.Import(ctx, in.Data, in.Name)
	})
	call(s, mux, "/pause", func(ctx context.Context, in pausing) (nothing, error) {
		return nothing{}, p.Pause(ctx, in.Account, in.Until)
	})
	call(s, mux, "/resume", func(ctx context.Context, name string) (nothing, error) { return nothing{}, p.Resume(ctx, name) })
	call(s, mux, "/draft", func(ctx context.Context, _ nothing) (setup.Draft, error) { return p.Draft(ctx) })
	call(s, mux, "/draft/save", func(ctx context.Context, in drafting) (nothing, error) {
		return nothing{}, p.SaveDraft(ctx, in.Draft, keystore.Secret(in.Secret))
	})
	call(s, mux, "/draft/drop", func(ctx context.Context, _ nothing) (nothing, error) { return nothing{}, p.DropDraft(ctx) })
	call(s, mux, "/diagnostics", func(ctx context.Context, _ nothing) ([]mailer.Document, error) { return p.Diagnostics(ctx) })
	call(s, mux, "/reload", func(ctx context.Context, _ nothing) (nothing, error) { return nothing{}, p.Reload(ctx) })
	return mux
}

// call serves one method whose arguments and result are JSON.
func call[In, Out any](s *Server, mux *http.ServeMux, path string, do func(context.Context, In) (Out, error)) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if !arguments(w, r, &in) {
			return
		}
		out, err := safely(s, path, func() (Out, error) { return do(r.Context(), in) })
		respond(w, out, err)
	})
}

// submit serves one method that takes a message: a line with the arguments,
// and then the message, read as the program reads it.
func submit[Out any](s *Server, mux *http.ServeMux, path string, do func(context.Context, string, mailer.Submission) (Out, error)) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		// A program that refuses early is heard at once, and not after the message.
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			refuse(w, http.StatusInternalServerError, err)
			return
		}
		body := bufio.NewReader(r.Body)
		defer func() {
			// The caller would take a connection that is closed on it for a failure,
			// and not look for the reply.
			_ = http.NewResponseController(w).Flush()
			_, _ = io.Copy(io.Discard, body)
		}()
		line, err := readLine(body)
		var in sending
		if err == nil {
			err = json.Unmarshal(line, &in)
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, errUnreadable)
			return
		}
		in.Submission.Data = body
		out, err := safely(s, path, func() (Out, error) { return do(r.Context(), in.Account, in.Submission) })
		respond(w, out, err)
	})
}

// readLine reads a line that is no longer than maxJSON.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxJSON {
			return nil, fmt.Errorf("the request is longer than %d octets", maxJSON)
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

// errUnreadable does not quote what was sent.
var errUnreadable = errors.New("the running traymail cannot read the request: restart it, it may be of another version")

// arguments reads the whole body, and answers itself when that is not possible.
func arguments(w http.ResponseWriter, r *http.Request, in any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSON))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Errorf("the request is longer than %d octets", maxJSON))
	case err != nil || json.Unmarshal(body, in) != nil:
		refuse(w, http.StatusBadRequest, errUnreadable)
	default:
		return true
	}
	return false
}

// respond sends a result, an error, or both.
func respond[T any](w http.ResponseWriter, result T, err error) {
	status := http.StatusOK
	if errors.Is(err, errPanicked) {
		status = http.StatusInternalServerError
	}
	write(w, status, answer[T]{Result: result, Error: encode(err)})
}

// refuse answers what never reached the program.
func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Connection", "close")
	write(w, status, answer[any]{Error: encode(err)})
}

func write(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		refuse(w, http.StatusInternalServerError, fmt.Errorf("the running traymail cannot tell the result: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a caller that has gone learns nothing more
}
