package service

import (
	"fmt"
	"path/filepath"
	"strings"
)

// launchdPlist is the job's file: launchd.plist(5). launchd starts the job when
// it is loaded and, unless it ended well, again. What the program says before
// its log is open is found in the home folder.
func (j Job) launchdPlist(runsAs string) string {
	var p strings.Builder
	p.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
`)
	text := func(key, value string) {
		fmt.Fprintf(&p, "\t<key>%s</key>\n\t<string>%s</string>\n", key, plistText(value))
	}
	number := func(key string, value int) {
		fmt.Fprintf(&p, "\t<key>%s</key>\n\t<integer>%d</integer>\n", key, value)
	}
	text("Label", j.Name)
	p.WriteString("\t<key>ProgramArguments</key>\n\t<array>\n")
	for _, arg := range []string{j.Executable, "--home", j.Home, "serve"} {
		fmt.Fprintf(&p, "\t\t<string>%s</string>\n", plistText(arg))
	}
	p.WriteString("\t</array>\n\t<key>RunAtLoad</key>\n\t<true/>\n" +
		"\t<key>KeepAlive</key>\n\t<dict>\n\t\t<key>SuccessfulExit</key>\n\t\t<false/>\n\t</dict>\n")
	number("ThrottleInterval", 10) // seconds from one start to the next
	number("ExitTimeOut", 45)      // seconds; the program needs 30 at most
	number("Umask", 0o077)
	if !j.User {
		text("UserName", runsAs)
	}
	text("StandardErrorPath", filepath.ToSlash(filepath.Join(j.Home, j.Name+".stderr.log")))
	p.WriteString("</dict>\n</plist>\n")
	return p.String()
}

// plistText writes text into XML, and so that no "{{" is in it, which the
// library would take for a template's.
func plistText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "{", "&#123;").Replace(s)
}
