package queue

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTextFindsAsOneTypes(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		send := func(from, subject, messageID string, to ...string) string {
			m := message("acct", to...)
			m.From, m.Subject, m.MessageID = from, subject, messageID
			return accept(t, q, m, "body")
		}
		invoice := send("Billing@example.com", "Invoice 100% of_it", "<Inv.7@mail.example.com>", "ann@example.net", "Bob.Jones@example.org")
		german := send("büro@example.de", "Änderung der Größe, auch im BÜRO", "<8@x>", "Jörg@exämple.de")
		polish := send("", "Żółć 100 of it", "<9@x>", "zofia@example.pl")
		for text, want := range map[string][]string{
			"":                   {invoice, german, polish},
			"  ":                 {invoice, german, polish},
			"billing@":           {invoice},
			"BOB.jones":          {invoice},
			"ann@example.net":    {invoice},
			"  invoice 1 ":       {invoice},
			"inv.7@MAIL":         {invoice},
			"100":                {invoice, polish},
			"100%":               {invoice},
			"of_":                {invoice},
			"of it":              {polish},
			"%":                  {invoice},
			"_":                  {invoice},
			`\`:                  nil,
			"'; --":              nil,
			"example":            {invoice, german, polish},
			"änderung":           {german},
			"ÄNDERUNG DER":       {german},
			"größe":              {german},
			"im büro":            {german},
			"Büro@":              {german},
			"jörg@exä":           {german},
			"żółć":               {polish},
			"nobody":             nil,
			"\xff\x00":           nil,
			invoice:              {invoice},
			invoice[:14]:         {invoice, german, polish}, // of one moment
			german[:15] + "\x00": nil,
			invoice[1:]:          nil, // it begins otherwise
		} {
			list := listed(t, q, Filter{Text: text})
			if text == invoice[:14] {
				if !slices.Contains(list, invoice) {
					t.Errorf("%q, which begins an ID, does not find it", text)
				}
				continue
			}
			slices.Sort(list)
			slices.Sort(want)
			if diff := cmp.Diff(want, list); diff != "" {
				t.Errorf("%q (-want +found)\n%s", text, diff)
			}
		}
	})
}

// listed lists IDs, and compares their number with Count's.
func listed(t *testing.T, q *Queue, f Filter) (ids []string) {
	t.Helper()
	list, err := q.List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		ids = append(ids, s.ID)
	}
	f.Offset, f.Limit = 0, 100_000
	all, err := q.List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := q.Count(t.Context(), f); err != nil || n != len(all) {
		t.Errorf("%+v: %d are counted and %d listed, %v", f, n, len(all), err)
	}
	return ids
}

// Every combination of conditions lists, in pages, what a look at each message
// chooses.
func TestConditionsHoldTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		now := time.Now()
		o.Now = func() time.Time { now = now.Add(time.Millisecond); return now } // IDs in order
		q := open(t, o)
		var all []Summary
		for i := range 40 {
			m := message([]string{"red", "blue"}[i%2], fmt.Sprintf("user%d@example.net", i%3))
			m.Subject = fmt.Sprintf("Report %d", i%5)
			id := accept(t, q, m, "body")
			var err error
			switch i % 4 {
			case 1:
				err = q.Hold(t.Context(), id)
			case 2:
				err = q.Remove(t.Context(), id)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		all, err := q.List(t.Context(), Filter{})
		if err != nil || len(all) != 40 {
			t.Fatal(len(all), err)
		}
		at := all[11].ID
		for _, states := range [][]State{nil, {Held}, {Removed, Held, Held}, {Queued, Held, Removed, "nonsense"}, {"nonsense"}} {
			for _, state := range []State{"", Held, Delivered} {
				for _, account := range []string{"", "blue"} {
					for _, text := range []string{"", "report 2"} {
						for _, address := range []string{"", "User1@example.net"} {
							for _, before := range []string{"", all[20].ID} {
								for _, newest := range []string{"", at} {
									f := Filter{States: states, State: state, Account: account, Text: text, Address: address, Before: before, Newest: newest}
									var want []string
									for i, s := range all {
										if (states == nil || slices.Contains(states, s.State)) && (state == "" || s.State == state) &&
											(account == "" || s.Account == account) && (text == "" || s.Subject == "Report 2") &&
											(address == "" || (len(all)-1-i)%3 == 1) && (before == "" || s.ID < before) && (newest == "" || s.ID <= newest) {
											want = append(want, s.ID)
										}
									}
									var got []string
									for f.Limit = 7; len(got) == f.Offset; f.Offset += f.Limit {
										got = append(got, listed(t, q, f)...)
									}
									if diff := cmp.Diff(want, got); diff != "" {
										t.Fatalf("%+v (-want +found)\n%s", f, diff)
									}
								}
							}
						}
					}
				}
			}
		}
	})
}

func TestScrolledListStaysWhileMessagesArrive(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		now := time.Now()
		o.Now = func() time.Time { now = now.Add(time.Millisecond); return now }
		q := open(t, o)
		for range 9 {
			accept(t, q, message("acct", "a@x"), "body")
		}
		want := listed(t, q, Filter{})
		f := Filter{Newest: want[0], Limit: 4}
		var got []string
		for range 3 {
			got = append(got, listed(t, q, f)...)
			f.Offset += f.Limit
			accept(t, q, message("acct", "late@x"), "body")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-first +scrolled)\n%s", diff)
		}
		if n, err := q.Count(t.Context(), Filter{}); n != 12 || err != nil {
			t.Errorf("%d messages in all, %v", n, err)
		}
		if list := listed(t, q, Filter{Offset: 12}); list != nil {
			t.Errorf("behind the end stand %q", list)
		}
		if list := listed(t, q, Filter{Offset: -1, Limit: -1}); len(list) != 12 {
			t.Errorf("%d are listed with an offset and a limit below zero", len(list))
		}
	})
}
