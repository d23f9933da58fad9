package autostart

import (
	"encoding/xml"
	"strings"
)

// agentLabel names the launch agent; it is the file's name too.
const agentLabel = "app.traymail.login"

// agent is the property list of a launch agent, as launchd.plist(5) has it.
func agent(command []string) string {
	var b strings.Builder
	b.WriteString(xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>` + agentLabel + `</string>
	<key>ProgramArguments</key>
	<array>
`)
	for _, c := range command {
		b.WriteString("\t\t<string>")
		_ = xml.EscapeText(&b, []byte(c)) // a builder takes everything
		b.WriteString("</string>\n")
	}
	b.WriteString(`	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>ProcessType</key>
	<string>Interactive</string>
	<key>LimitLoadToSessionType</key>
	<string>Aqua</string>
</dict>
</plist>
`)
	return b.String()
}
