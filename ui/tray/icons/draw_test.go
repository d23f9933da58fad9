//go:build !darwin || cgo

package icons

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
)

var draw = flag.Bool("draw", false, "write the pictures")

// fine is the side of what is drawn before it is made small, and unit how much
// of that is a pixel of the smallest picture, which has 16.
const (
	fine = 384
	unit = fine / 16
)

// A paint is how the pictures of a look are coloured. Transparent is nothing.
type paint struct {
	size    int // of the picture's side
	mark    color.RGBA
	holes   color.RGBA // the sign within a state's shape
	outline color.RGBA
	states  map[string]color.RGBA
}

func rgb(hex uint32) color.RGBA {
	return color.RGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 255}
}

// The colours are those of the theme. Linux is sent 48 pixels and Windows and
// macOS 32, because they show 22, 24 or 16 and twice that on fine screens.
var paints = map[Look]paint{
	Light: {size: 32, mark: rgb(0x16202C), holes: rgb(0xFFFFFF), states: map[string]color.RGBA{
		"idle": rgb(0x1B7A43), "sending": rgb(0x1F5FBF), "paused": rgb(0x55606E), "attention": rgb(0x8A5A00), "error": rgb(0xB3261E)}},
	Dark: {size: 32, mark: rgb(0xFFFFFF), holes: rgb(0x0B1220), states: map[string]color.RGBA{
		"idle": rgb(0x6FD19A), "sending": rgb(0x7FB2FF), "paused": rgb(0xA3ADBA), "attention": rgb(0xF0BE5A), "error": rgb(0xFF8A80)}},
	Outlined: {size: 48, mark: rgb(0xFFFFFF), holes: rgb(0), outline: rgb(0), states: map[string]color.RGBA{
		"idle": rgb(0x6FD19A), "sending": rgb(0x7FB2FF), "paused": rgb(0xA3ADBA), "attention": rgb(0xF0BE5A), "error": rgb(0xFF8A80)}},
	Template: {size: 32, mark: rgb(0), states: map[string]color.RGBA{
		"idle": rgb(0), "sending": rgb(0), "paused": rgb(0), "attention": rgb(0), "error": rgb(0)}},
}

func TestThePicturesAreDrawnFromTheirSVG(t *testing.T) {
	test.NewTempApp(t)
	mark, total := shape(t, "mark.svg"), 0
	for _, name := range Names {
		s := put(shape(t, name+".svg"), mark)
		for _, look := range []Look{Light, Dark, Outlined, Template} {
			p := paints[look]
			total += same(t, filepath.Join("png", name+"-"+string(look)+".png"), s.painted(p, p.states[name]))
		}
	}
	if total > 40_000 {
		t.Errorf("the pictures have %d bytes, and are in the program", total)
	}
	t.Logf("the pictures have %d bytes", total)
}

// On Linux the library that sends a picture garbles what is neither opaque nor
// black or white.
func TestTheOutlineIsBlackToItsEdge(t *testing.T) {
	for _, name := range Names {
		img, err := png.Decode(bytes.NewReader(PNG(name, Outlined)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 48 * 48 {
			c := color.NRGBAModel.Convert(img.At(i%48, i/48)).(color.NRGBA)
			if c.A > 0 && c.A < 255 && (c.R|c.G|c.B) != 0 {
				t.Errorf("%s has %v at %d, %d", name, c, i%48, i/48)
			}
		}
	}
}

func TestTheIconOfTheProgramIsDrawnFromItsSVG(t *testing.T) {
	test.NewTempApp(t)
	same(t, "../../icon.png", shrink(render(t, "../../icon.svg", 4*256), 256))
}

// same fails unless the file holds the picture. Another rasterizer may differ a
// little.
func same(t *testing.T, file string, want *image.RGBA) (size int) {
	t.Helper()
	if *draw {
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, want); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run go generate ./ui/tray/icons", err)
	}
	got, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() {
		t.Fatalf("%s is %v, want %v: run go generate ./ui/tray/icons", file, got.Bounds(), want.Bounds())
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			if c := color.RGBAModel.Convert(got.At(x, y)).(color.RGBA); far(c, want.RGBAAt(x, y)) {
				t.Fatalf("%s has %v at %d, %d, want %v: run go generate ./ui/tray/icons", file, c, x, y, want.RGBAAt(x, y))
			}
		}
	}
	return len(b)
}

func far(a, b color.RGBA) bool {
	d := func(a, b uint8) bool { return max(a, b)-min(a, b) > 3 }
	return d(a.R, b.R) || d(a.G, b.G) || d(a.B, b.B) || d(a.A, b.A)
}

// render draws an SVG as the toolkit does.
func render(t *testing.T, file string, side int) image.Image {
	t.Helper()
	svg, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := software.NewTransparentCanvas()
	c.SetPadded(false)
	c.SetContent(canvas.NewImageFromResource(fyne.NewStaticResource(filepath.Base(file), svg)))
	c.Resize(fyne.NewSquareSize(float32(side)))
	return c.Capture()
}

// A mask says of each point of a fine drawing whether it belongs.
type mask []bool

func (m mask) at(x, y int) bool { return x >= 0 && y >= 0 && x < fine && y < fine && m[y*fine+x] }

func shape(t *testing.T, file string) mask {
	t.Helper()
	drawn, m := render(t, file, fine), make(mask, fine*fine)
	for i := range m {
		_, _, _, a := drawn.At(i%fine, i/fine).RGBA()
		m[i] = a > 0x7fff
	}
	return m
}

// whole is the shape without its holes: all that cannot be reached from the edge.
func (m mask) whole() mask {
	outside := make(mask, len(m))
	for todo := []image.Point{{}}; len(todo) > 0; {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if p.X < 0 || p.Y < 0 || p.X >= fine || p.Y >= fine || m.at(p.X, p.Y) || outside.at(p.X, p.Y) {
			continue
		}
		outside[p.Y*fine+p.X] = true
		for _, d := range []image.Point{{X: 1}, {X: -1}, {Y: 1}, {Y: -1}} {
			todo = append(todo, p.Add(d))
		}
	}
	for i := range outside {
		outside[i] = !outside[i]
	}
	return outside
}

// grown is the shape with all that is within r of it.
func (m mask) grown(r int) mask {
	g := make(mask, len(m))
	for y := range fine {
		for x := range fine {
			inside := m.at(x, y) && m.at(x-1, y) && m.at(x+1, y) && m.at(x, y-1) && m.at(x, y+1)
			if inside {
				g[y*fine+x] = true
			}
			if inside || !m.at(x, y) {
				continue
			}
			for dy := max(-r, -y); dy <= min(r, fine-1-y); dy++ {
				for dx := max(-r, -x); dx <= min(r, fine-1-x); dx++ {
					if dx*dx+dy*dy <= r*r {
						g[(y+dy)*fine+x+dx] = true
					}
				}
			}
		}
	}
	return g
}

// A sign is a state's shape on the mark, with room around it.
type sign struct {
	shape, whole, seen, outlined mask
}

func put(state, mark mask) sign {
	whole := state.whole()
	room, seen := whole.grown(unit), make(mask, len(mark))
	for i := range mark {
		// What the mark has right of the shape, at its corner, is a splinter.
		corner := i%fine > fine*46/64 && i/fine > fine*26/64
		seen[i] = mark[i] && !room[i] && !corner || whole[i]
	}
	return sign{state, whole, seen, seen.grown(unit * 3 / 4)}
}

func (s sign) painted(p paint, state color.RGBA) *image.RGBA {
	all := image.NewRGBA(image.Rect(0, 0, fine, fine))
	for i := range s.shape {
		c := color.RGBA{}
		switch {
		case s.shape[i]:
			c = state
		case s.whole[i]:
			c = p.holes
		case s.seen[i]:
			c = p.mark
		case s.outlined[i]:
			c = p.outline
		}
		all.SetRGBA(i%fine, i/fine, c)
	}
	return shrink(all, p.size)
}

// shrink makes a square picture smaller, each point the mean of those that it
// stands for.
func shrink(from image.Image, side int) *image.RGBA {
	to, n := image.NewRGBA(image.Rect(0, 0, side, side)), from.Bounds().Dx()/side
	for i := range side * side {
		var sum [4]uint32
		for j := range n * n {
			r, g, b, a := from.At(i%side*n+j%n, i/side*n+j/n).RGBA()
			sum[0], sum[1], sum[2], sum[3] = sum[0]+r>>8, sum[1]+g>>8, sum[2]+b>>8, sum[3]+a>>8
		}
		mean := func(s uint32) uint8 { return uint8((s + uint32(n*n)/2) / uint32(n*n)) }
		to.SetRGBA(i%side, i/side, color.RGBA{mean(sum[0]), mean(sum[1]), mean(sum[2]), mean(sum[3])})
	}
	return to
}
