package relay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
)

// Program is what the page needs of the program.
type Program interface {
	Settings(ctx context.Context) (mailer.Settings, error)
	SaveSettings(ctx context.Context, s mailer.Settings) error
	Clients(ctx context.Context) ([]mailer.Client, error)
	SaveClient(ctx context.Context, c mailer.Client, how mailer.ClientPassword) (mailer.Secret, error)
	RemoveClient(ctx context.Context, name string) error
}

// A presenter edits one entry at a time, as a copy.
type presenter struct {
	desk    *desk.Desk
	program Program
	show    func(State)
	state   State
	cancel  context.CancelFunc
}

func newPresenter(d *desk.Desk, p Program, show func(State)) *presenter {
	return &presenter{desk: d, program: p, show: show, cancel: func() {}}
}

// load reads everything anew. What is being edited stays.
func (p *presenter) load() {
	if !p.state.Busy {
		p.do(func(context.Context) (mailer.Secret, error) { return "", nil }, func(error) {})
	}
}

// do runs a change and reads everything again; done is called before it is shown.
func (p *presenter) do(change func(ctx context.Context) (mailer.Secret, error), done func(error)) {
	p.state.Busy, p.state.Err, p.state.Problem, p.state.Saved, p.state.Gone = true, nil, nil, false, ""
	p.show(p.state)
	p.cancel = p.desk.Start(func(ctx context.Context) func() {
		password, err := change(ctx)
		s, readErr := p.program.Settings(ctx)
		clients, clientsErr := p.program.Clients(ctx)
		return func() {
			p.state.Busy = false
			if readErr == nil && clientsErr == nil {
				p.state.Known, p.state.Settings, p.state.Clients = true, s, clients
			}
			if password != "" {
				p.state.Password = password
			}
			p.fail(errors.Join(err, readErr, clientsErr))
			done(err)
			p.miss()
			p.show(p.state)
		}
	})
}

// miss closes the entry that is open when there is none of that name any more:
// somebody removed it elsewhere.
func (p *presenter) miss() {
	e := p.state.Edit
	if !p.state.Known || e == nil || e.Name == "" || slices.Contains(p.state.Names(e.Kind), e.Name) {
		return
	}
	p.state.Edit, p.state.Gone, p.state.Password, p.state.Of = nil, e.Name, "", ""
}

// fail notes an error, and the part of it that belongs to a field of the entry.
func (p *presenter) fail(err error) {
	p.state.Err, p.state.Problem = err, nil
	field, ok := errors.AsType[*account.FieldError](err)
	if !ok || p.state.Edit == nil {
		return
	}
	key := field.Key
	if key == "password_hash" {
		key = "password"
	}
	for _, f := range FieldsOf(p.state.Edit.Kind) {
		if key == f.Key || key == string(p.state.Edit.Kind)+"."+f.Key {
			p.state.Problem = &account.FieldError{Key: f.Key, Text: field.Text, Fix: field.Fix}
		}
	}
}

// status brings what is seen of listeners and tools up to date.
func (p *presenter) status(s desk.Status) {
	p.state.Status = s
	p.show(p.state)
}

// open shows an entry, or the fields of a new one.
func (p *presenter) open(e Entry) {
	if p.state.Busy {
		return
	}
	edit := &Edit{Entry: e, Password: mailer.KeepPassword}
	switch {
	case e.Name == "" && e.Kind == Tool:
		edit.Password = mailer.NewPassword
	case e.Name == "" && e.Kind == Listener:
		edit.Listener = mailer.ListenerSettings{TLS: "starttls"}
	case e.Kind == Tool:
		edit.Client = p.state.Clients[slices.Index(p.state.Names(Tool), e.Name)]
	case e.Kind == Listener:
		edit.Listener = p.state.Settings.Listeners[slices.Index(p.state.Names(Listener), e.Name)]
	case e.Kind == Folder && e.Name != "":
		edit.Folder = p.state.Settings.Folders[slices.Index(p.state.Names(Folder), e.Name)]
	}
	p.state.Edit, p.state.Err, p.state.Problem, p.state.Saved, p.state.Gone = edit, nil, nil, false, ""
	p.state.Password, p.state.Of = "", ""
	p.show(p.state)
}

// closeEdit forgets the copy, and a password that was shown.
func (p *presenter) closeEdit() {
	if p.state.Busy {
		p.cancel()
		return
	}
	p.state.Edit, p.state.Err, p.state.Problem, p.state.Saved, p.state.Password, p.state.Of = nil, nil, nil, false, "", ""
	p.show(p.state)
}

// set changes a field of the copy.
func (p *presenter) set(f Field, value string) {
	if p.state.Busy || p.state.Edit == nil {
		return
	}
	edit := *p.state.Edit
	edit.Typed = maps.Clone(edit.Typed)
	if edit.Typed == nil {
		edit.Typed = map[string]string{}
	}
	edit.Typed[f.Key] = value
	p.state.Edit, p.state.Saved = &edit, false
	if p.state.Problem != nil && p.state.Problem.Key == f.Key {
		p.state.Problem, p.state.Err = nil, nil
	}
	p.show(p.state)
}

// apply saves the copy.
func (p *presenter) apply() {
	if p.state.Busy || p.state.Edit == nil {
		return
	}
	edit, err := p.state.Edit.whole()
	if err == nil && edit.Name == "" {
		err = p.free(edit)
	}
	if err != nil {
		p.fail(err)
		p.show(p.state)
		return
	}
	settings := p.state.Settings
	p.do(func(ctx context.Context) (mailer.Secret, error) {
		switch edit.Kind {
		case Tool:
			return p.program.SaveClient(ctx, edit.Client, edit.Password)
		case Listener:
			settings.Listeners = with(settings.Listeners, edit.Listener, func(l mailer.ListenerSettings) bool { return l.Name == edit.Name })
		case Folder:
			settings.Folders = with(settings.Folders, edit.Folder, func(f mailer.FolderSettings) bool { return f.Name == edit.Name })
		}
		return "", p.program.SaveSettings(ctx, settings)
	}, func(err error) {
		if err != nil && !errors.Is(err, mailer.ErrNotInForce) {
			return
		}
		name := map[Kind]string{Tool: edit.Client.Name, Listener: edit.Listener.Name, Folder: edit.Folder.Name}[edit.Kind]
		password := p.state.Password
		if slices.Contains(p.state.Names(edit.Kind), name) {
			failed := p.state.Err
			p.open(Entry{edit.Kind, name})
			p.state.Err = failed
		}
		p.state.Saved, p.state.Password, p.state.Of = err == nil, password, name
	})
}

// free returns an error when a new entry has no name, or that of another.
func (p *presenter) free(e Edit) error {
	name := map[Kind]string{Tool: e.Client.Name, Listener: e.Listener.Name, Folder: e.Folder.Name}[e.Kind]
	switch {
	case name == "":
		return &account.FieldError{Key: "name", Text: "is empty", Fix: "give it a name of its own, such as backup-job"}
	case slices.Contains(p.state.Names(e.Kind), name):
		return &account.FieldError{Key: "name", Text: fmt.Sprintf("there is one of the name %q already", name), Fix: "choose another name"}
	}
	return nil
}

// with replaces the one that is so, or adds a new one at the end.
func with[T any](list []T, one T, is func(T) bool) []T {
	list = slices.Clone(list)
	if i := slices.IndexFunc(list, is); i >= 0 {
		list[i] = one
		return list
	}
	return append(list, one)
}

// remove removes the entry that is open.
func (p *presenter) remove() {
	if p.state.Busy || p.state.Edit == nil || p.state.Edit.Name == "" {
		return
	}
	e, settings := p.state.Edit.Entry, p.state.Settings
	p.do(func(ctx context.Context) (mailer.Secret, error) {
		switch e.Kind {
		case Tool:
			return "", p.program.RemoveClient(ctx, e.Name)
		case Listener:
			settings.Listeners = slices.DeleteFunc(slices.Clone(settings.Listeners), func(l mailer.ListenerSettings) bool { return l.Name == e.Name })
		case Folder:
			settings.Folders = slices.DeleteFunc(slices.Clone(settings.Folders), func(f mailer.FolderSettings) bool { return f.Name == e.Name })
		}
		return "", p.program.SaveSettings(ctx, settings)
	}, func(err error) {
		if err == nil || errors.Is(err, mailer.ErrNotInForce) {
			p.state.Edit = nil
		}
	})
}

// renew gives the tool that is open a new password.
func (p *presenter) renew() {
	if p.state.Busy || p.state.Edit == nil || p.state.Edit.Kind != Tool || p.state.Edit.Name == "" {
		return
	}
	client := p.state.Clients[slices.Index(p.state.Names(Tool), p.state.Edit.Name)]
	p.do(func(ctx context.Context) (mailer.Secret, error) {
		return p.program.SaveClient(ctx, client, mailer.NewPassword)
	}, func(err error) {
		if err == nil || errors.Is(err, mailer.ErrNotInForce) { // it is saved, and nobody can show it again
			p.state.Of = client.Name
		}
	})
}
