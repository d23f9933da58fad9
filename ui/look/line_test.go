//go:build !darwin || cgo

package look

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
)

func TestALineSaysWhatWasFoundWhereThereIsRoomForIt(t *testing.T) {
	w := test.NewTempApp(t).NewWindow("test")
	defer w.Close()
	k := NewKit(w.Canvas(), func(string) {}, func() {})
	const name, word = 160, 70
	long := "Authenticated SMTP is switched off for the mailbox svc@contoso.com, and for no other of the organisation"
	for what, c := range map[string]struct {
		at                  Level
		found               string
		more, open          bool
		width               float32
		seen, below, openly bool
	}{
		"a failure beside its name":            {Error, "it is off", false, false, 900, true, false, false},
		"a long failure below it":              {Error, long, false, false, 500, true, true, false},
		"a short one in a narrow list":         {Error, "it is off", false, false, 290, true, true, false},
		"what passed, beside its name":         {OK, "it is on", false, false, 500, true, false, false},
		"what passed, cut":                     {OK, long, false, false, 500, true, false, true},
		"what passed, left out":                {OK, long, false, false, 340, false, false, true},
		"what passed, opened":                  {OK, long, false, true, 340, true, true, true},
		"what passed and found nothing":        {OK, "", false, false, 340, false, false, false},
		"what passed, left out, and has more":  {OK, "it is on", true, false, 340, false, false, true},
		"what was skipped, in a roomy list":    {Skipped, "it depends on another", false, false, 600, true, false, false},
		"a failure that has more, beside name": {Error, "it is off", true, false, 900, true, false, true},
	} {
		t.Run(what, func(t *testing.T) {
			l := k.Line(name, word)
			l.Resize(fyne.NewSize(c.width, l.MinSize().Height))
			l.Tell(c.at, "SMTP AUTH", "failed", c.found, c.more, c.open)
			l.Resize(fyne.NewSize(c.width, l.MinSize().Height))
			if l.Found.Visible() != c.seen || l.Opens() != c.openly {
				t.Errorf("what was found is seen: %v, it opens: %v", l.Found.Visible(), l.Opens())
			}
			if below := l.Found.Position().Y > 0; c.seen && below != c.below {
				t.Errorf("it is below the name: %v", below)
			}
			if c.below && l.Found.Size().Width < c.width-40 {
				t.Errorf("below the name it has %v of %v", l.Found.Size().Width, c.width)
			}
			if end := l.Found.Position().Y + l.Found.MinSize().Height; c.seen && end > l.Size().Height {
				t.Errorf("it ends at %v, and the line at %v", end, l.Size().Height)
			}
			if at := l.word.Position().X; !c.below && c.seen && l.Found.Position().X+l.Found.Size().Width > at || l.name.Position().X+l.name.Size().Width > at {
				t.Error("something lies under the word")
			}
		})
	}
}
