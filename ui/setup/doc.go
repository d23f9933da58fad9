// Package setup is the page that sets an account up, step by step: how to send,
// the addresses, the app registration, the sign-in. The last two steps, the
// checks with the test email and the hand-over, are given to it.
//
// What is typed is kept as a draft through the program, so that every step can
// be left and resumed.
package setup
