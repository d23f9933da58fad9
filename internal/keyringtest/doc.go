// Package keyringtest gives tests a real GNOME keyring that is theirs alone: a
// private session bus and a private keyring daemon with a home directory that
// ends with the test. The user's own keyring is never reached. It works on
// Linux; only tests import it.
package keyringtest
