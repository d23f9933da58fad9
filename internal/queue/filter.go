package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A Filter chooses messages; its zero fields choose all. A message must meet all
// that are given.
type Filter struct {
	State   State   `json:"state,omitempty"`
	States  []State `json:"states,omitempty"` // any of them
	Account string  `json:"account,omitempty"`
	// Text is what a person types to find something: a part of an address, sender's
	// or recipient's, of the subject or of the Message-ID, or what the queue's ID
	// begins with. Blanks around it do not count, nor does the case of ASCII letters;
	// of other letters, small ones also find capitals alone and at the beginning of words.
	Text    string `json:"text,omitempty"`
	Address string `json:"address,omitempty"` // sender or recipient, exactly but for case
	Subject string `json:"subject,omitempty"` // a part of it, with the case as in Text
	Client  string `json:"client,omitempty"`  // who handed it over, exactly
	ID      string `json:"id,omitempty"`      // the queue's ID or the header's Message-ID
	Before  string `json:"before,omitempty"`  // continues a list: the last ID of the page before
	// Newest is the ID of the message that the list begins with, if it is still
	// among those chosen: what was accepted later is left out, so that a list which
	// is read in pages by Offset does not move. Only a message that had begun to
	// arrive before that one, and was whole after it, still comes in between.
	Newest string `json:"newest,omitempty"`
	Offset int    `json:"offset,omitempty"` // how many of the newest are skipped
	Limit  int    `json:"limit,omitempty"`  // 100 when zero
}

// List lists messages, newest first. It reads a page by index, however many
// messages there are; what Offset skips costs a step in that index each. Only Text,
// Subject and Client have no index, nor have states and Account together with
// Address or ID: of those that the other fields choose, from the newest on, it reads
// until the page is full or there are no more.
func (q *Queue) List(ctx context.Context, f Filter) ([]Summary, error) {
	if err := q.caughtUp(ctx, ""); err != nil {
		return nil, err
	}
	statement, args := f.page()
	r, err := q.engine.view().query(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer r.close()
	var list []Summary
	for r.Next() {
		var s Summary
		if err := r.Scan(s.columns()...); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	// The page was chosen in this order, and read as the database liked.
	slices.SortFunc(list, func(a, b Summary) int { return cmp.Compare(b.ID, a.ID) })
	return list, r.Err()
}

// Count tells how many messages List would list without Offset and Limit. It counts
// in an index what State, States, Account, Before and Newest choose, and Address
// alone; with any other field it reads each message that those choose.
func (q *Queue) Count(ctx context.Context, f Filter) (n int, err error) {
	if err := q.caughtUp(ctx, ""); err != nil {
		return 0, err
	}
	statement, args := f.count()
	err = q.engine.view().row(ctx, statement, args...).Scan(&n)
	return n, err
}

// page selects a page: first its IDs, which for most filters stand in an index that
// is in their order.
func (f Filter) page() (string, []any) {
	var s selection
	states := f.states()
	var ids string
	if len(states) > 1 && f.Address == "" && f.ID == "" {
		// Each state's messages are in order. With IN all of them would be sorted
		// for one page; so they are merged as far as it needs.
		s.add(f)
		var arms []string
		for i, state := range states {
			arm := s
			arm.terms = append([]string{"state = " + s.value(state)}, s.terms...)
			arms = append(arms, fmt.Sprintf("SELECT chosen FROM (SELECT id AS chosen FROM %s ORDER BY id DESC) AS arm%d", arm.body(), i))
		}
		ids = strings.Join(arms, " UNION ALL ")
	} else {
		s.among(states)
		s.add(f)
		ids = "SELECT " + s.id() + " AS chosen FROM " + s.body()
	}
	// The limit is written out for PostgreSQL to know that it is small. CROSS JOIN
	// has SQLite begin with the page.
	statement := fmt.Sprintf("%s ORDER BY chosen DESC LIMIT %d OFFSET %s", ids, cmp.Or(max(f.Limit, 0), 100), s.value(max(f.Offset, 0)))
	return strings.Replace(summaryColumns, "FROM", "FROM ("+statement+") AS page CROSS JOIN", 1) + " WHERE id = chosen", s.args
}

func (f Filter) count() (string, []any) {
	var s selection
	s.among(f.states())
	s.add(f)
	return "SELECT count(*) FROM " + s.body(), s.args
}

// states are those that State and States both allow, each once, or nil for all.
func (f Filter) states() (list []State) {
	if f.State == "" && len(f.States) == 0 {
		return nil
	}
	for _, s := range []State{Queued, Sending, Held, Delivered, Failed, Removed} {
		if (f.State == "" || f.State == s) && (len(f.States) == 0 || slices.Contains(f.States, s)) {
			list = append(list, s)
		}
	}
	if list == nil {
		return []State{""} // which no message has
	}
	return list
}

// A selection is the part of a statement behind FROM, with its parameters.
type selection struct {
	terms   []string // about mail_message
	listed  []string // about mail_address, when that is asked
	between []string // what follows the column of the order
	args    []any
}

// value adds a parameter and returns its place.
func (s *selection) value(v any) string {
	s.args = append(s.args, v)
	return fmt.Sprintf("$%d", len(s.args))
}

// id is the column that the order goes by: an address's messages are in order too.
func (s *selection) id() string {
	if len(s.listed) > 0 {
		return "mail_address.message"
	}
	return "id"
}

// body names tables and conditions.
func (s *selection) body() string {
	tables, terms := "mail_message", slices.Clone(s.terms)
	switch {
	case len(s.listed) > 0 && len(terms) == 0:
		tables, terms = "mail_address", s.listed
	case len(s.listed) > 0:
		// CROSS JOIN has SQLite begin with the address.
		tables, terms = "mail_address CROSS JOIN mail_message", append(append(terms, s.listed...), "id = mail_address.message")
	}
	for _, b := range s.between {
		terms = append(terms, s.id()+b)
	}
	if len(terms) > 0 {
		tables += " WHERE " + strings.Join(terms, " AND ")
	}
	return tables
}

func (s *selection) among(states []State) {
	switch len(states) {
	case 0:
	case 1:
		s.terms = append(s.terms, "state = "+s.value(states[0]))
	default:
		var places []string
		for _, state := range states {
			places = append(places, s.value(state))
		}
		s.terms = append(s.terms, "state IN ("+strings.Join(places, ", ")+")")
	}
}

// add adds all conditions but the states.
func (s *selection) add(f Filter) {
	if f.Address != "" {
		s.listed = append(s.listed, "lower = "+s.value(strings.ToLower(clean(f.Address))))
	}
	if f.Account != "" {
		s.terms = append(s.terms, "account = "+s.value(f.Account))
	}
	if f.Client != "" {
		s.terms = append(s.terms, "client = "+s.value(clean(f.Client)))
	}
	if f.Subject != "" {
		s.terms = append(s.terms, "("+contain(s.patterns(f.Subject), "subject")+")")
	}
	if text := strings.TrimSpace(f.Text); text != "" {
		places := s.patterns(text)
		begins := s.value(escape(strings.ToLower(clean(text))) + "%")
		s.terms = append(s.terms, "("+contain(places, "subject", "message_id", "sender")+" OR id LIKE "+begins+` ESCAPE '\'`+
			" OR EXISTS (SELECT 1 FROM mail_recipient WHERE mail_recipient.message = mail_message.id AND ("+contain(places, "address")+")))")
	}
	switch {
	case f.ID == "":
	case isID(f.ID):
		place := s.value(f.ID)
		s.terms = append(s.terms, "(id = "+place+" OR message_id = "+place+")")
	default:
		s.terms = append(s.terms, "message_id = "+s.value(clean(f.ID)))
	}
	if f.Before != "" {
		s.between = append(s.between, " < "+s.value(clean(f.Before)))
	}
	if f.Newest != "" {
		s.between = append(s.between, " <= "+s.value(clean(f.Newest)))
	}
}

// patterns adds what a part of a text in small letters is like.
func (s *selection) patterns(part string) (places []string) {
	for _, p := range spellings(clean(part)) {
		places = append(places, s.value("%"+escape(p)+"%"))
	}
	return places
}

// contain asks for columns that are like one of the patterns.
func contain(patterns []string, columns ...string) string {
	var terms []string
	for _, c := range columns {
		for _, p := range patterns {
			terms = append(terms, "lower("+c+") LIKE "+p+` ESCAPE '\'`)
		}
	}
	return strings.Join(terms, " OR ")
}

// escape makes LIKE's signs stand for themselves.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(s)
}

// spellings are how s may stand in a text of which the database made small letters:
// SQLite, and PostgreSQL with the locale C, know those of ASCII alone. So the others
// are looked for as typed, small, as capitals, and as capitals where a word begins.
func spellings(s string) []string {
	small := strings.ToLower(s)
	typed := strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII {
			return unicode.ToLower(r)
		}
		return r
	}, s)
	capitals, begins, inWord := []rune(small), []rune(small), false
	for i, r := range capitals {
		if r > unicode.MaxASCII {
			capitals[i] = unicode.ToUpper(r)
		}
		if !inWord {
			begins[i] = capitals[i]
		}
		inWord = unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	list := []string{small, typed, string(capitals), string(begins)}
	slices.Sort(list)
	return slices.Compact(list)
}
