package words

import (
	"strings"
	"testing"
	"time"
)

func TestTheLanguageClosestToTheSystemsIsSpoken(t *testing.T) {
	t.Cleanup(func() { Use("en") })
	for want, tags := range map[string][]string{
		"de": {"de_AT.UTF-8"},
		"fr": {"fr-CA"},
		"pt": {"pt_BR"},
		"zh": {"zh-Hans-CN"},
		"ja": {"ja"},
		"es": {"es-419"},
		"en": {"nl-NL"},
	} {
		if Use(tags...); Language() != want {
			t.Errorf("for %v it speaks %s, want %s", tags, Language(), want)
		}
	}
	if Use("nl", "de"); Language() != "de" {
		t.Errorf("the second choice is passed over for %s", Language())
	}
}

func TestTimesHaveAReference(t *testing.T) {
	Use("en")
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{Ago(now.Add(-30*time.Second), now), "just now"},
		{Ago(now.Add(-2*time.Minute), now), "2 min ago"},
		{Ago(now.Add(-23*time.Hour), now), "23 h ago"},
		{Ago(now.Add(-26*time.Hour), now), "19 November, 10:00"},
		{In(now.Add(12*24*time.Hour), now), "in 12 days (2 December)"},
		{In(now.Add(24*time.Hour), now), "in 1 day (21 November)"},
		{In(now.Add(90*time.Second), now), "in 2 min"},
		{In(now.AddDate(0, 3, 0), now), "in 92 days (20 February 2027)"},
		{Moment(now.Add(-2*time.Hour), now), "10:00"},
		{Number(1204), "1,204"},
		{Size(35 << 20), "35 MB"},
		{Size(1), "1 byte"},
		{List([]string{"a", "b", "c"}), "a, b and c"},
	} {
		if c.got != c.want {
			t.Errorf("it says %q, want %q", c.got, c.want)
		}
	}
}

func TestHowLongSomethingLastsIsSaidInTheLanguageOfTheWindow(t *testing.T) {
	t.Cleanup(func() { Use("en") })
	const day = 24 * time.Hour
	for language, want := range map[string][]string{
		"en": {"1 second", "30 seconds", "1 minute", "1 minute and 30 seconds", "1 hour", "2 hours and 5 minutes", "24 hours", "5 days"},
		"de": {"1 Sekunde", "30 Sekunden", "1 Minute", "1 Minute und 30 Sekunden", "1 Stunde", "2 Stunden und 5 Minuten", "24 Stunden", "5 Tage"},
		"fr": {"1 seconde", "30 secondes", "1 minute", "1 minute et 30 secondes", "1 heure", "2 heures et 5 minutes", "24 heures", "5 jours"},
		"es": {"1 segundo", "30 segundos", "1 minuto", "1 minuto y 30 segundos", "1 hora", "2 horas y 5 minutos", "24 horas", "5 días"},
		"pt": {"1 segundo", "30 segundos", "1 minuto", "1 minuto e 30 segundos", "1 hora", "2 horas e 5 minutos", "24 horas", "5 dias"},
		"ja": {"1秒", "30秒", "1分", "1分30秒", "1時間", "2時間5分", "24時間", "5日"},
		"zh": {"1秒", "30秒", "1分钟", "1分钟30秒", "1小时", "2小时5分钟", "24小时", "5天"},
	} {
		Use(language)
		for i, d := range []time.Duration{time.Second, 30 * time.Second, time.Minute, 90 * time.Second, time.Hour, 2*time.Hour + 4*time.Minute + 45*time.Second, day, 5 * day} {
			if got := Span(d); got != want[i] {
				t.Errorf("%s: %v is said as %q, want %q", language, d, got, want[i])
			}
		}
	}
}

func TestATimeWithinASentenceOfTheEngineIsSaidInTheLanguageOfTheWindow(t *testing.T) {
	t.Cleanup(func() { Use("en") })
	for english, want := range map[string]map[string]string{
		"smtp.example did not answer: no answer within 1m0s": {
			"en": "smtp.example did not answer: no answer within 1 minute",
			"de": "keine Antwort innerhalb von 1 Minute", "ja": "1分 以内に応答がありませんでした"},
		"the running traymail did not answer within 30s: restart it": {
			"en": "the running traymail did not answer within 30 seconds: restart it",
			"fr": "le traymail en cours n’a pas répondu en 30 secondes\u00a0: redémarrez-le",
			"zh": "正在运行的 traymail 在 30秒 内没有应答：重新启动它"},
		"signing in of svc: temporarily_unavailable: wait for 30s; or 1m0s; try again in 1m30s": {
			"en": "signing in of svc: temporarily_unavailable: wait for 30s; or 1m0s; try again in 1 minute and 30 seconds",
			"es": "temporarily_unavailable: wait for 30s; or 1m0s; intente de nuevo en 1 minuto y 30 segundos"},
		"550 5.7.1 wait for 30s":                {"en": "550 5.7.1 wait for 30s", "de": "550 5.7.1 wait for 30s"},
		"traymail check svc --wait 30s":         {"en": "traymail check svc --wait 30s", "de": "traymail check svc --wait 30s"},
		`"30s" is no number, nor is 0s or x30s`: {"en": `"30s" is no number, nor is 0s or x30s`},
		"no answer within 200ms":                {"en": "no answer within 200ms", "de": "keine Antwort innerhalb von 200ms"},
	} {
		for language, want := range want {
			if Use(language); !strings.HasSuffix(Said(english), want) {
				t.Errorf("%s: %q is said as %q, want %q", language, english, Said(english), want)
			}
		}
	}
}
