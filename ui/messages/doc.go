// Package messages is two pages of the window: Queue, of what is open, and
// History, of all messages that there were.
//
// Both show a list of any length: only the rows in sight are widgets, and rows
// are fetched in pages, ahead of the scroll, by goroutines of the desk. What one
// reads stays where it is: new messages are told of, and shown when asked for.
package messages
