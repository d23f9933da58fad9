// Command traymail lets tools that only speak plain SMTP send through mail
// systems that only accept OAuth.
//
// main.go wires the commands and nothing else; each command has its file.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"traymail/internal/mailer"
	"traymail/keystore"
)

// The exit codes that scripts depend on.
const (
	exitDone      = 0
	exitFailed    = 1
	exitUsage     = 2
	exitTryLater  = 75 // EX_TEMPFAIL of sysexits.h: nothing was accepted
	sendmailName  = "sendmail"
	homeVariable  = "TRAYMAIL_HOME"
	sendByDefault = "send"
)

func main() {
	keepMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{stdin: &reader{ctx, stdin}, stdout: stdout, stderr: stderr}
	p.terminal, _ = stdin.(*os.File)
	root := p.rootCommand()
	rest := args[1:]
	if name := strings.TrimSuffix(filepath.Base(args[0]), ".exe"); name == sendmailName {
		rest = append([]string{sendByDefault}, rest...)
		p.sendmail = true
	}
	root.SetArgs(rest)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return p.report(root.ExecuteContext(ctx))
}

// fault is called at each step of a message, see mailer.Mailer. Tests set it to
// kill the program there.
var fault func(point string)

// clock is what time it is for accounts, tokens and queue; nil means time.Now.
// Tests set it.
var clock func() time.Time

// A program is one run of the command: its streams and its common flags.
type program struct {
	stdin          io.Reader // ends with the program's context
	terminal       *os.File  // standard input, when it is a file
	stdout, stderr io.Writer
	home           string
	json           bool
	wire           string
	hidden         bool // the window starts in the tray
	sendmail       bool // called as sendmail, which says nothing on success
}

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "traymail",
		Short:         "Send from tools that only speak plain SMTP through mail systems that only accept OAuth",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          usage(cobra.NoArgs),
		RunE:          p.openWindow,
	}
	root.PersistentFlags().StringVar(&p.home, "home", "", "folder for configuration and state (default: $"+homeVariable+", else the system's folder for configuration)")
	root.Flags().BoolVar(&p.hidden, "hidden", false, "with a window: start it in the tray, where the desktop has one")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return &usageError{c, plainFlag(err)} })
	root.AddCommand(p.accountCommand(), p.loginCommand(), p.checkCommand(), p.explainCommand(), p.testCommand(), p.sendCommand(), p.sandboxCommand(), p.demoCommand(), p.versionCommand(),
		p.adminCommand(), p.serveCommand(), p.reloadCommand(), p.statusCommand(), p.queueCommand(), p.logCommand(), p.clientCommand(), p.serviceCommand(),
		p.pauseCommand(), p.resumeCommand(), p.diagnosticsCommand(), p.setupCommand())
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.HasSubCommands() {
			// Alone they help; with a word that is none of theirs they fail.
			c.Args, c.RunE = usage(cobra.NoArgs), func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
	return root
}

// reporting gives a command the --json flag.
func (p *program) reporting(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&p.json, "json", false, "print the result as JSON")
	return c
}

// A usageError is a command line that cannot be understood.
type usageError struct {
	command *cobra.Command
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }

// usage makes a refusal of the arguments a usageError.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return &usageError{c, err}
		}
		return nil
	}
}

// report prints an error, one line and then the fix, and returns the exit code.
func (p *program) report(err error) int {
	var wrong *usageError
	var unwell *checkError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &unwell):
		fmt.Fprintf(p.stderr, "traymail: %s\n%s\n", oneLine(err), unwell.fix())
		if unwell.temporary() {
			return exitTryLater
		}
		return exitFailed
	case errors.As(err, &wrong):
		fmt.Fprintf(p.stderr, "traymail: %v\nSee '%s --help'.\n", err, wrong.command.CommandPath())
		return exitUsage
	case strings.HasPrefix(err.Error(), "unknown command "), strings.HasPrefix(err.Error(), flagGroup):
		// cobra has no type for these
		fmt.Fprintf(p.stderr, "traymail: %s\nSee 'traymail --help'.\n", plainGroup(err))
		return exitUsage
	}
	fmt.Fprintf(p.stderr, "traymail: %s\n", oneLine(err))
	if fix := mailer.Fix(err); fix != "" {
		fmt.Fprintln(p.stderr, fix)
	}
	if mailer.Temporary(err) {
		return exitTryLater
	}
	return exitFailed
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

// homeFolder is where configuration and state are.
func (p *program) homeFolder() (string, error) {
	for _, dir := range []string{p.home, os.Getenv(homeVariable)} {
		if dir != "" {
			return filepath.Abs(dir)
		}
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the configuration is known (%w): name one with --home", err)
	}
	return filepath.Join(dir, "traymail"), nil
}

// engine opens the keystore that the settings choose and returns the program
// without a face. The caller calls close when it is done.
func (p *program) engine() (m *mailer.Mailer, close func(), err error) {
	home, err := p.homeFolder()
	if err != nil {
		return nil, nil, err
	}
	if err := checkOwner(home); err != nil {
		return nil, nil, err
	}
	settings, err := mailer.ReadSettings(home)
	if err != nil {
		return nil, nil, err
	}
	secrets, err := settings.Keystore.Open(p.askPassphrase)
	if err != nil {
		return nil, nil, err
	}
	return p.engineOn(home, secrets)
}

// engineOn is engine on a home folder and a keystore that are known. The
// caller calls close.
func (p *program) engineOn(home string, secrets keystore.Store) (m *mailer.Mailer, close func(), err error) {
	m = &mailer.Mailer{Home: home, Secrets: secrets, Version: versionName(), Fault: fault, Now: clock}
	var wire *os.File
	if p.wire != "" {
		if wire, err = os.OpenFile(p.wire, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return nil, nil, fmt.Errorf("the wire log cannot be written: %w", err)
		}
		m.WireLog = wire
	}
	m.Logger = slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return m, func() {
		m.Close()
		if wire != nil {
			wire.Close()
		}
	}, nil
}
