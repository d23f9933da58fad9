package smtp

import "strconv"

// bdat sends the body with BDAT (RFC 3030). A large one waits for the replies to
// the envelope, and then does not wait for those to its pieces.
func (t *transaction) bdat() error {
	s := t.s
	if !t.body.done {
		if err := t.settle(); err != nil {
			return err
		}
	}
	if t.hopeless() {
		t.needReset = t.mail.ok()
		return nil
	}
	for piece := t.head; ; {
		last := t.body.done
		t.chunk(piece)
		if last {
			break
		}
		if err := t.settleUnlessPipelining(); err != nil {
			return err
		}
		if t.failed != nil || s.writeError() != nil || s.objected() {
			return t.abandon()
		}
		var err error
		if piece, err = t.body.fill(s.buf[:0]); err != nil {
			if lost := t.abandon(); lost != nil {
				return lost
			}
			return t.unreadable(err)
		}
	}
	return t.end()
}

// chunk adds a piece of the body to the flight, the last one if the body is done.
func (t *transaction) chunk(piece []byte) {
	line := "BDAT " + strconv.Itoa(len(piece))
	timeout := chunkTimeout
	last := t.body.done
	if last {
		line += " LAST"
		timeout = finalTimeout
	}
	t.expect(OpBDAT, timeout, func(r Reply) {
		t.check(OpBDAT, r)
		if last {
			t.final = r
		}
	})
	// Only now, for the reply may come while the piece is still being written.
	t.s.command(line)
	t.s.body(piece)
}

// abandon leaves a message without its LAST chunk, which the server then drops.
func (t *transaction) abandon() error {
	t.needReset = true
	return t.settle()
}

// end sends the last flight of the message and takes its replies.
func (t *transaction) end() error {
	err := t.settle()
	t.complete = t.s.writeError() == nil // the one sign that the end of the message did not leave
	t.needReset = t.failed != nil || t.accepted == 0
	return err
}

// data sends the body with DATA.
func (t *transaction) data() error {
	s := t.s
	if t.hopeless() { // known already if the server does not pipeline
		t.needReset = t.mail.ok()
		return nil
	}
	s.command("DATA")
	t.expect(OpDATA, dataTimeout, func(r Reply) { t.final = r })
	if err := t.settle(); err != nil {
		return err
	}
	switch goAhead := t.final.Code == 354; {
	case !goAhead && t.final.Code < 400:
		s.abort() // whatever it means, its replies are out of step with our commands
		return nil
	case !goAhead:
		t.check(OpDATA, t.final)
		t.needReset = true
		return nil
	case t.hopeless():
		// RFC 2920 §3.1: a server that waits for a message nobody is to get must
		// be sent an empty one.
		s.raw([]byte(".\r\n"))
		t.expect(OpDATA, finalTimeout, func(Reply) {})
		t.needReset = true
		return t.settle()
	}
	t.expect(OpDATA, finalTimeout, func(r Reply) {
		t.check(OpDATA, r)
		t.final = r
	})
	var stuffing dots
	var stuffed []byte
	for piece := t.head; ; {
		stuffed = stuffing.append(stuffed[:0], piece)
		s.body(stuffed)
		if t.body.done || s.writeError() != nil || s.answered() {
			break
		}
		var err error
		if piece, err = t.body.fill(s.buf[:0]); err != nil {
			s.abort() // the one way to leave DATA without sending half a message as a whole one
			return t.unreadable(err)
		}
	}
	if s.answered() { // already, so a dot would make a message of what it did not want
		err := t.settle()
		s.abort()
		return err
	}
	s.raw([]byte(".\r\n"))
	return t.end()
}
