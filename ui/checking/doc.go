// Package checking is the setup checks of an account, with the test email and
// the permission to send for another address beside them. It is a part of a
// page, which the wizard and the accounts show alike.
//
// Checks go on while they are not to be seen, one run for each account.
package checking
