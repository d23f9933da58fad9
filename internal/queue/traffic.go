package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Volume is what happened to messages from Start to the Start of the next one.
type Volume struct {
	Start     time.Time `json:"start"`
	Accepted  int       `json:"accepted"`  // into the queue
	Delivered int       `json:"delivered"` // finished, and the server took them for every recipient
	Refused   int       `json:"refused"`   // finished, and a recipient at least was refused or expired
}

// maxVolumes is how many Volumes are counted at once.
const maxVolumes = 1000

// Traffic counts messages in steps from since to now, oldest first, steps in which
// nothing happened included; the last one may not be over yet. A message counts
// where it was accepted, and again where it ended; one that was removed by hand has
// no such end. Notices to senders are messages like all others, and count. Those
// that Options.Keep has cleared away count no more.
//
// Times are in whole milliseconds, and a step is a length of time: days are 24 hours
// also when the clock is put forward. None is less than a millisecond, and more than
// 1,000 of them are an error. What it costs is counted in an index, and grows with
// the messages since then.
func (q *Queue) Traffic(ctx context.Context, since time.Time, step time.Duration) ([]Volume, error) {
	width := step.Milliseconds()
	if width < 1 {
		return nil, fmt.Errorf("count the traffic: steps of %v are too short, the shortest is a millisecond", step)
	}
	from := since.UnixMilli()
	span := q.options.Now().UnixMilli() - from
	if span < 0 {
		return nil, errors.New("count the traffic: the time to count from has not come yet")
	}
	n := max((span+width-1)/width, 1)
	if n > maxVolumes {
		return nil, fmt.Errorf("count the traffic: there are %d steps of %v since %s, and %d are the most: take longer steps or begin later",
			n, step, since.Format(time.DateTime), maxVolumes)
	}
	if err := q.caughtUp(ctx, ""); err != nil {
		return nil, err
	}
	r, err := q.engine.view().query(ctx, traffic, from, width, n)
	if err != nil {
		return nil, err
	}
	defer r.close()
	list := make([]Volume, n)
	for r.Next() {
		var i int
		var v Volume
		if err := r.Scan(&i, &v.Accepted, &v.Delivered, &v.Refused); err != nil {
			return nil, err
		}
		v.Start = time.UnixMilli(from + int64(i)*width)
		list[i] = v
	}
	return list, r.Err()
}

// traffic counts each step by itself: its messages stand together in an index,
// which a GROUP BY would read and then sort. What happens this very millisecond
// belongs to the last step, although another would begin with it.
const traffic = `WITH RECURSIVE slot(i, start, stop) AS (
		SELECT 0, CAST($1 AS BIGINT), CAST($1 AS BIGINT) + CAST($2 AS BIGINT)
		UNION ALL SELECT i + 1, stop, stop + CAST($2 AS BIGINT) FROM slot WHERE i + 1 < $3),
	step(i, start, stop) AS (SELECT i, start, CASE WHEN i + 1 = $3 THEN stop + 1 ELSE stop END FROM slot)
	SELECT i,
		(SELECT count(*) FROM mail_message WHERE received >= start AND received < stop),
		(SELECT count(*) FROM mail_message WHERE finished > 0 AND state = 'delivered' AND finished >= start AND finished < stop),
		(SELECT count(*) FROM mail_message WHERE finished > 0 AND state = 'failed' AND finished >= start AND finished < stop)
	FROM step`
