//go:build !darwin || cgo

package trial

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"

	"traymail/ui/look"
	"traymail/ui/words"
)

// A Strip is the card that says how a trial goes. It is hidden while there is
// nothing to say.
type Strip struct {
	*Trial
	Card *look.Card

	banner                *look.Banner
	reply, fix            *look.Entry
	cancel, check, remove *look.Button
	changed               func()
}

var levels = map[Stage]look.Level{Busy: look.Working, Taken: look.OK, Partly: look.Attention, Failed: look.Error}

// NewStrip returns a strip of a trial. check shows the checks of an account, and
// changed is called when the strip says something else than before, which moves
// what is below it. A trial that another strip showed goes on in this one, which
// says in the language in use now what there is to say.
func NewStrip(k *look.Kit, t *Trial, check func(account string), changed func()) *Strip {
	s := &Strip{Trial: t, banner: look.NewBanner(), reply: k.Code(""), fix: k.ReadOnly(), changed: changed}
	s.cancel = k.Button(words.Say("trial.cancel"), s.Trial.Cancel)
	s.check = k.Button(words.Say("trial.check"), func() { check(s.State().Account) })
	s.remove = k.Button(words.Say("trial.close"), s.Trial.Close)
	s.Card = look.Surface(look.Rows(4, container.NewBorder(nil, nil, nil,
		container.NewVBox(look.Row(s.check, s.cancel, s.remove)), s.banner.Container),
		container.New(layout.NewCustomPaddedLayout(0, 0, 40, 0), s.reply), container.New(layout.NewCustomPaddedLayout(0, 0, 32, 0), look.Quiet(s.fix))))
	s.Card.Hide()
	t.changed = s.show
	t.say()
	return s
}

// Focus is where the next key belongs while there is something to say.
func (s *Strip) Focus() fyne.Focusable {
	if s.State().Stage == Busy {
		return s.cancel
	}
	return s.remove
}

// Lost reports whether the focus is on something of the strip that is not to be
// seen any more.
func (s *Strip) Lost(focused fyne.Focusable) bool {
	for _, o := range []interface {
		fyne.Focusable
		fyne.CanvasObject
	}{s.cancel, s.check, s.remove, s.reply, s.fix} {
		if focused == o {
			return !s.Card.Visible() || !o.Visible()
		}
	}
	return false
}

func (s *Strip) show(state State) {
	look.Show(s.Card, state.Stage != None)
	if state.Stage != None {
		s.banner.Tell(look.Headline{Level: levels[state.Stage], What: state.What, Then: state.Then})
		look.SetCode(s.reply, state.Reply)
		look.SetCode(s.fix, state.Fix)
		look.Show(s.cancel, state.Stage == Busy)
		look.Show(s.remove, state.Stage != Busy)
		look.Show(s.check, state.Stage == Failed && state.Reply != "")
		s.Card.Refresh()
	}
	s.changed()
}
