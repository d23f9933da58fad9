package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// A door is a place at which a home's programs listen.
type door string

// The doors. The window has one of its own: it may belong to another process than
// the program that it shows.
const (
	commands door = "control"
	window   door = "window"
)

// closed is why nobody can come in.
func (d door) closed(err error) error {
	if d == window {
		return fmt.Errorf("a second start cannot reach this window: %w", err)
	}
	return fmt.Errorf("commands cannot reach this program: %w", err)
}

// What is said at the window's door, both a line.
const (
	raiseLine  = "raise\n"
	raisedLine = "raised\n"
)

// raiseTimeout is how long one who comes in may take to say what is wanted.
const raiseTimeout = 10 * time.Second

// ServeWindow lets a second start of the window for the same home call raise, in
// a goroutine, one call at a time, until Close, which waits for a call under way.
// The home is created when there is none. When a window is there already the error
// is a *RunningError: raise that one with RaiseWindow. What a program that was
// killed left behind is in nobody's way.
func ServeWindow(home string, raise func()) (io.Closer, error) {
	l, release, err := listen(home, window)
	if err != nil {
		return nil, err
	}
	b := &bell{listener: l, release: release, raise: raise}
	b.serving.Go(b.serve)
	return b, nil
}

// A bell is the window's side of its door.
type bell struct {
	listener net.Listener
	release  func() error
	raise    func()
	serving  sync.WaitGroup
	once     sync.Once
	stopped  error

	mu    sync.Mutex
	guest net.Conn // who is inside
	over  bool
}

func (b *bell) serve() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return // it is closed, or of no more use
		}
		b.mu.Lock()
		b.guest = c
		over := b.over
		b.mu.Unlock()
		if !over {
			b.answer(c)
		}
		c.Close()
	}
}

func (b *bell) answer(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(raiseTimeout))
	line, err := bufio.NewReader(io.LimitReader(c, int64(len(raiseLine)))).ReadString('\n')
	if err != nil || line != raiseLine {
		return
	}
	b.raise()
	_, _ = io.WriteString(c, raisedLine) // who has gone wanted no more
}

// Close ends the service; a window that is started afterwards is the first.
func (b *bell) Close() error {
	b.once.Do(func() {
		err := b.listener.Close()
		b.mu.Lock()
		b.over = true
		if b.guest != nil {
			_ = b.guest.SetReadDeadline(time.Now()) // who says nothing is not waited for
		}
		b.mu.Unlock()
		b.serving.Wait()
		b.stopped = errors.Join(err, b.release())
	})
	return b.stopped
}

// RaiseWindow has the window of the home come to the front, and returns when it
// was told. The error matches ErrNotRunning when there is none.
func RaiseWindow(ctx context.Context, home string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := dial(ctx, home, window)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if _, err = io.WriteString(c, raiseLine); err == nil {
		var line string
		if line, err = bufio.NewReader(io.LimitReader(c, int64(len(raisedLine)))).ReadString('\n'); err == nil && line == raisedLine {
			return nil
		}
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("the window of traymail did not answer within %v: end it and start it again", patience)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("the window of traymail ended before it answered; %w", ErrNotRunning)
}
