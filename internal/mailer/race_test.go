//go:build race

package mailer

// rowsApart says that one in so many rows of the table of scenarios is gone
// through with the race detector; without it all are, and the page is compared.
const rowsApart = 4
