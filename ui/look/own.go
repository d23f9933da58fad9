//go:build !darwin || cgo

package look

import "fyne.io/fyne/v2"

// Follow returns what a page's own widget calls when it gets the focus, so that
// it is scrolled into sight where it is in a Scrolled part.
func (k *Kit) Follow(o fyne.CanvasObject) (focused func()) { return k.follower(o) }

// Escape is what a page's own widget calls for Escape.
func (k *Kit) Escape() { k.escape() }
