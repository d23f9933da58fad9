// Package screentest gives tests a real screen: an X server of the test's own
// with a window manager on it, a mouse and a keyboard, and eyes: it finds what
// the window says, as a person does, and clicks there. It works on Linux; only
// tests import it.
package screentest
