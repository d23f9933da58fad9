// Package locale gives the process a language where its environment names none
// ("C", "C.UTF-8", "POSIX"), as under cron and in containers. The window's
// toolkit complains about such a locale on standard error while it is
// initialised, in every command of the desktop build.
//
// It works by being initialised first: of the packages that are ready, Go takes
// the one whose path sorts first (Go 1.21 release notes, "Package
// initialization"). This one needs syscall alone, and the toolkit needs unicode,
// which sorts behind it.
package locale

import "syscall"

func init() {
	named := false
	for _, variable := range []string{"LC_ALL", "LANG"} {
		value, _ := syscall.Getenv(variable)
		if namesNone(value) {
			// It fails for an impossible name or value only.
			_ = syscall.Setenv(variable, fallback)
		}
		named = named || value != ""
	}
	if !named {
		_ = syscall.Setenv("LANG", fallback)
	}
}

const fallback = "en_US.UTF-8"

func namesNone(locale string) bool {
	return locale == "C" || locale == "POSIX" || len(locale) > 1 && locale[:2] == "C."
}
