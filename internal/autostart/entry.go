package autostart

import (
	"bufio"
	"strings"
)

// desktopEntry is the file that desktops read, as the Desktop Entry and the
// Desktop Application Autostart Specifications have it.
func desktopEntry(command []string) string {
	return `[Desktop Entry]
Type=Application
Version=1.0
Name=traymail
Comment=Sends the mail of this machine's tools
Exec=` + execLine(command) + `
Icon=traymail
Terminal=false
X-GNOME-Autostart-enabled=true
`
}

// hiddenEntry switches off an entry of the same name that is there for all
// persons.
const hiddenEntry = `[Desktop Entry]
Type=Application
Name=traymail
Hidden=true
`

// execLine writes a command line as the value of Exec: each argument quoted
// where it has to be, and the whole escaped like every string of such a file.
func execLine(command []string) string {
	var line []string
	for _, c := range command {
		c = strings.ReplaceAll(c, "%", "%%")
		if c == "" || strings.ContainsAny(c, " \t\"'\\><~|&;$*?#()`") {
			c = `"` + strings.NewReplacer(`"`, `\"`, "`", "\\`", `$`, `\$`, `\`, `\\`).Replace(c) + `"`
		}
		line = append(line, c)
	}
	return strings.NewReplacer(`\`, `\\`, "\t", `\t`).Replace(strings.Join(line, " "))
}

// startsEntry reports whether a desktop starts what the file says.
func startsEntry(file string) bool {
	starts, in := false, false
	for lines := bufio.NewScanner(strings.NewReader(file)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			in = line == "[Desktop Entry]"
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case !in:
		case key == "Exec" && value != "":
			starts = true
		case key == "Hidden" && value == "true", key == "X-GNOME-Autostart-enabled" && value == "false":
			return false
		}
	}
	return starts
}
