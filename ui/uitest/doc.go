// Package uitest is what the tests of the window's pages have in common: the
// toolkit's test driver with the house's theme, and pictures of a page.
package uitest
