package mailer

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"slices"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
	"traymail/internal/relay"
)

// mailAll queues the mails that are due. One that finds no account to leave by
// is due again at the next check.
func (l *alerts) mailAll(ctx context.Context, accounts []AccountStatus) {
	for i := range accounts {
		s := &accounts[i]
		if s.State == Attention && !s.Elsewhere {
			l.moveNotices(ctx, accounts, s.Name)
		} else {
			l.stranded[s.Name] = false
		}
		a := l.file(s.Name)
		if a == nil || a.NoticeTo == "" {
			continue
		}
		for _, f := range l.findings(s, a) {
			if l.due(s.Name, f) {
				l.mail(ctx, accounts, a, f)
			}
		}
	}
}

// due reports whether a mail is to be sent about f.
func (l *alerts) due(account string, f finding) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.memory[account][f.ID]
	return r.is(f) && f.step != noMail && (r.Mailed.IsZero() || f.step < r.Step) &&
		l.engine.mailer.now().Sub(f.Since) >= max(f.patience, f.calm)
}

// mail queues one mail, unless the queue has it. Its Message-ID follows from what
// it tells, so that a crash between the queue and the memory, or another machine
// on the same queue, does not send it twice.
func (l *alerts) mail(ctx context.Context, accounts []AccountStatus, a *account.Account, f finding) {
	e := l.engine
	log := e.log.With("account", a.Name, "alert", f.ID, "to", a.NoticeTo)
	id := alertMessageID(a, f)
	sent, err := e.queue.List(ctx, queue.Filter{ID: id, Limit: 1})
	if err != nil {
		log.Error("an alert is not mailed yet", "error", err)
		return
	}
	if len(sent) == 0 {
		through := l.route(accounts, a.Name, f.unable)
		if through == nil {
			if l.stuck(a.Name, f.ID, true) {
				log.Warn("an alert is not mailed yet, because no account can send now")
			}
			return
		}
		m := queue.Message{
			// The null sender, a client of which nobody is notified, and NEVER: nothing
			// comes back, and nothing can go round.
			Envelope: queue.Envelope{Recipients: []queue.Recipient{{Address: a.NoticeTo, Notify: []string{"NEVER"}}}, UTF8: !isASCII([]byte(a.NoticeTo + through.Sender))},
			Account:  through.Name, Client: relay.NoticeClient, MessageID: id, Subject: "traymail: " + f.title,
		}
		if _, err := e.queue.Accept(ctx, m, bytes.NewReader(e.alertText(a, f, through, id))); err != nil {
			if l.stuck(a.Name, f.ID, true) {
				log.Error("an alert is not mailed yet", "error", err)
			}
			return
		}
		log.Info("an alert is mailed", "through", through.Name, "message_id", id)
	}
	l.stuck(a.Name, f.ID, false)
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.memory[a.Name][f.ID]; r != nil {
		r.Step, r.Mailed = f.step, e.mailer.now()
	}
}

// stuck notes whether an alert's mail cannot be sent, and reports whether that is
// new.
func (l *alerts) stuck(account, id string, is bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.memory[account][id]
	if r == nil {
		return false
	}
	was := r.stuck
	r.stuck = is
	return is && !was
}

// route chooses the account that mail about another leaves by: that one itself
// unless it is unable, then one of the same domain, then any. An account that is
// unable is the last choice, and one that does not send is none: then it returns
// nil.
func (l *alerts) route(accounts []AccountStatus, about string, unable bool) *account.Account {
	domain := ""
	var able []*account.Account
	for i := range accounts {
		s := &accounts[i]
		a := l.file(s.Name)
		if a == nil {
			continue
		}
		if a.Name == about {
			domain = domainOf(a.Sender)
		}
		if s.State == Ready && !l.isUnsigned(s.Name) && !l.unproven(s) {
			able = append(able, a)
		}
	}
	if len(able) == 0 {
		return nil
	}
	return slices.MinFunc(able, func(a, b *account.Account) int {
		return cmp.Compare(rankRoute(a, about, domain, unable), rankRoute(b, about, domain, unable))
	})
}

// proveWithin is how long after its trouble an account that sent nothing since is
// not trusted with a mail: a pause may have ended because a file was saved.
const proveWithin = 15 * time.Minute

// unproven reports whether an account was in trouble that only a delivery shows to
// be over, and delivered nothing since it began. A sign-in is a proof of its own.
func (l *alerts) unproven(s *AccountStatus) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, r := range l.memory[s.Name] {
		switch Cause(id) {
		case CauseSettings, CauseProvider, CauseKeystore:
			over := !r.Ended.IsZero() && l.engine.mailer.now().Sub(r.Ended) >= proveWithin
			if !over && !s.LastDelivered.After(r.Since) {
				return true
			}
		}
	}
	return false
}

func rankRoute(a *account.Account, about, domain string, unable bool) int {
	switch {
	case a.Name == about && unable:
		return 3
	case a.Name == about:
		return 0
	case domainOf(a.Sender) == domain:
		return 1
	}
	return 2
}

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

// alertMessageID names what the mail tells. What has no day is told apart by when
// it began.
func alertMessageID(a *account.Account, f finding) string {
	when := f.Due
	if when.IsZero() {
		when = f.Since
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%d", a.Name, a.Username, f.ID, when.Unix(), f.step))
	random := newMessageID(a.Sender)
	return "<alert." + hex.EncodeToString(sum[:16]) + random[strings.LastIndexByte(random, '@'):]
}

// alertText is the whole mail.
func (e *engine) alertText(a *account.Account, f finding, through *account.Account, id string) []byte {
	var b bytes.Buffer
	header := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	header("Date", e.mailer.now().Format(time.RFC1123Z))
	header("From", "traymail <"+through.Sender+">")
	header("To", "<"+a.NoticeTo+">")
	header("Subject", mime.QEncoding.Encode("utf-8", "traymail: "+f.title))
	header("Message-ID", id)
	header("Auto-Submitted", "auto-generated")
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	line := func(format string, args ...any) { fmt.Fprintf(w, format+"\r\n", args...) }
	line("traymail on %s tells of its account %s, which sends as %s:", e.hostname, a.Name, a.Sender)
	line("")
	line("%s.", strings.TrimSuffix(f.Summary, "."))
	line("")
	if f.Fix != "" {
		line("What to do: %s", f.Fix)
	}
	if f.ID == AlertSecret && a.Provider == account.Microsoft365 {
		line("The page: https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/%s", a.ClientID)
	}
	line("")
	if through.Name != a.Name {
		line("This mail came through the account %s, because %s may not be able to send it.", through.Name, a.Name)
	}
	line("All alerts: traymail status")
	w.Close() // into memory, which does not fail
	return b.Bytes()
}
