package main

import (
	"fmt"
	"text/tabwriter"
)

// A table is printed in columns as wide as they need to be.
type table struct{ w *tabwriter.Writer }

func (p *program) table(head ...any) table {
	t := table{tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)}
	t.row(head...)
	return t
}

func (t table) row(cells ...any) {
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(t.w, "\t")
		}
		fmt.Fprint(t.w, c)
	}
	fmt.Fprintln(t.w)
}

// end prints it. What cannot be printed is not worth more than what else is
// printed, which nobody checks either.
func (t table) end() { _ = t.w.Flush() }
