package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

// documentRow is a document as a list shows it.
type documentRow struct {
	Name  string `json:"name"`
	About string `json:"about"`
	Size  int    `json:"size"`
}

func (p *program) diagnosticsCommand() *cobra.Command {
	var list bool
	c := p.reporting(&cobra.Command{
		Use:   "diagnostics FILE.zip",
		Short: "Write a report for whoever helps: how traymail runs and what it did, without secrets",
		Long: `Write a report for whoever helps: how traymail runs, its settings, accounts
and tools, and what it last did. No secret is in it, no text and no subject of a message, and addresses
that are no account's are shortened. Look at it before you hand it on: it names your accounts and servers.`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if list == (len(args) == 1) {
				return &usageError{c, errors.New("name the file to write, or give --list alone to see what would be in it")}
			}
			return p.withQueue(func(c *cobra.Command, m mailer.Program, args []string) error {
				return p.diagnose(c.Context(), m, one(args))
			})(c, args)
		},
	})
	c.Flags().BoolVar(&list, "list", false, "only tell what would be in it")
	return c
}

// diagnose writes the report, unless file is "", and tells what is in it.
func (p *program) diagnose(ctx context.Context, m mailer.Program, file string) error {
	if _, err := os.Lstat(file); file != "" && !errors.Is(err, fs.ErrNotExist) {
		return there(file) // before the work
	}
	documents, err := m.Diagnostics(ctx)
	if err != nil {
		return err
	}
	if file != "" {
		if err := writeReport(file, documents); err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "The report is in %s. Look at it before you hand it on.\n", file)
	}
	rows := []documentRow{}
	for _, d := range documents {
		rows = append(rows, documentRow{d.Name, d.About, len(d.Content)})
	}
	if p.json {
		return p.printJSON(rows)
	}
	w := p.table("FILE", "SIZE", "WHAT IS IN IT")
	for _, r := range rows {
		w.row(r.Name, r.Size, r.About)
	}
	w.end()
	return nil
}

func there(file string) error {
	return &account.FieldError{Text: file + " is there already, and stays", Fix: "name another file, or move that one away"}
}

// writeReport writes the documents into a file that is not there yet, for its
// owner alone. On an error there is none.
func writeReport(file string, documents []mailer.Document) (err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return there(file)
	}
	if err != nil {
		return fmt.Errorf("the report is not written: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = fmt.Errorf("the report is not written: %w", errors.Join(err, os.Remove(file)))
		}
	}()
	z := zip.NewWriter(f)
	for _, d := range documents {
		w, err := z.CreateHeader(&zip.FileHeader{Name: d.Name, Comment: d.About, Method: zip.Deflate, Modified: time.Now()})
		if err != nil {
			return err
		}
		if _, err := w.Write(d.Content); err != nil {
			return err
		}
	}
	return z.Close()
}
