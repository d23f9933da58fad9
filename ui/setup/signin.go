package setup

import (
	"context"
	"net"
	"net/url"
	"time"

	"traymail/internal/mailer"
	"traymail/internal/setup"
)

// signInTime is how long the browser has.
const signInTime = 5 * time.Minute

// proceed begins what the step of the sign-in is there for: a person signs in in
// the browser, or the program proves itself.
func (p *presenter) proceed() {
	switch {
	case p.state.Activity != Idle || !p.state.Stored:
	case p.state.SignsIn():
		p.signIn(false)
	default:
		p.validate()
	}
}

// withCode signs in with a code on another device, in place of a sign-in that is
// under way.
func (p *presenter) withCode() {
	switch p.state.Activity {
	case Idle:
		p.signIn(true)
	case SigningIn:
		p.after = func() { p.signIn(true) }
		p.stop()
	}
}

// receivable reports whether the browser's answer at a redirect URL reaches this
// machine by itself.
func receivable(redirect string) bool {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func (p *presenter) signIn(device bool) {
	if p.state.Activity != Idle {
		return
	}
	name := p.state.Draft.Account.Name
	how := mailer.SignIn{Timeout: signInTime}
	pasted := make(chan string, 1)
	p.pasted = pasted
	local := receivable(p.state.Draft.Account.RedirectURL)
	if device {
		how.Device = func(c mailer.DeviceCode) {
			p.desk.Post(func() {
				p.state.Signing.Code, p.state.Signing.Link = c.UserCode, c.VerificationURL
				p.count(c.ExpiresAt)
			})
		}
	} else {
		how.Paste = func(ctx context.Context, address string, wrong error) (string, error) {
			p.desk.Post(func() { p.asked(address, wrong, local) })
			select {
			case s := <-pasted:
				return s, nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		if local {
			how.Open = func(address string) error {
				p.desk.Post(func() { p.opening(address) })
				return nil // no browser is no reason to give up: the link can be copied
			}
		}
	}
	p.state.Outcome = Outcome{}
	p.state.Signing = Signing{Device: device, Pasting: !device && !local}
	p.focus("")
	p.begin(SigningIn, func(ctx context.Context) func() {
		in, err := p.program.SignIn(ctx, name, how)
		return func() { p.signedIn(in, err) }
	})
}

// asked is told where to sign in, each time that an address can be pasted.
func (p *presenter) asked(address string, wrong error, local bool) {
	s := &p.state.Signing
	if !local && s.Link == "" {
		p.opening(address)
	}
	if s.Wrong = wrong; wrong != nil {
		s.Pasting = true
	}
	p.draw()
}

func (p *presenter) opening(address string) {
	p.state.Signing.Link = address
	p.count(time.Now().Add(signInTime))
	p.follow(address)
}

// count shows the time that is left, second by second.
func (p *presenter) count(until time.Time) {
	p.tick()
	left := func() {
		p.state.Signing.Left = max(0, time.Until(until).Round(time.Second))
		p.draw()
	}
	p.tick = p.desk.Every(time.Second, left)
	left()
}

// openPaste shows the field for the address, or closes it.
func (p *presenter) openPaste(open bool) {
	if p.state.Activity != SigningIn || p.state.Signing.Device {
		return
	}
	p.state.Signing.Pasting = open
	p.focus(fieldPaste)
	p.draw()
}

// fieldPaste is where the address is pasted on which the browser ended.
const fieldPaste Field = "paste"

// pasteAddress hands the address over on which the browser ended.
func (p *presenter) pasteAddress(address string) {
	if p.state.Activity != SigningIn || address == "" {
		return
	}
	select {
	case p.pasted <- address:
		p.state.Signing.Wrong = nil
		p.draw()
	default: // the one before is still looked at
	}
}

func (p *presenter) signedIn(in mailer.SignedIn, err error) {
	cancelled := p.state.Signing.Cancelling
	p.end()
	p.state.Outcome = Outcome{Of: SigningIn, Err: err, Cancelled: cancelled && err != nil, SignedInAs: in.Username}
	if err == nil {
		p.state.Secrets.SignedIn = true
		p.state.Draft.SignedIn = setup.SignInKey(p.state.Draft.Account)
		if !p.visits || p.touched { // else it is no unfinished setup
			p.changed()
			p.keep()
		}
	}
	p.focus("")
	p.draw()
}

// validate has the program prove itself.
func (p *presenter) validate() {
	name := p.state.Draft.Account.Name
	p.state.Outcome = Outcome{}
	p.focus("")
	p.begin(Validating, func(ctx context.Context) func() {
		v, err := p.program.Validate(ctx, name)
		return func() {
			cancelled := p.state.Signing.Cancelling
			p.end()
			p.state.Outcome = Outcome{Of: Validating, Err: err, Cancelled: cancelled && err != nil, Validation: v}
			p.focus("")
			p.draw()
		}
	})
}
