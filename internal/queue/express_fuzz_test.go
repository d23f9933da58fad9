package queue

import (
	"bytes"
	"testing"
)

// A record that comes from a disk is whole by its checksum, and may be of another
// version of the program.
func FuzzRecordOfTheJournal(f *testing.F) {
	m := message("acct", "ann@example.net").cleaned()
	m.Size = 4
	r, err := acceptRecord(&accepted{ID: newID(m.Received), Message: m}, []byte("body"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(recordAccepted, append(r.Head, r.Body...))
	f.Add(recordBegun, []byte(`{"ID":"x","At":1,"Machine":"m"}`))
	f.Add(recordEnded, []byte(`{"ID":"x","At":1,"Elapsed":2,"Reply":"250 OK","Replies":["250 a"]}`))
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		r, err := readRecord(kind, data)
		if err != nil {
			return
		}
		if r.accepted == nil {
			if r.begun == nil && r.ended == nil {
				t.Error("a record of no kind")
			}
			return
		}
		a := r.accepted
		if !isID(a.ID) || len(a.Message.Recipients) == 0 || a.Message.Account == "" || int64(len(r.body)) != a.Message.Size {
			t.Errorf("%+v with %d octets", a, len(r.body))
		}
		again, err := acceptRecord(a, r.body)
		if err != nil {
			t.Fatal(err)
		}
		b, body, err := readAccepted(append(again.Head, again.Body...))
		if err != nil || b.ID != a.ID || !bytes.Equal(body, r.body) {
			t.Errorf("written again it is %+v, %v", b, err)
		}
	})
}
