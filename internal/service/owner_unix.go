//go:build unix

package service

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// elevated reports whether this process may change the machine's services.
func elevated() bool { return os.Geteuid() == 0 }

// owner is whom the service runs as: the user whom the home folder belongs to.
func owner(folder string) (string, error) {
	info, err := os.Stat(folder)
	if err != nil {
		return "", err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", fmt.Errorf("whom %s belongs to is not known", folder)
	}
	u, err := user.LookupId(strconv.Itoa(int(stat.Uid)))
	if err != nil {
		return "", fmt.Errorf("%s belongs to user %d, whom this machine does not know: give it, with chown -R, to the user that traymail is to run as", folder, stat.Uid)
	}
	return u.Username, nil
}
