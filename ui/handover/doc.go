// Package handover is the end of a setup: what to type into the tool that is to
// send, a user and a password for it, how the usual tools are told, and how
// traymail keeps running. It is a part of a page.
package handover
