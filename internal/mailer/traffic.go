package mailer

import (
	"context"
	"time"

	"traymail/internal/queue"
)

// A Volume is what happened to messages between Start and Start+step.
type Volume struct {
	Start     time.Time `json:"start"`
	Accepted  int       `json:"accepted"`
	Delivered int       `json:"delivered"`
	Refused   int       `json:"refused"`
}

// Count returns how many messages Messages would list without a limit.
func (m *Mailer) Count(ctx context.Context, f Filter) (int, error) {
	const page = 1000
	n := 0
	for f.Limit = page; ; {
		list, err := m.Messages(ctx, f)
		n += len(list)
		if err != nil || len(list) < page {
			return n, err
		}
		f.Before = list[len(list)-1].ID
	}
}

// Traffic returns what happened since then, in steps of equal length.
func (m *Mailer) Traffic(ctx context.Context, since time.Time, step time.Duration) ([]Volume, error) {
	var all []Volume
	for start := since; start.Before(m.now()); start = start.Add(step) {
		all = append(all, Volume{Start: start})
	}
	add := func(t time.Time, field func(*Volume) *int) {
		if i := int(t.Sub(since) / step); !t.Before(since) && i < len(all) {
			*field(&all[i])++
		}
	}
	f := Filter{Limit: 1000}
	for {
		list, err := m.Messages(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			add(s.Received, func(v *Volume) *int { return &v.Accepted })
			switch s.State {
			case queue.Delivered:
				add(s.Finished, func(v *Volume) *int { return &v.Delivered })
			case queue.Failed:
				add(s.Finished, func(v *Volume) *int { return &v.Refused })
			}
		}
		if len(list) < f.Limit {
			return all, nil
		}
		f.Before = list[len(list)-1].ID
	}
}
