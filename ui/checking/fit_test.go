//go:build !darwin || cgo

package checking

import (
	"context"
	"testing"

	"fyne.io/fyne/v2"

	"traymail/internal/mailer"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

// The checks have so much of a window of 1024×700, and of one on a screen of
// 1920×1080 at 200%, beside the steps of the setup.
var smallest = []fyne.Size{fyne.NewSize(714, 560), fyne.NewSize(634, 332)}

func TestTheChecksFitTheSmallestWindowInEveryLanguage(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	f := newFake("main").sendingAs("invoices-and-reminders@subsidiary.of.a-long-company.example.com")
	f.check = failing
	f.sendTest = func(context.Context, string) (mailer.Delivery, error) { return mailer.Delivery{}, refusal() }
	a := f.accounts["main"]
	a.Username, a.TestTo = "a-service-for-the-invoices@subsidiary.of.a-long-company.example.com", "operations@subsidiary.of.a-long-company.example.com"
	f.put(a)
	s := openScreen(t, f).checked()
	s.Test()
	s.idle()
	for _, language := range words.Languages {
		words.Use(language)
		s.Step = s.Anew(s.Frame)
		s.Window.SetContent(s.Content())
		s.Show("main")
		for _, size := range smallest {
			for _, text := range uitest.Cut(s.Content(), size) {
				t.Errorf("in %s at %v %q is cut", language, size, text)
			}
		}
	}
}
