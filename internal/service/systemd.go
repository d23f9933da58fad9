package service

import (
	"errors"
	"fmt"
	"strings"
)

// What both units have. exec: systemctl start fails when the program cannot be
// run. 2 is the exit code of a command line that will not be understood the
// next time either. The program needs 30 seconds at most to end; what it has
// started itself, such as a browser, is killed after that.
const unitService = `Type=exec
ExecStart=%s
ExecReload=%s
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2
KillMode=mixed
TimeoutStopSec=45
UMask=0077
`

// What needs no privilege to be enforced: filters of system calls, all of them.
// Go asks the kernel for the machine's addresses through netlink.
const unitHardening = `NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
`

// What the machine's own manager can do beyond that. A person's cannot do it
// everywhere: it takes user namespaces, which distributions switch off, and
// inside which the session's keychain does not know its user.
const unitIsolation = `ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RemoveIPC=yes
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE
`

// systemdUnit is the unit's file. It holds no "{{", which the library would
// take for a template's.
func (j Job) systemdUnit(runsAs string) string {
	var u strings.Builder
	fmt.Fprintf(&u, "[Unit]\nDescription=%s\n", bracesApart(strings.ReplaceAll(description(j.Home), "%", "%%")))
	if !j.User {
		fmt.Fprintf(&u, "Wants=network-online.target\nAfter=network-online.target\nRequiresMountsFor=%s\n", unitPath(j.Home))
	}
	// Mail must go on by itself, however long the outage was.
	u.WriteString("StartLimitIntervalSec=0\n\n[Service]\n")
	command := unitProgram(j.Executable) + " --home " + unitWord(j.Home)
	fmt.Fprintf(&u, unitService, command+" serve", command+" reload")
	if j.Credential != "" {
		fmt.Fprintf(&u, "LoadCredential=%s:%s\n", j.Credential, strings.ReplaceAll(j.CredentialFile, "%", "%%"))
	}
	u.WriteString(unitHardening)
	if j.User {
		u.WriteString("\n[Install]\nWantedBy=default.target\n")
		return u.String()
	}
	fmt.Fprintf(&u, "User=%s\n%sProtectHome=%s\n", runsAs, unitIsolation, j.protectHome())
	for _, folder := range append([]string{j.Home}, j.Writable...) {
		fmt.Fprintf(&u, "ReadWritePaths=%s\n", unitPath(folder))
	}
	u.WriteString("\n[Install]\nWantedBy=multi-user.target\n")
	return u.String()
}

// protectHome hides people's folders, unless the service itself lives there;
// then it may read them, as far as its user may.
func (j Job) protectHome() string {
	for _, path := range append([]string{j.Executable, j.Home}, j.Writable...) {
		if below(path, "/home", "/root", "/run/user") {
			return "read-only"
		}
	}
	return "yes"
}

func below(path string, folders ...string) bool {
	for _, f := range folders {
		if path == f || strings.HasPrefix(path, f+"/") {
			return true
		}
	}
	return false
}

func (j Job) checkSystemd() error {
	if strings.ContainsAny(j.Executable, `"'\`) {
		return fmt.Errorf("systemd runs no program with a quote or a backslash in its path: move %s", j.Executable)
	}
	for _, path := range append([]string{j.Executable, j.Home}, j.Writable...) {
		if !j.User && below(path, "/tmp", "/var/tmp") {
			return fmt.Errorf("%s is in a folder for temporary files, which the service does not see: use another, such as /var/lib/traymail for the home folder", path)
		}
	}
	if j.User && len(j.Writable) > 0 {
		return errors.New("--writable is for the machine's service: your own may write wherever you may")
	}
	if (j.Credential == "") != (j.CredentialFile == "") {
		return errors.New("--credential takes NAME=FILE")
	}
	if j.Credential == "" {
		return nil
	}
	if !credentialShape.MatchString(j.Credential) {
		return fmt.Errorf(`--credential: %q is no name: use letters, digits, ".", "_" and "-"`, j.Credential)
	}
	if err := checkPath(j.CredentialFile); err != nil {
		return fmt.Errorf("--credential: %w", err)
	}
	// Its path is the rest of a line, which has no quotes.
	if strings.Contains(j.CredentialFile, "{{") || strings.TrimSpace(j.CredentialFile) != j.CredentialFile {
		return fmt.Errorf("--credential: systemd cannot be given the path %q: rename the file", j.CredentialFile)
	}
	return nil
}

// unitWord writes an argument of a command: systemd.service(5), "Command lines".
func unitWord(s string) string {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$", "{", `\x7b`).Replace(s)
	return `"` + s + `"`
}

// unitProgram writes a command's program, in which no variable is replaced.
func unitProgram(s string) string {
	return `"` + strings.NewReplacer("%", "%%", "{", `\x7b`).Replace(s) + `"`
}

// unitPath writes a path in a list of paths, in which a backslash makes the
// next character an ordinary one, and that is all it does.
func unitPath(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "{", `\{`).Replace(s) + `"`
}

// bracesApart is for text that has no escapes at all.
func bracesApart(s string) string { return strings.ReplaceAll(s, "{{", "{ {") }
