package relay

import "sync/atomic"

// Headers and envelopes are in memory while a message comes in. What a client
// has use for is free; beyond that, all messages together may have heldMost, so
// that a client that begins hundreds of monsters takes the memory from nobody.
const (
	heldFreely = 128 << 10
	heldMost   = 24 << 20
	fieldCost  = 100 // of a header field or a recipient, beside its octets
)

var errHeld = refuse(451, [3]int{4, 3, 1}, "too many messages with a large header or many recipients are coming in; try again later")

// A holding is the memory of one message, nil for one that is not counted. Its
// owner calls release.
type holding struct {
	all     *atomic.Int64
	held    int64
	counted int64 // in all
}

// add holds more, or reports that there is no more to be had.
func (h *holding) add(n int) bool {
	if h == nil {
		return true
	}
	more := max(0, h.held+int64(n)-heldFreely) - h.counted
	if more > 0 && h.all.Add(more) > heldMost {
		h.all.Add(-more)
		return false
	}
	h.held += int64(n)
	h.counted += more
	return true
}

func (h *holding) release() {
	h.all.Add(-h.counted)
	h.held, h.counted = 0, 0
}
