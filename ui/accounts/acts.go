package accounts

import (
	"context"
	"errors"
	"io"
	"time"

	"traymail/ui/words"
)

// do does one thing to the program. failing says that it did not come about, and
// then what came of it.
func (p *presenter) do(failing string, what func(context.Context) (then func(), err error)) {
	if p.busy || !p.usable() {
		return
	}
	p.busy, p.notice = true, nil
	p.draw()
	p.desk.Start(func(ctx context.Context) func() {
		then, err := what(ctx)
		return func() {
			p.busy = false
			if err != nil {
				p.notice = failed(failing, err)
			} else if then != nil {
				then()
			}
			p.draw()
		}
	})
}

// Pause pauses the chosen account, for a while or, with 0, until Resume.
func (p *presenter) Pause(d time.Duration) {
	var until time.Time
	if d > 0 {
		until = p.now().Add(d)
	}
	name := p.chosen
	p.do(words.Say("accounts.not_paused", words.Data{"Account": name}), func(ctx context.Context) (func(), error) { return nil, p.program.Pause(ctx, name, until) })
}

// Resume ends the person's pause of the chosen account.
func (p *presenter) Resume() {
	name := p.chosen
	p.do(words.Say("accounts.not_resumed", words.Data{"Account": name}), func(ctx context.Context) (func(), error) { return nil, p.program.Resume(ctx, name) })
}

// Remove deletes the chosen account with its secrets.
func (p *presenter) Remove() {
	name := p.chosen
	if p.stage != Editing && p.stage != Unreadable {
		return
	}
	p.do(words.Say("accounts.not_removed", words.Data{"Account": name}), func(ctx context.Context) (func(), error) {
		return func() {
			if p.chosen == name {
				p.leave()
			}
			delete(p.ways, name)
			p.notice = &Notice{Mood: Fine, What: words.Say("accounts.removed", words.Data{"Account": name})}
		}, p.program.Remove(ctx, name)
	})
}

// Export asks where to put the chosen account, without its secrets.
func (p *presenter) Export() {
	name := p.chosen
	failing := words.Say("accounts.not_exported", words.Data{"Account": name})
	p.files.Save(name+".toml", func(w io.WriteCloser, where string, err error) {
		if err != nil {
			p.notice = failed(failing, err)
			p.draw()
			return
		}
		p.do(failing, func(ctx context.Context) (func(), error) {
			data, err := p.program.Export(ctx, name)
			if err == nil {
				_, err = w.Write(data)
			}
			return func() {
				p.notice = &Notice{Mood: Fine, What: words.Say("accounts.exported", words.Data{"Account": name, "Where": where}), Then: words.Say("accounts.exported_then")}
			}, errors.Join(err, w.Close())
		})
	})
}

// Import asks for the file of an exported account, and adds the account.
func (p *presenter) Import() {
	failing := words.Say("accounts.not_imported")
	p.files.Open([]string{".toml", ".json", ".txt"}, func(r io.ReadCloser, _ string, err error) {
		if err != nil {
			p.notice = failed(failing, err)
			p.draw()
			return
		}
		p.do(failing, func(ctx context.Context) (func(), error) {
			data, err := readFile(r)
			if err != nil {
				return nil, err
			}
			a, err := p.program.Import(ctx, data, "")
			return func() {
				p.ways[a.Name] = way(&a)
				p.Choose(a.Name)
				p.notice = &Notice{Mood: Needed, What: words.Say("accounts.imported", words.Data{"Account": a.Name}), Then: words.Say("accounts.imported_then"), SignIn: a.SignIn == "browser"}
			}, err
		})
	})
}

// Browse asks for a file, whose place goes into a field.
func (p *presenter) Browse(key string) {
	p.files.Open(nil, func(r io.ReadCloser, where string, err error) {
		if err != nil {
			p.wrong[key] = wrong{text: words.Sentence(err.Error())}
			p.draw()
			return
		}
		p.Set(key, where)
		p.desk.Start(func(context.Context) func() {
			_ = r.Close() // it was opened to be read later, and nothing was written
			return nil
		})
	})
}
