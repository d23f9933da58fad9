package accounts

import (
	"context"
	"errors"
	"io"
	"time"

	"traymail/ui/words"
)

// do does one thing to the program. failing says that it did not come about, and
// then what came of it. It reports whether it began: one thing is done at a time,
// and none while the program does not answer.
func (p *presenter) do(failing phrase, what func(context.Context) (then func(), err error)) bool {
	if p.busy || !p.usable() {
		return false
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
	return true
}

// close closes a file of which nothing is made: it was chosen too late.
func (p *presenter) close(file io.Closer) {
	p.desk.Start(func(context.Context) func() {
		_ = file.Close() // nothing was read or written
		return nil
	})
}

// Pause pauses the chosen account, for a while or, with 0, until Resume.
func (p *presenter) Pause(d time.Duration) {
	var until time.Time
	if d > 0 {
		until = p.now().Add(d)
	}
	name := p.chosen
	p.do(phrase{"accounts.not_paused", words.Data{"Account": name}}, func(ctx context.Context) (func(), error) { return nil, p.program.Pause(ctx, name, until) })
}

// Resume ends the person's pause of the chosen account.
func (p *presenter) Resume() {
	name := p.chosen
	p.do(phrase{"accounts.not_resumed", words.Data{"Account": name}}, func(ctx context.Context) (func(), error) { return nil, p.program.Resume(ctx, name) })
}

// Remove deletes the chosen account with its secrets.
func (p *presenter) Remove() {
	name := p.chosen
	if p.stage != Editing && p.stage != Unreadable {
		return
	}
	p.do(phrase{"accounts.not_removed", words.Data{"Account": name}}, func(ctx context.Context) (func(), error) {
		return func() {
			if p.chosen == name {
				p.leave()
			}
			delete(p.ways, name)
			p.notice = func() *Notice {
				return &Notice{Mood: Fine, What: words.Say("accounts.removed", words.Data{"Account": name})}
			}
		}, p.program.Remove(ctx, name)
	})
}

// Export asks where to put the chosen account, without its secrets.
func (p *presenter) Export() {
	name := p.chosen
	failing := phrase{"accounts.not_exported", words.Data{"Account": name}}
	p.files.Save(name+".toml", func(w io.WriteCloser, where string, err error) {
		if err != nil {
			p.notice = failed(failing, err)
			p.draw()
			return
		}
		began := p.do(failing, func(ctx context.Context) (func(), error) {
			data, err := p.program.Export(ctx, name)
			if err == nil {
				_, err = w.Write(data)
			}
			return func() {
				p.notice = func() *Notice {
					return &Notice{Mood: Fine, What: words.Say("accounts.exported", words.Data{"Account": name, "Where": where}), Then: words.Say("accounts.exported_then")}
				}
			}, errors.Join(err, w.Close())
		})
		if !began {
			p.close(w)
			p.late(failing)
		}
	})
}

// Import asks for the file of an exported account, and adds the account.
func (p *presenter) Import() {
	failing := phrase{key: "accounts.not_imported"}
	p.files.Open([]string{".toml", ".json", ".txt"}, func(r io.ReadCloser, _ string, err error) {
		if err != nil {
			p.notice = failed(failing, err)
			p.draw()
			return
		}
		began := p.do(failing, func(ctx context.Context) (func(), error) {
			data, err := readFile(r)
			if err != nil {
				return nil, err
			}
			a, err := p.program.Import(ctx, data, "")
			return func() {
				p.ways[a.Name] = way(&a)
				p.Choose(a.Name)
				p.notice = func() *Notice {
					return &Notice{Mood: Needed, What: words.Say("accounts.imported", words.Data{"Account": a.Name}), Then: words.Say("accounts.imported_then"), SignIn: a.SignIn == "browser"}
				}
			}, err
		})
		if !began {
			p.close(r)
			p.late(failing)
		}
	})
}

// late says that what a file was chosen for did not begin, because the program
// stopped answering, or is at something else, since it was asked for.
func (p *presenter) late(failing phrase) {
	p.notice = func() *Notice {
		return &Notice{Mood: Broken, What: failing.say(), Then: words.Say("accounts.too_late")}
	}
	p.draw()
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
		p.close(r) // it is read later, by whoever goes by the field
	})
}
