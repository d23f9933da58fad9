package queue

import (
	"errors"
	"io"
	"testing"
)

func TestBodyThatIsRemovedWhileItIsReadDoesNotEndCleanly(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		id := accept(t, q, message("acct", "a@x"), string(make([]byte, chunkSize+1)))
		r, err := q.Body(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, make([]byte, chunkSize)); err != nil {
			t.Fatal(err)
		}
		q.dropBody(t.Context(), id)
		if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, ErrBodyGone) {
			t.Errorf("the rest is %d octets, %v", n, err)
		}
	})
}
