package refusals

import (
	"strings"
	"testing"
)

func BenchmarkExplain(b *testing.B) {
	short := "Jan  9 16:12:30 mx app[1]: " + said[1].text
	line := "Jan  9 16:12:30 mx app[4711]: INFO nothing to see here, 42 of 4711 done, connection from 192.0.2.1 port 587\n"
	for name, text := range map[string]string{"line": short, "MiB": strings.Repeat(line, MaxInput/len(line)) + short,
		"MiB of refusals": strings.Repeat(short+"\n535 5.7.139 Authentication unsuccessful, SmtpClientAuth\nerror: AADSTS70002: AADSTS9999999 invalid_grant\n", MaxInput/300)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Explain(text)
			}
		})
	}
}
