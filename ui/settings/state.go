// Package settings is the page of the program's settings, those of traymail.toml,
// and of what the person chose for the window. The relay's listeners have a page
// of their own.
package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/words"
)

// A Kind is what a field holds.
type Kind int

// The kinds.
const (
	Text      Kind = iota
	Number         // a whole number, 0 and up
	Span           // a duration such as "90s" or "120h"
	Spans          // several of them
	Option         // one of Options
	AnAccount      // the name of an account, or none
)

// A Field is one setting. Its Key is that of docs/configuration.md, by which the
// program names it in an error.
type Field struct {
	Key     string
	Kind    Kind
	Options []string
	Default string // what is in force without it; "" where it has no number
	value   func(*mailer.Settings) any
}

// A Group is a card of the page.
type Group struct {
	ID     string
	Fields []Field
	// Restart says that a change takes effect when traymail starts the next time.
	Restart bool
}

// Groups are all settings of the program on the page, in its order.
func Groups() []Group {
	return []Group{
		{ID: "relay", Fields: []Field{
			{Key: "relay.default_account", Kind: AnAccount, value: func(s *mailer.Settings) any { return &s.Relay.DefaultAccount }},
			{Key: "relay.max_size_mb", Kind: Number, Default: "150", value: func(s *mailer.Settings) any { return &s.Relay.MaxSizeMB }},
			{Key: "relay.max_recipients", Kind: Number, Default: "1000", value: func(s *mailer.Settings) any { return &s.Relay.MaxRecipients }},
			{Key: "relay.max_connections", Kind: Number, Default: "200", value: func(s *mailer.Settings) any { return &s.Relay.MaxConnections }},
			{Key: "relay.max_connections_per_address", Kind: Number, Default: "50", value: func(s *mailer.Settings) any { return &s.Relay.MaxConnectionsPerAddress }},
			{Key: "relay.timeout", Kind: Span, Default: "5m", value: func(s *mailer.Settings) any { return &s.Relay.Timeout }},
			{Key: "relay.hostname", Kind: Text, value: func(s *mailer.Settings) any { return &s.Relay.Hostname }},
		}},
		{ID: "queue", Restart: true, Fields: []Field{
			{Key: "queue.keep_days", Kind: Number, Default: "30", value: func(s *mailer.Settings) any { return &s.Queue.KeepDays }},
			{Key: "queue.keep_bodies_days", Kind: Number, Default: "0", value: func(s *mailer.Settings) any { return &s.Queue.KeepBodiesDays }},
			{Key: "queue.expire", Kind: Span, Default: "120h", value: func(s *mailer.Settings) any { return &s.Queue.Expire }},
			{Key: "queue.delay_notice", Kind: Span, Default: "4h", value: func(s *mailer.Settings) any { return &s.Queue.DelayNotice }},
			{Key: "queue.retry", Kind: Spans, Default: "1m 2m 5m 15m 30m 1h", value: func(s *mailer.Settings) any { return &s.Queue.Retry }},
			{Key: "queue.max_messages", Kind: Number, Default: "1000000", value: func(s *mailer.Settings) any { return &s.Queue.MaxMessages }},
			{Key: "queue.max_size_mb", Kind: Number, Default: "10240", value: func(s *mailer.Settings) any { return &s.Queue.MaxSizeMB }},
			{Key: "queue.postgresql", Kind: Text, value: func(s *mailer.Settings) any { return &s.Queue.PostgreSQL }},
		}},
		{ID: "log", Restart: true, Fields: []Field{
			{Key: "log.file", Kind: Text, value: func(s *mailer.Settings) any { return &s.Log.File }},
			{Key: "log.level", Kind: Option, Options: []string{"", "debug", "info", "warn", "error"}, Default: "info", value: func(s *mailer.Settings) any { return &s.Log.Level }},
			{Key: "log.format", Kind: Option, Options: []string{"", "text", "json"}, Default: "text", value: func(s *mailer.Settings) any { return &s.Log.Format }},
			{Key: "log.max_size_mb", Kind: Number, Default: "10", value: func(s *mailer.Settings) any { return &s.Log.MaxSizeMB }},
			{Key: "log.max_files", Kind: Number, Default: "10", value: func(s *mailer.Settings) any { return &s.Log.MaxFiles }},
			{Key: "log.max_age_days", Kind: Number, value: func(s *mailer.Settings) any { return &s.Log.MaxAgeDays }},
			{Key: "metrics.listen", Kind: Text, value: func(s *mailer.Settings) any { return &s.Metrics.Listen }},
		}},
	}
}

// Read is the field's value as the page shows it; "" is the default.
func (f Field) Read(s *mailer.Settings) string {
	switch v := f.value(s).(type) {
	case *string:
		return *v
	case *int:
		if *v != 0 {
			return strconv.Itoa(*v)
		}
	case *mailer.Duration:
		if *v != 0 {
			return short(time.Duration(*v))
		}
	case *[]mailer.Duration:
		var all []string
		for _, d := range *v {
			all = append(all, short(time.Duration(d)))
		}
		return strings.Join(all, " ")
	}
	return ""
}

// short is a duration without the units that are zero: "5m", not "5m0s".
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// inWords is a duration, or several, as the page shows it and as one says it; "" of
// what is none, and of other fields.
func (f Field) inWords(value string) string {
	if f.Kind != Span && f.Kind != Spans {
		return ""
	}
	var all []string
	for _, word := range waits(cmp.Or(strings.TrimSpace(value), f.Default)) {
		d, err := time.ParseDuration(word)
		if err != nil || d < time.Second {
			return ""
		}
		all = append(all, words.Span(d))
	}
	return strings.Join(all, words.Say("common.list_between"))
}

// waits are several durations, as they are typed one after the other.
func waits(typed string) []string {
	return strings.FieldsFunc(typed, func(r rune) bool { return r == ' ' || r == ',' || r == ';' })
}

// Write puts what was typed into s. The error is an *account.FieldError.
func (f Field) Write(s *mailer.Settings, typed string) error {
	typed = strings.TrimSpace(typed)
	wrong := func(text, fix string) error {
		return &account.FieldError{Key: f.Key, Text: text, Fix: fix}
	}
	switch v := f.value(s).(type) {
	case *string:
		*v = typed
	case *int:
		n := 0
		if typed != "" {
			var err error
			if n, err = strconv.Atoi(typed); err != nil || n < 0 {
				return wrong(fmt.Sprintf("%q is not a whole number", typed), "give a number above 0, or leave the field empty for the default")
			}
		}
		*v = n
	case *mailer.Duration:
		var d mailer.Duration
		if typed != "" {
			if err := d.UnmarshalText([]byte(typed)); err != nil {
				return wrong(err.Error(), "write a number with its unit, s, m or h")
			}
		}
		*v = d
	case *[]mailer.Duration:
		var all []mailer.Duration
		for _, word := range waits(typed) {
			var d mailer.Duration
			if err := d.UnmarshalText([]byte(word)); err != nil {
				return wrong(err.Error(), "write the waits one after the other, such as 1m 5m 1h")
			}
			all = append(all, d)
		}
		*v = all
	}
	return nil
}

// A State is everything the page shows of the program's settings. It is never
// changed, only replaced.
type State struct {
	Known    bool
	Settings mailer.Settings   // as they are in the file
	Typed    map[string]string // what differs from it, by key
	Busy     bool
	Saved    bool // the last thing that happened
	Err      error
	Problem  *account.FieldError // the part of Err that belongs to a field
	// Stale says that the file was changed by somebody else.
	Stale bool
}

// Value is what the page shows in a field.
func (s State) Value(f Field) string {
	if typed, is := s.Typed[f.Key]; is {
		return typed
	}
	return f.Read(&s.Settings)
}

// Changed reports whether something was typed that is not applied.
func (s State) Changed() bool { return len(s.Typed) > 0 }

// NeedsRestart reports whether what was typed takes effect at the next start.
func (s State) NeedsRestart() bool {
	return slices.ContainsFunc(Groups(), func(g Group) bool {
		return g.Restart && slices.ContainsFunc(g.Fields, func(f Field) bool { _, is := s.Typed[f.Key]; return is })
	})
}
