// Package icons holds the pictures of the tray: the mark with the shape of a
// state at its corner. They are drawn from the SVGs in this folder, and a test
// tells when they are not; go generate draws them anew.
package icons

//go:generate go test -run TestThePicturesAreDrawnFromTheirSVG -draw

import "embed"

//go:embed png/*.png
var files embed.FS

// A Look is what a panel wants of a picture.
type Look string

// The looks.
const (
	Light    Look = "light"    // for a light panel
	Dark     Look = "dark"     // for a dark one
	Outlined Look = "outlined" // for a panel whose colour nobody knows: white in a black line
	Template Look = "template" // macOS colours it: only its opacity counts
)

// Names are those of the states that have a picture.
var Names = []string{"idle", "sending", "paused", "attention", "error"}

// PNG is the picture of a state, one of Names.
func PNG(name string, l Look) []byte {
	b, err := files.ReadFile("png/" + name + "-" + string(l) + ".png")
	if err != nil {
		panic(err) // the tests look at all there are
	}
	return b
}
