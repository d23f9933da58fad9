//go:build !darwin || cgo

package handover

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/setup"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A toolsPanel shows how one of the usual tools is told.
type toolsPanel struct {
	which    *look.Select
	hint     *widget.Label
	snippets map[string]*snippetBlock
}

// A snippetBlock is how one tool is told: fields to fill in, or text to copy.
type snippetBlock struct {
	content *fyne.Container
	fields  map[string]*row
	parts   map[string]*partBlock
}

// A partBlock is a text to copy, with what it is above it.
type partBlock struct {
	content *fyne.Container
	code    *look.Entry
}

func (s *Step) toolsView() fyne.CanvasObject {
	t := &toolsPanel{snippets: map[string]*snippetBlock{}, hint: look.Small("")}
	s.tools = t
	all := setup.Snippets(setup.Relay{TLS: "none", Client: "tool"}) // with every part that there may be
	var titles []string
	for _, each := range all {
		titles = append(titles, snippetName(each))
	}
	t.which = s.kit.Select(titles, func(i int) { s.p.choose(all[i].ID) })
	view := look.Rows(4, look.Strong(words.Say("handover.tools_title")), look.Rows(-6, look.Small(words.Say("handover.tool")), look.Indented(t.which)), t.hint)
	for _, each := range all {
		b := &snippetBlock{content: look.Rows(4), fields: map[string]*row{}, parts: map[string]*partBlock{}}
		t.snippets[each.ID] = b
		width := widestName(names(each.Fields)...)
		for _, f := range each.Fields {
			b.fields[f.ID] = s.row(nameOf(f), width)
			b.content.Add(b.fields[f.ID].content)
		}
		for _, p := range each.Parts {
			code := s.kit.Code("")
			b.parts[p.ID] = &partBlock{code: code, content: look.Rows(2, look.Small(words.Say("handover.part_"+key(each.ID+"_"+p.ID))), look.Indented(code),
				look.Space(0, 2), look.Indented(look.Flow(s.kit.CopyButton(words.Say("handover.copy_text"), func() string { return code.Text }))))}
			b.content.Add(b.parts[p.ID].content)
		}
		b.content.Hide()
		view.Add(b.content)
	}
	return view
}

// renderTools draws the chosen tool.
func (s *Step) renderTools(is State) {
	r := s.relay()
	all := setup.Snippets(r)
	if r.Host == "" { // capitals stand for what is not known
		r.Host, r.Port = "SERVER", "PORT"
	}
	texts := setup.Snippets(r)
	s.tools.which.Set(slices.IndexFunc(all, func(each setup.Snippet) bool { return each.ID == is.Snippet }))
	for i, each := range all {
		b := s.tools.snippets[each.ID]
		look.Show(b.content, each.ID == is.Snippet)
		if each.ID != is.Snippet {
			continue
		}
		hint := ""
		switch {
		case each.Unfit == setup.NoImplicitTLS:
			hint = words.Say("handover.unfit_implicit_tls", words.Data{"Tool": snippetName(each)})
		case len(each.Parts) == 0 || each.ID == "cron": // which needs neither
		case is.withoutPassword():
			hint = words.Say("handover.leave_out")
		default:
			hint = words.Say("handover.password_file")
		}
		look.SetText(s.tools.hint, hint)
		for _, f := range each.Fields {
			b.fields[f.ID].tell(f.Value, word(is, f))
		}
		for id, part := range b.parts {
			at := slices.IndexFunc(texts[i].Parts, func(p setup.Part) bool { return p.ID == id })
			look.Show(part.content, at >= 0)
			if at >= 0 {
				look.SetEntry(part.code, texts[i].Parts[at].Text)
			}
		}
	}
}

// snippetName is a tool's own name, or the window's word for it.
func snippetName(s setup.Snippet) string {
	if s.Name != "" {
		return s.Name
	}
	return words.Say("handover.tool_" + key(s.ID))
}
