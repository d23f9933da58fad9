package queue

import (
	"fmt"
	"time"
)

// millis scans a stored moment.
type millis time.Time

func (m *millis) Scan(src any) error {
	v, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a moment is stored as %T", src)
	}
	*m = millis(moment(v))
	return nil
}

// bit scans a stored flag, which neither database has a common type for.
type bit bool

func (b *bit) Scan(src any) error {
	v, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a flag is stored as %T", src)
	}
	*b = v != 0
	return nil
}
