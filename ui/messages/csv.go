package messages

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/words"
)

// bom has Excel read the file as UTF-8.
const bom = "\ufeff"

// writeCSV writes what the filter chooses, newest first, with one row a message
// and a first row of names, and returns how many messages it wrote. tell is
// called with their number after each. Times are UTC.
func writeCSV(ctx context.Context, program Program, f mailer.Filter, to io.Writer, tell func(done int)) (n int, err error) {
	if _, err := io.WriteString(to, bom); err != nil {
		return 0, err
	}
	w := csv.NewWriter(to)
	w.UseCRLF = true // RFC 4180
	if err := w.Write(csvNames()); err != nil {
		return 0, err
	}
	err = each(ctx, program, f, func(m *mailer.Message) error {
		rec, err := program.Message(ctx, m.ID)
		if errors.Is(err, mailer.ErrNoMessage) {
			rec, err = &mailer.Record{Summary: *m}, nil // cleared away meanwhile
		}
		if err != nil {
			return err
		}
		if err := w.Write(csvRow(rec)); err != nil {
			return err
		}
		n++
		tell(n)
		return nil
	})
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	return n, err
}

func csvNames() []string {
	var names []string
	for _, key := range []string{"id", "state", "received", "finished", "next", "from", "to", "subject", "account", "client", "size", "attempts", "reply", "message_id"} {
		names = append(names, words.Say("messages.csv_"+key))
	}
	return names
}

func csvRow(rec *mailer.Record) []string {
	var to []string
	for _, r := range rec.Recipients {
		to = append(to, r.Address)
	}
	row := []string{rec.ID, stateWord(rec.State, rec.Unknown, rec.LastAttempt), csvTime(rec.Received), csvTime(rec.Finished), csvTime(rec.Next),
		rec.From, strings.Join(to, " "), rec.Subject, rec.Account, rec.Client, strconv.FormatInt(rec.Size, 10), strconv.Itoa(rec.LastAttempt), lastReply(rec), rec.MessageID}
	for i, cell := range row {
		row[i] = harmless(cell)
	}
	return row
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

// harmless keeps a spreadsheet from taking a cell for a formula: what a stranger
// put into a subject would be run.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
