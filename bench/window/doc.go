// Package window measures the window as it was built, on a screen of its own:
// the time until its first frame, its memory, what it costs while nobody looks,
// and the frames while a history of 100,000 messages scrolls.
package window
