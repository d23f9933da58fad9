package checks

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"traymail/internal/account"
)

const (
	// tolerance is what providers allow between their clock and a client's.
	tolerance = 5 * time.Minute
	// noticeable is what a clock that is kept right never has.
	noticeable = time.Minute
)

// large reports whether a difference is beyond what providers allow.
func large(d time.Duration) bool { return d.Abs() > tolerance }

// learn notes what a server's own time says of this computer's clock.
func (r *run) learn(server string, ahead time.Duration) {
	if r.told == nil {
		r.told = map[string]time.Duration{}
	}
	r.told[server] = ahead
}

// clock compares this computer's clock with the authority's, and with what the
// submission server said.
func (r *run) clock(ctx context.Context) Result {
	if r.again { // what was told before is of a clock that may have been set
		r.told = nil
		r.hearGreeting(ctx)
	}
	failure := r.askAuthority(ctx)
	if len(r.told) == 0 {
		if failure != nil {
			return skipped("nobody told the time: the authority did not answer")
		}
		return skipped("no server told the time")
	}
	// The authority judges tokens, so its time decides. A submission server's
	// alone may be that of one machine of many, and is believed half.
	decides, _ := hostOf(r.timeAddress())
	ahead, sure := r.told[decides]
	if !sure {
		decides = ""
	}
	var others []string
	for _, s := range slices.Sorted(maps.Keys(r.told)) {
		switch {
		case s == decides:
		case !sure && (decides == "" || ahead.Abs() < r.told[s].Abs()):
			decides, ahead = s, r.told[s]
		case sure && (r.told[s]-ahead).Abs() > noticeable:
			others = append(others, fmt.Sprintf("; that of %s is another, by %d seconds, which does not matter", s, int((r.told[s]-ahead).Abs().Seconds())))
		}
	}
	words := fmt.Sprintf("this computer's clock is %s behind what %s says", apart(ahead), decides)
	if ahead > 0 {
		words = fmt.Sprintf("this computer's clock is %s ahead of what %s says", apart(ahead), decides)
	}
	switch {
	case large(ahead) && sure:
		return r.clockWrong(Fail, words)
	case ahead.Abs() > noticeable:
		return r.clockWrong(Warn, words)
	}
	return passed("this computer's clock is right to %d seconds, by that of %s%s", int(ahead.Abs().Seconds()), decides, strings.Join(others, ""))
}

// timeAddress is where the authority is asked for the time, "" where there is
// none.
func (r *run) timeAddress() string { return cmp.Or(r.metadataAddress(), r.authorityAddress()) }

// apart puts how far two clocks are from each other into words.
func apart(ahead time.Duration) string {
	d := ahead.Abs().Round(time.Second)
	far := fmt.Sprintf("%d seconds", int(d.Seconds()))
	switch {
	case d >= 48*time.Hour:
		far = fmt.Sprintf("%.0f days", d.Hours()/24)
	case d >= time.Hour:
		d = d.Round(time.Minute)
		far = fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	case d >= 2*time.Minute:
		far = fmt.Sprintf("%.0f minutes", d.Minutes())
	}
	return far
}

// clockWrong says how to set the clock of this computer.
func (r *run) clockWrong(status Status, words string) Result {
	result := r.found("clock-wrong", status, words, "")
	result.Detail = "tokens and certificates are good for a time, and with a wrong clock they seem to have expired, or not to be good yet"
	result.Fix, result.Command = setClock(runtime.GOOS)
	return result
}

// setClock is how the clock of a system is set by the internet's.
func setClock(system string) (fix, command string) {
	switch system {
	case "windows":
		return "set the clock: Settings → Time & language → Date & time → Set time automatically, and Sync now; or in PowerShell as an administrator", "w32tm /resync"
	case "darwin":
		return "set the clock: System Settings → General → Date & Time → Set time and date automatically; or in a terminal", "sudo sntp -sS time.apple.com"
	}
	return "set the clock, and have it kept right", "sudo timedatectl set-ntp true"
}

// askAuthority asks for the authority's time, and keeps its description for the
// check that follows.
func (r *run) askAuthority(ctx context.Context) error {
	address := r.timeAddress()
	if address == "" {
		return nil
	}
	host, _ := hostOf(address)
	p, err := r.get(ctx, address)
	if err != nil {
		delete(r.told, host)
		if errors.As(err, new(*tls.CertificateVerificationError)) {
			if ahead := r.askTime(ctx, address); ahead != 0 {
				r.learn(host, ahead)
			}
		}
		return err
	}
	r.metadata = p
	if ahead, ok := p.ahead(); ok {
		r.learn(host, ahead)
	}
	return nil
}

// askTime asks a server whose certificate is not believed for the time, for a
// wrong clock is a reason not to believe it. It returns how far this computer's
// clock is ahead, and 0 where the server did not say.
func (r *run) askTime(ctx context.Context, address string) time.Duration {
	client := r.noVerify()
	if client == nil {
		return 0
	}
	p, err := r.fetch(ctx, client, http.MethodGet, address, nil)
	if err != nil {
		return 0
	}
	ahead, _ := p.ahead()
	return ahead
}

// hearGreeting learns the time from the submission server's greeting.
func (r *run) hearGreeting(ctx context.Context) {
	a := &r.Account
	if !a.SendsOver(account.SMTP) || a.SMTPTLS == account.ImplicitTLS {
		return
	}
	place := net.JoinHostPort(a.SMTPHost, strconv.Itoa(a.SMTPPort))
	conn, err := r.dial(ctx, place)
	if err != nil {
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.SetDeadline(time.Now().Add(r.within(greeting)))
	d := newDialog(conn)
	if _, text, err := d.reply(); err == nil {
		r.heard(place, text)
		d.command("QUIT")
	}
}

// heard learns the time from a greeting that has it.
func (r *run) heard(place, greeting string) {
	if at, ok := dateIn(greeting); ok {
		r.learn(place, r.Now().Sub(at))
	}
}
