//go:build unix

package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"traymail/internal/account"
)

// checkOwner keeps root from writing into the home of another user: the files
// would be closed to the traymail that runs as that user. A home that is not
// there yet is anybody's.
func checkOwner(home string) error {
	info, err := os.Stat(home)
	if err != nil || os.Geteuid() != 0 {
		return nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return nil
	}
	name := strconv.Itoa(int(stat.Uid))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return &account.FieldError{Key: "--home", Text: fmt.Sprintf("%s belongs to %s, and what root writes there is closed to the traymail of that user", home, name),
		Fix: "run the command as that user: sudo -u " + name + " traymail --home " + home}
}
