// Package look is how the window looks: the theme, the icons and the widgets
// that its pages are made of. It knows nothing of mail.
//
// All of it belongs to the goroutine of the window.
package look
