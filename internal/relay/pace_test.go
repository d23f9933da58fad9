package relay

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNoMinuteHasMoreMessagesThanAClientMaySend(t *testing.T) {
	p, c := newPaces(), &Client{Name: "tool", PerMinute: 2}
	var got []int
	for second := range 190 { // it tries every second
		now := testNow.Add(time.Duration(second) * time.Second)
		if done, ok := p.reserve(c, now); ok {
			done(true, now)
			got = append(got, second)
		}
	}
	if want := []int{0, 1, 60, 61, 120, 121, 180, 181}; !slices.Equal(got, want) {
		t.Errorf("taken at %v, want %v", got, want)
	}
}

func TestTwoMinutesThatMeetHaveNoMoreTogether(t *testing.T) {
	p, c := newPaces(), &Client{Name: "tool", PerMinute: 3}
	take := func(second int) bool {
		now := testNow.Add(time.Duration(second) * time.Second)
		done, ok := p.reserve(c, now)
		if ok {
			done(true, now)
		}
		return ok
	}
	for _, step := range []struct {
		second int
		want   bool
	}{{0, true}, {59, true}, {59, true}, {59, false}, {60, true}, {60, false}, {118, false}, {119, true}, {119, true}, {119, false}} {
		if got := take(step.second); got != step.want {
			t.Errorf("after %d s: %t", step.second, got)
		}
	}
	if _, ok := p.reserve(&Client{Name: "other", PerMinute: 1}, testNow); !ok {
		t.Error("another client has no room")
	}
}

func TestAMessageCountsFromWhenItIsTaken(t *testing.T) {
	p, c := newPaces(), &Client{Name: "tool", PerMinute: 1}
	done, ok := p.reserve(c, testNow)
	if !ok {
		t.Fatal("there is no room for the first")
	}
	if _, ok := p.reserve(c, testNow.Add(time.Hour)); ok {
		t.Error("there is room beside a message that is still coming in")
	}
	done(true, testNow.Add(time.Hour))
	if _, ok := p.reserve(c, testNow.Add(time.Hour+59*time.Second)); ok {
		t.Error("there is room 59 s after it")
	}
	if _, ok := p.reserve(c, testNow.Add(time.Hour+time.Minute)); !ok {
		t.Error("there is none after a minute")
	}
}

func TestARefusedMessageDoesNotCount(t *testing.T) {
	r := newRig(t, testConfig())
	c := Client{Name: "tool", PerMinute: 1}
	m := Message{From: "alex@contoso.com", Recipients: []Recipient{{Address: "a@b.c"}}}
	submit := func(body io.Reader) error {
		_, err := r.Submit(t.Context(), c, m, body)
		return err
	}
	loop := strings.Repeat("Received: x\n", maxReceived+1)
	if err := submit(strings.NewReader(loop)); !errors.Is(err, errLoop) {
		t.Errorf("got %v", err)
	}
	if err := submit(strings.NewReader("\x00")); !errors.Is(err, errNUL) {
		t.Errorf("got %v", err)
	}
	r.inbox.refuse = ErrFull
	if err := submit(strings.NewReader("Subject: x\n")); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	r.inbox.refuse = nil
	if err := submit(strings.NewReader("Subject: x\n")); err != nil {
		t.Errorf("the first that can be taken: %v", err)
	}
	if err := submit(strings.NewReader("Subject: x\n")); err == nil || refusal(err).Code != 450 {
		t.Errorf("the second: %v", err)
	}
}

func TestWhatComesInAtTheSameTimeHasItsRoom(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan error)
	r := newRigWith(t, testConfig(), newInbox(), func(_ context.Context, _ Message, body io.Reader) (string, error) {
		_, err := io.Copy(io.Discard, body)
		entered <- struct{}{}
		return "x", errors.Join(err, <-leave)
	})
	c := Client{Name: "tool", PerMinute: 1}
	m := Message{From: "alex@contoso.com", Recipients: []Recipient{{Address: "a@b.c"}}}
	result := make(chan error)
	submit := func() {
		_, err := r.Submit(t.Context(), c, m, strings.NewReader("Subject: x\n"))
		result <- err
	}
	go submit()
	<-entered
	go submit()
	if err := <-result; refusal(err).Code != 450 {
		t.Errorf("beside the first: %v", err)
	}
	leave <- ErrFull
	if err := <-result; !errors.Is(err, ErrFull) {
		t.Errorf("the first: %v", err)
	}
	go submit()
	<-entered
	leave <- nil
	if err := <-result; err != nil {
		t.Errorf("after the first was refused: %v", err)
	}
}
