package words

import (
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
