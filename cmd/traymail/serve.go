package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/control"
	"traymail/internal/logfile"
	"traymail/internal/mailer"
	"traymail/internal/metrics"
	"traymail/internal/service"
)

// stopTimeout is how long what is in flight may take when the program stops.
const stopTimeout = 30 * time.Second

func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run relay, queue and delivery, without a window",
		Long: `Take messages from local tools over SMTP, from folders and from commands, and
deliver them in the background. Ends with Ctrl+C or SIGTERM, when what is in
flight is finished. A changed configuration takes effect as soon as it is saved;
SIGHUP and 'traymail reload' read it again at once.`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return service.Run(c.Context(), service.DefaultName, p.serve)
		},
	}
}

func (p *program) serve(ctx context.Context) error {
	hangups := make(chan os.Signal, 1)
	signal.Reset(syscall.SIGHUP) // which ends other commands
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

	home, err := p.homeFolder()
	if err != nil {
		return err
	}
	if err := checkOwner(home); err != nil {
		return err
	}
	settings, err := mailer.ReadSettings(home)
	if err != nil {
		return err
	}
	log, closer, err := p.openLog(home, settings.Log)
	if err != nil {
		return err
	}
	defer closer.Close()
	m, done, err := p.engine()
	if err != nil {
		return err
	}
	defer done()
	m.Logger = log
	stop, err := p.background(ctx, m, settings, log)
	if err != nil {
		return err
	}
	for {
		select {
		case <-hangups:
			_ = m.Reload(ctx) // its outcome is in the log and in the status
		case <-ctx.Done():
			log.Info("stopping", "within", stopTimeout)
			return stop()
		}
	}
}

// openLog opens the log that the settings choose.
func (p *program) openLog(home string, s mailer.LogSettings) (*slog.Logger, io.Closer, error) {
	log, closer, err := logfile.Open(logfile.Options{
		File: s.File, Format: s.Format, Level: s.Level,
		MaxSizeMB: s.MaxSizeMB, MaxFiles: s.MaxFiles, MaxAgeDays: s.MaxAgeDays, Stderr: p.stderr,
	})
	var wrong *logfile.ValueError
	if errors.As(err, &wrong) {
		err = &account.FieldError{File: filepath.Join(home, "traymail.toml"), Key: "log." + wrong.Key, Text: wrong.Text, Fix: wrong.Fix}
	}
	return log, closer, err
}

// background starts everything that runs without a window: relay, queue and
// delivery, the way in for commands, and the metrics. stop ends it, in order.
func (p *program) background(ctx context.Context, m *mailer.Mailer, settings mailer.Settings, log *slog.Logger) (stop func() error, err error) {
	if listen := settings.Metrics.Listen; listen != "" {
		if err := metrics.CheckAddress(listen); err != nil {
			return nil, &account.FieldError{File: filepath.Join(m.Home, "traymail.toml"), Key: "metrics.listen", Text: err.Error(), Fix: "write it as 127.0.0.1:9587"}
		}
	}
	// Whoever has the queue open for long is a program that answers.
	if running, err := control.Dial(ctx, m.Home); err == nil {
		defer running.Close()
		s, err := running.Status(ctx)
		return nil, errors.Join(&control.RunningError{PID: s.PID}, err)
	}
	if err := startQueue(ctx, m); err != nil {
		return nil, err
	}
	stopMailer := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		return m.Shutdown(ctx)
	}
	local, err := control.Serve(m.Home, m, log)
	if err != nil {
		return nil, errors.Join(err, stopMailer())
	}
	stopControl := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return local.Shutdown(ctx)
	}
	stopMetrics := func() error { return nil }
	if settings.Metrics.Listen != "" {
		server, err := metrics.Serve(settings.Metrics.Listen, m.Status, log)
		if err != nil {
			return nil, errors.Join(err, stopMailer(), stopControl())
		}
		stopMetrics = func() error { return server.Shutdown(context.WithoutCancel(ctx)) }
	}
	s, err := m.Status(ctx)
	if err != nil {
		return nil, errors.Join(err, stopMailer(), stopControl(), stopMetrics())
	}
	for _, l := range s.Listeners {
		log.Info("listening", "listener", l.Name, "address", l.Address, "tls", l.TLS)
	}
	ctx, rest := context.WithCancel(ctx)
	var resting sync.WaitGroup
	resting.Go(func() { giveMemoryBack(ctx) })
	stopResting := func() error { rest(); resting.Wait(); return nil }
	log.Info("traymail serves", "version", s.Version, "home", s.Home, "queue", s.Queue, "accounts", len(s.Accounts))
	return func() error { return errors.Join(stopResting(), stopMailer(), stopControl(), stopMetrics()) }, nil
}

// startQueue starts the mailer, and waits for a command that has the queue open
// for a moment.
func startQueue(ctx context.Context, m *mailer.Mailer) error {
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := m.Start(ctx)
		if !errors.Is(err, mailer.ErrQueueInUse) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *program) reloadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Have the running traymail read its configuration again",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			home, err := p.homeFolder()
			if err != nil {
				return err
			}
			m, err := control.Dial(c.Context(), home)
			if err != nil {
				return err
			}
			defer m.Close()
			if err := m.Reload(c.Context()); err != nil {
				return err
			}
			fmt.Fprintln(p.stderr, "The configuration is in force.")
			return nil
		},
	}
}

func (p *program) statusCommand() *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:   "status",
		Short: "Show whether traymail runs, and how its accounts are doing",
		Args:  usage(cobra.NoArgs),
		RunE: p.withQueue(func(c *cobra.Command, m mailer.Program, _ []string) error {
			s, err := m.Status(c.Context())
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(s)
			}
			p.printStatus(s)
			return nil
		}),
	})
}

func (p *program) printStatus(s mailer.Status) {
	if s.Running {
		fmt.Fprintf(p.stdout, "traymail %s runs since %s as process %d.\n", s.Version, s.Started.Local().Format(time.DateTime), s.PID)
	} else {
		fmt.Fprintln(p.stdout, "traymail does not run: what is queued waits for traymail serve.")
	}
	for _, l := range s.Listeners {
		fmt.Fprintf(p.stdout, "listener %s\t%s\tTLS: %s\n", l.Name, l.Address, l.TLS)
	}
	for _, f := range s.Folders {
		fmt.Fprintf(p.stdout, "folder %s\t%s\t%s\n", f.Name, f.Path, cmp.Or(f.Problem, "watched"))
	}
	if s.Problem != "" {
		fmt.Fprintf(p.stdout, "The configuration as it is in the files is not in force: %s\n", s.Problem)
	}
	if s.Paused != nil {
		fmt.Fprintf(p.stdout, "All accounts are paused until %s.\n", cmp.Or(whenOf(s.Paused.Until), "resumed: traymail resume"))
	}
	w := p.table("ACCOUNT", "STATE", "WAITING", "HELD", "DELIVERED", "REFUSED", "LAST DELIVERY")
	for _, a := range s.Accounts {
		w.row(a.Name, string(a.State), a.Waiting+a.Sending, a.Held, a.Delivered, a.Refused, moment(a.LastDelivered))
	}
	w.end()
	for _, a := range s.Accounts {
		if a.Reason == "" {
			continue
		}
		since := ""
		if !a.Since.IsZero() {
			since = ", since " + moment(a.Since)
		}
		fmt.Fprintf(p.stdout, "%s%s: %s\n", a.Name, since, a.Reason)
		if a.Elsewhere {
			fmt.Fprintln(p.stdout, "  It is this machine's trouble; others that share the queue send meanwhile.")
		}
		if a.Fix != "" {
			fmt.Fprintf(p.stdout, "  %s\n", a.Fix)
		}
	}
	p.printAlerts(s.Accounts)
	if len(s.Clients) > 0 {
		fmt.Fprintln(p.stdout)
		w := p.table("CLIENT", "LAST SEEN", "TAKEN", "REFUSED")
		for _, c := range s.Clients {
			w.row(c.Name, moment(c.LastSeen), c.Messages, c.Refused)
		}
		w.end()
	}
}

// moment is a time as people here read it, a dash for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return strings.Replace(t.Local().Format(time.DateTime), " ", "T", 1)
}
