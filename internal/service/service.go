// Package service makes traymail a service of the system: a systemd unit, a
// Windows service, or a launchd job, for the machine or for one person.
//
// A service of the machine runs, on Linux and macOS, as the user whom the home
// folder belongs to, and on Windows as LocalSystem. A service of one person
// runs as that person, from login to logout; Windows has none.
package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/kardianos/service"
)

// The service managers.
const (
	Systemd = "systemd"
	Windows = "Windows"
	Launchd = "launchd"
)

// platforms are the managers by the names that the library has for them. It
// knows more, but takes the last of those for granted where there is none.
var platforms = map[string]string{
	"linux-systemd":   Systemd,
	"windows-service": Windows,
	"darwin-launchd":  Launchd,
}

// DefaultName is the service's name where one home folder is all there is.
const DefaultName = "traymail"

// Errors that callers tell apart.
var (
	ErrNoManager    = errors.New("no service manager runs on this machine (systemd, launchd and Windows services are known): let what starts programs here start traymail serve")
	ErrInstalled    = errors.New("is installed already; to change it, uninstall it first")
	ErrNotInstalled = errors.New("is not installed")
)

// A Job is one traymail that runs as a service.
type Job struct {
	Name       string // of the service; letters, digits, and "._-"
	Home       string // its home folder, absolute
	Executable string // the program, absolute
	User       bool   // of one person, not of the machine
	// Credential is a secret that systemd hands over, for the keystore's key:
	// name and file. Both are empty where there is none, and outside systemd.
	Credential, CredentialFile string
	// Writable are folders beside Home that the service may write to, such as
	// a drop folder. systemd alone shuts the others.
	Writable []string
}

// A Service is a Job at this machine's service manager. Its methods block until
// the manager has done what they ask, and are not for concurrent use.
type Service struct {
	job     Job
	manager string
	file    string // that defines it; empty on Windows
	s       service.Service
}

// Manager returns the service manager of this machine, or ErrNoManager.
func Manager() (string, error) {
	if m := platforms[service.Platform()]; m != "" {
		return m, nil
	}
	return "", ErrNoManager
}

// Open returns the service that a Job describes, installed or not. To start,
// stop, uninstall or look at one, Name and User are enough.
func Open(j Job) (*Service, error) {
	manager, err := Manager()
	if err != nil {
		return nil, err
	}
	if err := j.checkName(); err != nil {
		return nil, err
	}
	if j.User && manager == Windows {
		return nil, errors.New("there are no services of one person on Windows: install it for the machine")
	}
	s := &Service{job: j, manager: manager}
	if s.file, err = definition(manager, j.Name, j.User); err != nil {
		return nil, err
	}
	s.s, err = service.New(nil, s.config(""))
	return s, err
}

// definition is the file that a manager reads a service from.
func definition(manager, name string, user bool) (string, error) {
	folder := map[string]string{Systemd: "/etc/systemd/system", Launchd: "/Library/LaunchDaemons"}[manager]
	if user {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("your own folder is not known (%w)", err)
		}
		folder = map[string]string{Systemd: filepath.Join(home, ".config/systemd/user"), Launchd: filepath.Join(home, "Library/LaunchAgents")}[manager]
	}
	switch manager {
	case Systemd:
		return filepath.Join(folder, name+".service"), nil
	case Launchd:
		return filepath.Join(folder, name+".plist"), nil
	}
	return "", nil
}

// PerUser returns which of the services of a name is meant where nothing says
// it: the one there is, else the machine's for the administrator, and one's own
// for everybody else.
func PerUser(name string) bool {
	manager, err := Manager()
	if err != nil || manager == Windows {
		return false
	}
	admin := elevated()
	for _, user := range []bool{!admin, admin} {
		if file, err := definition(manager, name, user); err == nil && exists(file) {
			return user
		}
	}
	return !admin
}

func (s *Service) config(definition string) *service.Config {
	j := s.job
	c := &service.Config{
		Name:        j.Name,
		DisplayName: j.Name,
		Description: description(j.Home),
		Executable:  j.Executable,
		Arguments:   []string{"--home", j.Home, "serve"},
		Option:      service.KeyValue{"UserService": j.User},
	}
	switch s.manager {
	case Systemd:
		c.Option["SystemdScript"] = definition
	case Launchd:
		c.Option["LaunchdConfig"] = definition
	case Windows:
		// Not delayed: what starts with the machine and mails would find nobody.
		c.Dependencies = []string{"Tcpip"}
		c.Option["OnFailure"] = "restart"
		c.Option["OnFailureDelayDuration"] = "10s"
		c.Option["OnFailureResetPeriod"] = 24 * 60 * 60 // seconds
	}
	return c
}

func description(home string) string {
	return "traymail: SMTP relay to OAuth mail systems (" + home + ")"
}

// File is the file that defines the service, empty on Windows.
func (s *Service) File() string { return s.file }

// Manager is the service's manager.
func (s *Service) Manager() string { return s.manager }

// Install makes the service known to the manager and lets it start with the
// machine, or with the person's session. It does not start it. When it returns
// an error nothing has changed. RunsAs is the user it runs as.
func (s *Service) Install() (runsAs string, err error) {
	if err := s.job.check(s.manager); err != nil {
		return "", err
	}
	if err := s.allowed("install"); err != nil {
		return "", err
	}
	if s.file != "" && exists(s.file) {
		return "", fmt.Errorf("the service %s %w (%s)", s.job.Name, ErrInstalled, s.file)
	}
	if runsAs, err = owner(s.job.Home); err != nil {
		return "", err
	}
	var text string
	switch s.manager {
	case Systemd:
		text = s.job.systemdUnit(runsAs)
	case Launchd:
		text = s.job.launchdPlist(runsAs)
	}
	lib, err := service.New(nil, s.config(text))
	if err != nil {
		return "", err
	}
	if err := lib.Install(); err != nil {
		if s.file != "" {
			os.Remove(s.file) // which was not there before
		}
		return "", s.explain("install", err)
	}
	return runsAs, nil
}

// Uninstall stops the service and makes the manager forget it. The home folder
// stays as it is.
func (s *Service) Uninstall() error {
	status, err := s.installed("uninstall")
	if err != nil {
		return err
	}
	if status.State != Stopped {
		if err := s.s.Stop(); err != nil {
			return s.explain("stop", err)
		}
	}
	return s.explain("uninstall", s.s.Uninstall())
}

// Start starts the service. It does not wait until it takes messages.
func (s *Service) Start() error {
	if _, err := s.installed("start"); err != nil {
		return err
	}
	return s.explain("start", s.s.Start())
}

// Stop stops the service and waits until it has ended.
func (s *Service) Stop() error {
	if _, err := s.installed("stop"); err != nil {
		return err
	}
	return s.explain("stop", s.s.Stop())
}

// installed returns the status of a service that is installed, once it is sure
// that this process may change it.
func (s *Service) installed(step string) (Status, error) {
	status, err := s.Status()
	if err != nil {
		return status, err
	}
	if status.State == NotInstalled {
		return status, fmt.Errorf("the service %s %w%s", s.job.Name, ErrNotInstalled, s.elsewhere())
	}
	return status, s.allowed(step)
}

// elsewhere says so when it is the other service of the name that is there.
func (s *Service) elsewhere() string {
	other, err := definition(s.manager, s.job.Name, !s.job.User)
	if err != nil || s.file == "" || !exists(other) {
		return ""
	}
	return fmt.Sprintf(" here, but as %s: use --user=%t", other, !s.job.User)
}

// allowed says what to do when this process may not change the service.
func (s *Service) allowed(step string) error {
	switch {
	case s.job.User:
		return s.session()
	case elevated():
		return nil
	case s.manager == Windows:
		return fmt.Errorf("to %s the service %s takes an administrator: open the terminal with Run as administrator", step, s.job.Name)
	}
	return fmt.Errorf("to %s the machine's service %s takes root: use sudo, or --user for a service of your own", step, s.job.Name)
}

// session checks that the person's own manager can be reached.
func (s *Service) session() error {
	if s.manager == Systemd && os.Getenv("XDG_RUNTIME_DIR") == "" {
		return errors.New("your own services cannot be reached from here, XDG_RUNTIME_DIR is not set: log in as yourself, not through su or sudo, or install it for the machine: sudo traymail service install --user=false")
	}
	return nil
}

// explain says which step failed and where to read more.
func (s *Service) explain(step string, err error) error {
	if err == nil {
		return nil
	}
	more := ""
	if s.manager == Systemd {
		user := ""
		if s.job.User {
			user = " --user"
		}
		more = fmt.Sprintf("; see systemctl%[1]s status %[2]s and journalctl%[1]s -u %[2]s", user, s.job.Name)
	}
	return fmt.Errorf("%s of the service %s failed: %w%s", step, s.job.Name, err, more)
}

var (
	nameShape       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)
	credentialShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`)
)

func (j Job) checkName() error {
	if !nameShape.MatchString(j.Name) || strings.HasSuffix(j.Name, ".service") {
		return fmt.Errorf(`--name %q is no name for a service: use letters, digits, ".", "_" and "-", 64 at most, without ".service"`, j.Name)
	}
	return nil
}

// check refuses what the manager could not run.
func (j Job) check(manager string) error {
	for _, path := range append([]string{j.Executable, j.Home}, j.Writable...) {
		if err := checkPath(path); err != nil {
			return err
		}
	}
	for _, folder := range append([]string{j.Home}, j.Writable...) {
		if info, err := os.Stat(folder); err != nil {
			return fmt.Errorf("the folder %s cannot be used: %w; make it, as the user that traymail is to run as", folder, err)
		} else if !info.IsDir() {
			return fmt.Errorf("%s is no folder", folder)
		}
	}
	if manager == Systemd {
		return j.checkSystemd()
	}
	if j.Credential != "" || j.CredentialFile != "" {
		return errors.New("--credential is for systemd: here name the keystore's key file in traymail.toml, [keystore] key_file")
	}
	if len(j.Writable) > 0 {
		return errors.New("--writable is for systemd: here the service may write wherever its user may")
	}
	return nil
}

func checkPath(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%q is no absolute path", path)
	}
	if strings.ContainsFunc(path, unicode.IsControl) {
		return fmt.Errorf("the path %q has a control character in it, which no service manager takes", path)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
