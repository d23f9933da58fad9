//go:build !race

package mailer

const rowsApart = 1
