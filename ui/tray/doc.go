// Package tray is the icon beside the clock: how things stand as a picture, in
// one line, and a menu with what a person does without the window; and the
// notices that say what needs a person.
//
// Of and Notices know no toolkit: they turn a desk.Status into what is shown.
// The Icon shows it. Host tells whether anything shows icons at all: the window
// may start hidden, or hide when it is closed, only while it does.
package tray
