package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"github.com/charmbracelet/colorprofile"
	"golang.org/x/term"

	"traymail/internal/setup"
)

// What a person does instead of answering.
var (
	errBack = errors.New("back")                  // to the step before
	errLeft = errors.New("the setup is not done") // Ctrl+C, or nobody is there any more
)

// An asker asks at the terminal: in forms that are redrawn, or, in the plain
// way, line by line, for pipes, terminals that cannot move their cursor, and
// programs that read a screen aloud. It is for one goroutine.
type asker struct {
	p     *program
	plain bool
	// backward says that there is a step to go back to.
	backward bool
	lines    *lineReader // what the plain way reads
	out      io.Writer
}

// newAsker chooses between the two ways; plain asks for the second.
func (p *program) newAsker(plain bool) *asker {
	q := &asker{p: p, plain: plain || !p.interactive() || os.Getenv("TERM") == "dumb", out: p.stderr}
	if f, ok := p.stderr.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		q.plain = true
	}
	if q.plain {
		q.lines = &lineReader{in: bufio.NewReader(p.stdin)}
		p.stdin = q.lines                                      // whoever else reads gets the next line, and not one that is lost in a buffer
		q.out = colorprofile.NewWriter(p.stderr, os.Environ()) // a pipe gets no colours
	}
	return q
}

// A lineReader gives a line at a time to readers that would take more than they
// need.
type lineReader struct {
	in    *bufio.Reader
	rest  []byte
	ended bool // nobody is there any more
}

func (r *lineReader) Read(b []byte) (int, error) {
	if len(r.rest) == 0 {
		line, err := r.in.ReadSlice('\n')
		if r.rest = line; len(line) == 0 && err != nil {
			r.ended = true
			return 0, err
		}
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// A choice is one answer of several.
type choice struct {
	id, text string
}

// choose asks for one of several answers; at is the one that Enter takes.
func (q *asker) choose(ctx context.Context, title, why, at string, all []choice) (string, error) {
	if at == "" {
		at = all[0].id
	}
	if q.plain {
		return q.number(ctx, title, why, at, all)
	}
	options := make([]huh.Option[string], len(all))
	for i, c := range all {
		options[i] = huh.NewOption(c.text, c.id)
	}
	err := q.run(ctx, huh.NewSelect[string]().Title(title).Description(why).Options(options...).Value(&at))
	return at, err
}

// number asks for one of several answers in the plain way: by its number.
func (q *asker) number(ctx context.Context, title, why, at string, all []choice) (string, error) {
	if q.backward {
		all = append(slices.Clip(all), choice{back, "Back"})
	}
	lines, first := title, max(1, 1+slices.IndexFunc(all, func(c choice) bool { return c.id == at }))
	for i, c := range all {
		lines += fmt.Sprintf("\n%d. %s", i+1, c.text)
	}
	q.say(why)
	q.say(lines)
	typed := ""
	err := q.run(ctx, huh.NewInput().Title(fmt.Sprintf("A number from 1 to %d [%d]:", len(all), first)).Value(&typed).Validate(func(s string) error {
		if s = strings.TrimSpace(s); s == "" || s == back && q.backward || number(s) >= 1 && number(s) <= len(all) {
			return nil
		}
		return fmt.Errorf("give a number from 1 to %d", len(all))
	}))
	if err != nil {
		return at, err
	}
	switch typed = strings.TrimSpace(typed); typed {
	case back:
		return at, errBack
	case "":
		typed = strconv.Itoa(first)
	}
	if at = all[number(typed)-1].id; at == back {
		return at, errBack
	}
	return at, nil
}

// confirm asks a question with two answers; the first is the one that Enter
// takes.
func (q *asker) confirm(ctx context.Context, title, why, yes, no string) (bool, error) {
	id, err := q.choose(ctx, title, why, "yes", []choice{{"yes", yes}, {"no", no}})
	return id == "yes", err
}

// A question is one value to type.
type question struct {
	title, why string
	value      *string
	secret     bool // is not shown, and what *value holds before is not told
	optional   bool
	long       bool // may be a paste of several lines
	// wrong refuses a value as it would be taken, with what to do; remark says
	// what should be known while it is typed. Both may be nil.
	wrong  func(string) string
	remark func(string) string
}

// refuse is a question's answer to a value.
func (w question) refuse(typed string) error {
	switch {
	case typed == "" && w.optional:
		return nil
	case strings.TrimSpace(typed) == "":
		return errors.New("it is needed")
	case w.wrong == nil:
		return nil
	}
	if text := w.wrong(typed); text != "" {
		return errors.New(text)
	}
	return nil
}

// fill asks for several values: on one page, or in the plain way one after
// another. Values that were typed stand in *value also after errBack and errLeft.
func (q *asker) fill(ctx context.Context, all ...question) error {
	if q.plain {
		for _, w := range all {
			if err := q.line(ctx, w); err != nil {
				return err
			}
		}
		return nil
	}
	var fields []huh.Field
	for _, w := range all {
		typed := &typedValue{value: w.value}
		i := huh.NewInput().Title(w.title).Accessor(typed).Validate(w.refuse)
		if w.secret {
			i.EchoMode(huh.EchoModePassword)
		}
		if w.remark == nil {
			i.Description(w.why)
		} else {
			// Always two lines, so that the page does not jump.
			i.DescriptionFunc(func() string { return w.why + "\n" + w.remark(typed.Get()) + " " }, w.value)
		}
		fields = append(fields, i)
	}
	return q.run(ctx, fields...)
}

// A typedValue is a value that a form sets while its remark, on a goroutine of
// the library, reads it.
type typedValue struct {
	mu    sync.Mutex
	value *string
}

// Get implements huh.Accessor.
func (v *typedValue) Get() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return *v.value
}

// Set implements huh.Accessor.
func (v *typedValue) Set(value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	*v.value = value
}

// back is what is typed in the plain way to go back, and none what empties a
// value that Enter would keep.
const (
	back = "<"
	none = "-"
)

// line asks for one value in the plain way.
func (q *asker) line(ctx context.Context, w question) error {
	title := w.title
	q.say(w.why)
	if *w.value != "" && !w.secret {
		title += " [" + *w.value + "]"
	}
	if w.secret {
		return q.secret(ctx, w)
	}
	typed := ""
	refuse := func(s string) error {
		switch s = strings.TrimSpace(s); {
		case s == back, s == "" && *w.value != "" && w.refuse(*w.value) == nil, s == none && w.optional:
			return nil
		case w.long && s != "" && !q.lines.ended:
			return nil // there may be more of it, and it is looked at as a whole
		}
		return w.refuse(s)
	}
	if err := q.run(ctx, huh.NewInput().Title(title+":").Value(&typed).Validate(refuse)); err != nil {
		return err
	}
	switch typed {
	case back:
		return errBack
	case none:
		*w.value = ""
		return nil
	case "":
		return nil
	}
	if w.long {
		more, err := q.paste(ctx, typed)
		if err != nil {
			return err
		}
		if err := w.refuse(more); err != nil {
			fmt.Fprintln(q.out, err)
			return q.line(ctx, w)
		}
		typed = more
	}
	if w.remark != nil {
		q.say(w.remark(typed))
	}
	*w.value = typed
	return nil
}

// paste reads on, up to an empty line, where the first line is not a value of
// its own.
func (q *asker) paste(ctx context.Context, first string) (string, error) {
	if !strings.ContainsAny(first, " \t:") && len(first) > 30 || setup.Recognise(first).ClientID != "" {
		return first, nil
	}
	q.say("(the rest of the paste, up to an empty line)")
	in := bufio.NewReader(q.lines)
	text := first
	for {
		line, err := in.ReadString('\n')
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if text += "\n" + line; strings.TrimSpace(line) == "" || err != nil || len(text) > 1<<20 {
			return text, nil
		}
	}
}

// secret asks for a value in the plain way without showing it.
func (q *asker) secret(ctx context.Context, w question) error {
	for {
		var typed string
		if q.p.interactive() {
			v, err := q.p.askSecret(ctx, w.title+": ")
			if ctx.Err() != nil || errors.Is(err, io.EOF) {
				return errLeft
			}
			if err != nil {
				return err
			}
			typed = v.Reveal()
		} else {
			fmt.Fprintln(q.out, w.title+":")
			line, err := bufio.NewReader(q.lines).ReadString('\n')
			if typed = strings.TrimRight(line, "\r\n"); err != nil && typed == "" {
				return errLeft
			}
		}
		if typed == back {
			return errBack
		}
		if typed == "" && *w.value != "" {
			return nil
		}
		if err := w.refuse(typed); err != nil {
			fmt.Fprintln(q.out, err)
			continue
		}
		*w.value = typed
		return nil
	}
}

// run shows fields until they are answered.
func (q *asker) run(ctx context.Context, fields ...huh.Field) error {
	wentBack := false
	keys := huh.NewDefaultKeyMap()
	keys.Select.Filter.Unbind() // the lists are short, and Escape means something else
	form := huh.NewForm(huh.NewGroup(fields...)).
		WithProgramOptions(tea.WithoutSignalHandler(), tea.WithFilter(func(_ tea.Model, msg tea.Msg) tea.Msg {
			if k, ok := msg.(tea.KeyPressMsg); ok && k.String() == "esc" {
				wentBack = true
				return tea.InterruptMsg{}
			}
			return msg
		})).
		WithTheme(huh.ThemeFunc(huh.ThemeBase16)).WithKeyMap(keys).WithAccessible(q.plain).WithShowHelp(!q.plain).WithOutput(q.out)
	in, end, err := io.Reader(q.lines), func() error { return nil }, error(nil)
	if !q.plain {
		if in, end, err = keysFrom(q.p.terminal); err != nil {
			return fmt.Errorf("the terminal gives no keys: %w", err)
		}
	}
	err = form.WithInput(in).RunWithContext(ctx)
	if failed := end(); err == nil {
		err = failed
	}
	switch {
	case ctx.Err() != nil, q.plain && q.lines.ended:
		return errLeft
	case wentBack:
		return errBack
	case errors.Is(err, huh.ErrUserAborted):
		return errLeft
	}
	return err
}

// say prints what there is to know, a paragraph.
func (q *asker) say(text string) {
	if text = strings.TrimSpace(text); text != "" {
		fmt.Fprintln(q.p.stderr, text)
	}
}
