package queue

import (
	"bytes"
	"io"
	"testing"
)

// Messages that come in while as many large ones as may are in memory are
// written in smaller parts, and read as they came.
func TestManyLargeMessagesAtOnceAreWrittenInSmallParts(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		parts := 0
		o.Fault = func(at string) {
			if at == "part" {
				parts++
			}
		}
		q := open(t, o)
		body := bytes.Repeat([]byte("0123456789abcdef"), (2*partSize+chunkSize/2)/16)
		for _, test := range []struct {
			others int
			size   int
			parts  int
		}{
			{0, len(body), 2}, {manyLarge, len(body), 8}, {manyLarge - 1, len(body), 2},
			{manyLarge, chunkSize, 1}, {manyLarge, chunkSize - 1, 0}, {0, chunkSize, 0}, {0, partSize, 1}, {manyLarge, 2 * chunkSize, 2},
		} {
			q.larges.n.Store(int32(test.others))
			parts = 0
			id := accept(t, q, message("acct", "a@x"), string(body[:test.size]))
			if n := q.larges.n.Load(); n != int32(test.others) || parts != test.parts {
				t.Errorf("%d octets beside %d others: %d parts, and %d are counted", test.size, test.others, parts, n)
			}
			r, err := q.Body(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body[:test.size]) {
				t.Errorf("%d octets are read as %d, %v", test.size, len(got), err)
			}
		}
	})
}
