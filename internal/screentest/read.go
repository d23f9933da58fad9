//go:build linux

package screentest

import (
	"image"
	"image/color"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	_ "traymail/ui/locale" // before the toolkit
)

// A style is one in which the window writes.
type style struct {
	size            float32
	bold, monospace bool
}

var styles = []style{{14, false, false}, {14, true, false}, {12, false, false}, {16, true, false}, {24, true, false}, {14, false, true}, {12, false, true}, {12, true, false}}

// A mask is how much ink each pixel of a text has, of 255. Around it there is a
// margin without.
type mask struct {
	ink           []uint8
	width, height int
	darkest       int   // place of the pixel with the most ink
	bare          []int // some places without ink
	points        []point
}

// A point is a pixel of a mask. Those with ink come first, which soonest tell
// another text apart.
type point struct{ x, y, ink int }

type maskKey struct {
	text string
	style
}

// masks are made once; the toolkit draws one at a time.
var masks = struct {
	sync.Mutex
	made map[maskKey]*mask
	app  fyne.App
}{made: map[maskKey]*mask{}}

// beside is how much room a text has at its right where it is a whole one.
const beside = 6

// maskOf draws a text as the window does. One that ends with … is the beginning
// of a line; any other is all of it.
func maskOf(text string, st style) *mask {
	masks.Lock()
	defer masks.Unlock()
	if m := masks.made[maskKey{text, st}]; m != nil {
		return m
	}
	if masks.app == nil {
		masks.app = test.NewApp()
	}
	begins := strings.HasSuffix(text, "…")
	t := canvas.NewText(strings.TrimSuffix(text, "…"), color.White)
	t.TextSize, t.TextStyle = st.size, fyne.TextStyle{Bold: st.bold, Monospace: st.monospace}
	img := software.Render(t, black{theme.DefaultTheme()})
	b := img.Bounds()
	all := image.Rectangle{}
	light := func(x, y int) uint8 { r, _, _, _ := img.At(x, y).RGBA(); return uint8(r >> 8) }
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if light(x, y) > 0 {
				all = all.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	right := 0
	if !begins {
		right = beside
	}
	m := &mask{width: all.Dx() + 1 + right, height: all.Dy() + 2}
	m.ink = make([]uint8, m.width*m.height)
	for y := range all.Dy() {
		for x := range all.Dx() {
			m.ink[(y+1)*m.width+x+1] = light(all.Min.X+x, all.Min.Y+y)
		}
	}
	for i, ink := range m.ink {
		if ink > m.ink[m.darkest] {
			m.darkest = i
		}
	}
	for i, ink := range m.ink {
		if ink == 0 && i%5 == 0 && len(m.bare) < 6 {
			m.bare = append(m.bare, i)
		}
	}
	for _, inked := range []bool{true, false} {
		for i, ink := range m.ink {
			if (ink > 0) == inked {
				m.points = append(m.points, point{i % m.width, i / m.width, int(ink)})
			}
		}
	}
	masks.made[maskKey{text, st}] = m
	return m
}

// black is a theme whose background has no light.
type black struct{ fyne.Theme }

func (black) Color(fyne.ThemeColorName, fyne.ThemeVariant) color.Color { return color.Black }

// leastContrast is that of what a person can read, and more than a cursor's
// edge has by accident, of 765.
const leastContrast = 150

// in reports whether the text stands in a frame with its corner at a place, in
// any two colours that differ.
func (m *mask) in(f *frame, at int) bool {
	place := func(i int) uint32 { return f.pixel[at+i/m.width*f.width+i%m.width] }
	ground, ink := place(0), place(m.darkest)
	for _, i := range m.bare {
		if apart(place(i), ground) > 12 {
			return false
		}
	}
	var bg, full, most [3]int
	contrast := 0
	for c := range 3 {
		bg[c] = channel(ground, c)
		full[c] = (channel(ink, c) - bg[c]) * 255 / int(m.ink[m.darkest])
		size := max(full[c], -full[c])
		contrast += size
		most[c] = 10 + size/6
	}
	if contrast < leastContrast {
		return false
	}
	wrong, limit := 0, len(m.ink)/100
	for _, of := range m.points {
		p := f.pixel[at+of.y*f.width+of.x]
		for c := range 3 {
			if d := channel(p, c) - bg[c] - full[c]*of.ink/255; d > most[c] || d < -most[c] {
				if wrong++; wrong > limit {
					return false
				}
				break
			}
		}
	}
	return true
}

func channel(p uint32, c int) int { return int(p >> (16 - 8*c) & 0xff) }

func apart(a, b uint32) int {
	sum := 0
	for c := range 3 {
		d := channel(a, c) - channel(b, c)
		sum += max(d, -d)
	}
	return sum
}

// find returns where a text stands, the topmost first.
func (f *frame) find(text string) []image.Rectangle { return f.search(text, false) }

// search is find, which may do with one place.
func (f *frame) search(text string, one bool) (all []image.Rectangle) {
	for _, st := range styles {
		m := maskOf(text, st)
		darkest := m.darkest/m.width*f.width + m.darkest%m.width
		for y := 0; y+m.height <= f.height; y++ {
			row := f.pixel[y*f.width:]
			for x := 0; x+m.width <= f.width; x++ {
				if row[x] != row[x+darkest] && m.in(f, y*f.width+x) {
					all = append(all, image.Rect(x, y, x+m.width, y+m.height))
					if one {
						return all
					}
				}
			}
		}
	}
	return all
}

// Sees reports whether the screen says a text: a whole line of it, or with … at
// the end the beginning of one.
func (s *Screen) Sees(text string) bool {
	f := s.frame()
	return len(f.search(text, true)) > 0
}

// Find waits until the screen says one of the texts, and returns where.
func (s *Screen) Find(t testing.TB, texts ...string) image.Rectangle {
	t.Helper()
	var seen frame
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		f := s.frame()
		if slices.Equal(f.pixel, seen.pixel) && time.Now().Before(end) {
			continue
		}
		seen = f
		for _, text := range texts {
			if at := f.search(text, true); len(at) > 0 {
				return at[0]
			}
		}
		if time.Now().After(end) {
			s.keep(t)
			t.Fatalf("waited in vain for the screen to say %q", texts)
		}
	}
}

// Below waits until the screen says the label of a field, and returns a place in
// the field, which stands below it.
func (s *Screen) Below(t testing.TB, label string) image.Point {
	t.Helper()
	at := s.Find(t, label)
	return image.Pt(at.Min.X+20, at.Max.Y+20)
}

// ClickBeside clicks on a text that stands at the right of another one, the
// nearest of those in the same line.
func (s *Screen) ClickBeside(t testing.TB, label, text string) {
	t.Helper()
	of := s.Find(t, label)
	s.Find(t, text)
	f := s.frame()
	best := image.Rectangle{}
	for _, at := range f.find(text) {
		off := at.Min.Y + at.Max.Y - of.Min.Y - of.Max.Y
		if at.Min.X > of.Max.X && max(off, -off) < 24 && (best.Empty() || at.Min.X < best.Min.X) {
			best = at
		}
	}
	if best.Empty() {
		s.keep(t)
		t.Fatalf("no %q stands beside %q", text, label)
	}
	s.ClickAt(t, best.Min.Add(best.Size().Div(2)))
}
