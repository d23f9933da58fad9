package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/service"
)

func (p *program) serviceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "service",
		Short: "Run traymail as a service of the system",
		Long: `Run traymail as a service: a systemd unit, a Windows service, or a launchd job
that runs 'traymail --home HOME serve'.

A service of the machine starts with it. On Linux and macOS it runs as the user
whom the home folder belongs to, on Windows as LocalSystem. A service of your
own (--user; not on Windows) runs as you while you are logged in. Without --user
the one that is installed is meant; where none is, root has the machine's and
everybody else their own.`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		p.serviceInstall(),
		p.serviceStep("uninstall", "Stop the service and remove it; the home folder stays", (*service.Service).Uninstall, "Uninstalled"),
		p.serviceStep("start", "Start the service", (*service.Service).Start, "Started"),
		p.serviceStep("stop", "Stop the service and wait until it has ended", (*service.Service).Stop, "Stopped"),
		p.serviceStatus(),
	)
	return c
}

// serviceFlags say which service is meant.
type serviceFlags struct {
	name string
	user bool
}

func (f *serviceFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.name, "name", service.DefaultName, "the service's name, where there is more than one home folder")
	c.Flags().BoolVar(&f.user, "user", false, "a service of your own; --user=false for the machine's (default: the one that is installed, else the machine's for root, your own otherwise)")
}

func (f *serviceFlags) job(c *cobra.Command) service.Job {
	j := service.Job{Name: f.name, User: f.user}
	if !c.Flags().Changed("user") {
		j.User = service.PerUser(f.name)
	}
	return j
}

func (p *program) serviceInstall() *cobra.Command {
	var f serviceFlags
	var credential string
	var writable []string
	c := &cobra.Command{
		Use:   "install",
		Short: "Make the service, to start with the machine or when you log in",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			j := f.job(c)
			var err error
			if j.Home, err = p.homeFolder(); err != nil {
				return err
			}
			if j.Executable, err = os.Executable(); err != nil {
				return fmt.Errorf("where this program is, is not known: %w", err)
			}
			if credential != "" {
				name, file, ok := strings.Cut(credential, "=")
				if !ok || name == "" || file == "" {
					return &usageError{c, fmt.Errorf("--credential takes NAME=FILE, not %q", credential)}
				}
				if j.CredentialFile, err = filepath.Abs(file); err != nil {
					return err
				}
				j.Credential = name
			}
			for _, folder := range writable {
				if folder, err = filepath.Abs(folder); err != nil {
					return err
				}
				j.Writable = append(j.Writable, folder)
			}
			return p.installService(j)
		},
	}
	f.register(c)
	c.Flags().StringVar(&credential, "credential", "", "NAME=FILE: what systemd hands over as the credential NAME, for the keystore's key")
	c.Flags().StringArrayVar(&writable, "writable", nil, "a folder outside the home folder that the service may write to, such as a drop folder (systemd; may be repeated)")
	_ = c.MarkFlagDirname("writable")
	return c
}

func (p *program) installService(j service.Job) error {
	s, err := service.Open(j)
	if err != nil {
		return err
	}
	settings, err := mailer.ReadSettings(j.Home)
	if err != nil {
		return err
	}
	if err := keyWithoutPerson(settings.Keystore, j, runtime.GOOS); err != nil {
		return err
	}
	runsAs, err := s.Install()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "Installed the service %s (%s). It runs as %s on %s.\n", j.Name, s.Manager(), runsAs, j.Home)
	switch {
	case j.User && s.Manager() == service.Systemd:
		fmt.Fprintln(p.stdout, "It starts when you log in; to have it start with the machine: loginctl enable-linger")
	case runsAs == "root":
		fmt.Fprintf(p.stdout, "A user of its own is safer: uninstall it, give the folder to one with chown -R, and install it again.\n")
	}
	fmt.Fprintf(p.stdout, "Start it now: traymail service start%s\n", nameFlag(j.Name))
	return nil
}

func nameFlag(name string) string {
	if name == service.DefaultName {
		return ""
	}
	return " --name " + name
}

// keyWithoutPerson refuses a keystore that a service could not open: nobody is
// there to type a passphrase, and a login's keychain is open for the login.
func keyWithoutPerson(k mailer.KeystoreSettings, j service.Job, system string) error {
	switch {
	case k.Kind == "keychain" && !j.User && system != "windows":
		return &account.FieldError{Key: "kind", Text: "the service could not open the keychain, which belongs to a login",
			Fix: `set [keystore] kind = "file" with key_file or credential in traymail.toml, or install a service of your own with --user`}
	case k.Kind == "file" && k.KeyFile == "" && k.Credential == "":
		return &account.FieldError{Key: "key_file", Text: "the service could not open the keystore, whose passphrase nobody would type",
			Fix: "set [keystore] key_file, or credential with systemd, in traymail.toml"}
	case k.Credential != "" && k.Credential != j.Credential:
		return &account.FieldError{Key: "credential", Text: fmt.Sprintf("the keystore's key comes as the credential %q, which the service would not be given", k.Credential),
			Fix: "install with --credential " + k.Credential + "=FILE"}
	case j.Credential != "" && k.Credential == "":
		return &account.FieldError{Key: "--credential", Text: "nothing asks for the credential " + j.Credential,
			Fix: fmt.Sprintf("set [keystore] kind = \"file\" and credential = %q in traymail.toml", j.Credential)}
	}
	return nil
}

// serviceStep makes a command of one thing that can be done to a service.
func (p *program) serviceStep(use, short string, do func(*service.Service) error, done string) *cobra.Command {
	var f serviceFlags
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := service.Open(f.job(c))
			if err != nil {
				return err
			}
			if err := do(s); err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "%s the service %s.\n", done, f.name)
			return nil
		},
	}
	f.register(c)
	return c
}

func (p *program) serviceStatus() *cobra.Command {
	var f serviceFlags
	c := p.reporting(&cobra.Command{
		Use:   "status",
		Short: "Tell whether the service is installed and runs",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := service.Open(f.job(c))
			if err != nil {
				return err
			}
			status, err := s.Status()
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(status)
			}
			return p.describeService(status)
		},
	})
	f.register(c)
	return c
}

func (p *program) describeService(s service.Status) error {
	whose := "the machine's"
	if s.User {
		whose = "your own"
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "service\t%s (%s, %s)\nstate\t%s\n", s.Name, s.Manager, whose, s.State)
	for _, line := range []struct{ key, value string }{{"detail", s.Detail}, {"file", s.File}} {
		if line.value != "" {
			fmt.Fprintf(w, "%s\t%s\n", line.key, line.value)
		}
	}
	if s.PID != 0 {
		fmt.Fprintf(w, "process\t%d\n", s.PID)
	}
	return w.Flush()
}
