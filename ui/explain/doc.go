// Package explain is the page that says what a refusal means which somebody
// pasted, from any program's log. Nothing of it leaves the machine.
package explain
