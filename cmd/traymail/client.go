package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/control"
	"traymail/internal/mailer"
)

func (p *program) clientCommand() *cobra.Command {
	c := &cobra.Command{Use: "client", Short: "Add, list, change and remove the tools that may send through the relay"}
	c.AddCommand(p.clientAdd(), p.clientEdit(), p.clientPasswd(), p.clientLs(), p.clientRm())
	return c
}

// clientFlags are a client's fields.
type clientFlags struct {
	client   mailer.Client
	networks []string
}

func (f *clientFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.client.Account, "account", "", "account its messages go through (default: by their sender)")
	c.Flags().StringSliceVar(&f.client.AllowedSenders, "senders", nil, "addresses, and domains as @contoso.com, it may send as (default: any)")
	c.Flags().StringSliceVar(&f.networks, "networks", nil, "addresses from which it needs no password, as 192.0.2.7 or 192.0.2.0/24")
	c.Flags().IntVar(&f.client.PerMinute, "messages-per-minute", 0, "how many messages it may hand over in a minute (default: any)")
	c.Flags().IntVar(&f.client.MaxSizeMB, "max-size-mb", 0, "its largest message, in MiB (default: the account's)")
}

// set puts the flags that were given into a client and reports whether there
// was one.
func (f *clientFlags) set(c *cobra.Command, to *mailer.Client) (any bool, err error) {
	for flag, put := range map[string]func(){
		"account":             func() { to.Account = f.client.Account },
		"senders":             func() { to.AllowedSenders = f.client.AllowedSenders },
		"messages-per-minute": func() { to.PerMinute = f.client.PerMinute },
		"max-size-mb":         func() { to.MaxSizeMB = f.client.MaxSizeMB },
		"networks": func() {
			to.Networks = nil
			for _, n := range f.networks {
				var one netip.Prefix
				if one, err = network(n); err != nil {
					return
				}
				to.Networks = append(to.Networks, one)
			}
		},
	} {
		if c.Flags().Changed(flag) {
			put()
			any = true
		}
	}
	return any, err
}

// network takes an address for the network that has it alone.
func network(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	n, err := netip.ParsePrefix(s)
	if err != nil {
		return n, &account.FieldError{Key: "networks", Text: fmt.Sprintf("%q is no network", s), Fix: "write it as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32"}
	}
	return n.Masked(), nil
}

func (p *program) clientAdd() *cobra.Command {
	var f clientFlags
	var noPassword bool
	c := p.reporting(&cobra.Command{
		Use:   "add CLIENT",
		Short: "Add a tool, and show its password once",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := p.clients()
			if err != nil {
				return err
			}
			switch _, err := dir.Load(args[0]); {
			case err == nil:
				return &account.FieldError{Key: "name", Text: fmt.Sprintf("there is a client %s already", args[0]), Fix: "choose another name, or change it: traymail client edit " + args[0]}
			case !errors.Is(err, mailer.ErrNoClient):
				return err
			}
			client := mailer.Client{Name: args[0]}
			if _, err := f.set(c, &client); err != nil {
				return err
			}
			how := mailer.NewPassword
			if noPassword {
				how = mailer.NoPassword
			}
			return p.saveClient(c.Context(), client, how)
		},
	})
	f.register(c)
	c.Flags().BoolVar(&noPassword, "no-password", false, "none: it is known by --networks alone")
	return c
}

// saveClient saves a client, puts it into force, and tells what the tool has to
// be told.
func (p *program) saveClient(ctx context.Context, client mailer.Client, how mailer.ClientPassword) error {
	m, done, err := p.reachFiles(ctx)
	if err != nil {
		return err
	}
	defer done()
	password, err := m.SaveClient(ctx, client, how)
	if err != nil && !errors.Is(err, mailer.ErrNotInForce) {
		return err
	}
	client.HasPassword = how == mailer.NewPassword || how == mailer.KeepPassword && client.HasPassword
	return errors.Join(p.showClient(client, password.Reveal()), err)
}

// reachFiles returns the program that runs for the home folder or, when none
// runs, one in this process that can do what needs neither queue nor keystore.
// The caller calls close when it is done.
func (p *program) reachFiles(ctx context.Context) (m mailer.Configuring, close func(), err error) {
	home, err := p.homeFolder()
	if err != nil {
		return nil, nil, err
	}
	running, err := control.Dial(ctx, home)
	switch {
	case err == nil:
		return running, func() { running.Close() }, nil
	case !errors.Is(err, control.ErrNotRunning):
		return nil, nil, err
	}
	return &mailer.Mailer{Home: home}, func() {}, checkOwner(home)
}

// showClient tells what a tool has to be told.
func (p *program) showClient(client mailer.Client, password string) error {
	if p.json {
		return p.printJSON(struct {
			mailer.Client
			Password string `json:"password,omitempty"`
		}{client, password})
	}
	fmt.Fprintf(p.stderr, "Client %s is saved.\n", client.Name)
	if password == "" {
		return nil
	}
	fmt.Fprintln(p.stderr, "Its password is shown this once; traymail keeps a hash of it.")
	fmt.Fprintf(p.stdout, "user      %s\npassword  %s\n", client.Name, password)
	return nil
}

func (p *program) clientEdit() *cobra.Command {
	var f clientFlags
	c := p.reporting(&cobra.Command{
		Use:               "edit CLIENT --FIELD VALUE...",
		ValidArgsFunction: p.clientNames,
		Short:             "Change fields of a client",
		Args:              usage(cobra.ExactArgs(1)),
		RunE: p.onClient(func(c *cobra.Command, client *mailer.Client) error {
			any, err := f.set(c, client)
			if err != nil {
				return err
			}
			if !any {
				return &usageError{c, errors.New("nothing to change: name a field, such as --senders")}
			}
			return p.saveClient(c.Context(), *client, mailer.KeepPassword)
		}),
	})
	f.register(c)
	return c
}

func (p *program) clientPasswd() *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:               "passwd CLIENT",
		ValidArgsFunction: p.clientNames,
		Short:             "Give a client a new password, and show it once",
		Args:              usage(cobra.ExactArgs(1)),
		RunE: p.onClient(func(c *cobra.Command, client *mailer.Client) error {
			return p.saveClient(c.Context(), *client, mailer.NewPassword)
		}),
	})
}

// onClient gives a command the client that its argument names.
func (p *program) onClient(do func(*cobra.Command, *mailer.Client) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		dir, err := p.clients()
		if err != nil {
			return err
		}
		client, err := dir.Load(args[0])
		if err != nil {
			return err
		}
		return do(c, client)
	}
}

func (p *program) clientLs() *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:   "ls",
		Short: "List the clients",
		Args:  usage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			dir, err := p.clients()
			if err != nil {
				return err
			}
			all, err := dir.All()
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(append([]mailer.Client{}, all...))
			}
			if len(all) == 0 {
				fmt.Fprintln(p.stderr, "There is no client. Add one: traymail client add NAME")
				return nil
			}
			w := p.table("CLIENT", "PASSWORD", "NETWORKS", "ACCOUNT", "SENDERS")
			for _, c := range all {
				var networks []string
				for _, n := range c.Networks {
					networks = append(networks, n.String())
				}
				password := "none"
				if c.PasswordHash != "" {
					password = "stored"
				}
				w.row(c.Name, password, cmp.Or(strings.Join(networks, ", "), "-"), cmp.Or(c.Account, "by sender"), cmp.Or(strings.Join(c.AllowedSenders, ", "), "any"))
			}
			w.end()
			return nil
		},
	})
}

func (p *program) clientRm() *cobra.Command {
	return &cobra.Command{
		Use:               "rm CLIENT",
		ValidArgsFunction: p.clientNames,
		Short:             "Remove a client; its password ends to work",
		Args:              usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			m, done, err := p.reachFiles(c.Context())
			if err != nil {
				return err
			}
			defer done()
			err = m.RemoveClient(c.Context(), args[0])
			if err == nil || errors.Is(err, mailer.ErrNotInForce) {
				fmt.Fprintf(p.stderr, "Client %s is removed.\n", args[0])
			}
			return err
		},
	}
}

func (p *program) clientNames(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if dir, err := p.clients(); err == nil && len(args) == 0 {
		names, _ := dir.Names()
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}
