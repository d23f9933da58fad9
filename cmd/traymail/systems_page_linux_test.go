package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A page is one of docs/systems.
type page struct {
	t      *testing.T
	name   string
	text   string
	blocks []block
}

// A block is a block of commands under a heading.
type block struct {
	heading, commands string
	run               bool
}

// open reads a page. When the test ends, every block of it must have been run.
func (o *office) open(name string) *page {
	o.t.Helper()
	p := readPage(o.t, name)
	o.t.Cleanup(func() {
		for _, b := range p.blocks {
			if !b.run {
				o.t.Errorf("%s: nobody ran, under %q:\n%s", name, b.heading, b.commands)
			}
		}
	})
	return p
}

// readPage reads a page.
func readPage(t *testing.T, name string) *page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "systems", name))
	if err != nil {
		t.Fatal(err)
	}
	p := &page{t: t, name: name, text: string(text)}
	heading := ""
	part := regexp.MustCompile("(?ms)^## ([^\n]*)$|^```sh\n(.*?)^```$")
	for _, m := range part.FindAllStringSubmatch(p.text, -1) {
		if m[1] != "" {
			heading = m[1]
			continue
		}
		p.blocks = append(p.blocks, block{heading: heading, commands: m[2]})
	}
	if len(p.blocks) == 0 {
		t.Fatalf("%s has no commands", name)
	}
	return p
}

// under returns the commands under a heading, of all its blocks.
func (p *page) under(heading string) string {
	p.t.Helper()
	return strings.Join(p.blocksUnder(heading), "")
}

// blocksUnder returns the blocks of commands under a heading, which the caller
// runs.
func (p *page) blocksUnder(heading string) (all []string) {
	p.t.Helper()
	for i := range p.blocks {
		if b := &p.blocks[i]; b.heading == heading {
			b.run = true
			all = append(all, b.commands)
		}
	}
	if all == nil {
		p.t.Fatalf("%s has no commands under %q", p.name, heading)
	}
	return all
}

// typed returns what the last table of the page, which is that of the tool, has
// for a setting.
func (p *page) typed(setting string) string {
	p.t.Helper()
	row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(setting) + ` \| ` + "`([^`]+)`")
	found := row.FindAllStringSubmatch(p.text, -1)
	if found == nil {
		p.t.Fatalf("%s has no row %s with a value", p.name, setting)
	}
	return found[len(found)-1][1]
}

// mentions reports words that a page does not have.
func (p *page) mentions(words ...string) {
	p.t.Helper()
	for _, w := range words {
		if !strings.Contains(p.text, w) {
			p.t.Errorf("%s does not mention %q", p.name, w)
		}
	}
}
