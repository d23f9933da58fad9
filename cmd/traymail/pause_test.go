package main

import (
	"testing"
	"time"
)

func TestATimeToComeIsReadAsPeopleWriteIt(t *testing.T) {
	zone := time.FixedZone("here", 3600)
	now := time.Date(2026, 11, 21, 17, 30, 0, 0, zone)
	for text, want := range map[string]time.Time{
		"18:00":                     time.Date(2026, 11, 21, 18, 0, 0, 0, zone),
		"17:30":                     time.Date(2026, 11, 22, 17, 30, 0, 0, zone),
		"7:05":                      time.Date(2026, 11, 22, 7, 5, 0, 0, zone),
		"2026-11-30":                time.Date(2026, 11, 30, 0, 0, 0, 0, zone),
		"2026-11-30 07:00":          time.Date(2026, 11, 30, 7, 0, 0, 0, zone),
		"2026-11-30T07:00:30":       time.Date(2026, 11, 30, 7, 0, 30, 0, zone),
		"2026-11-30T07:00:00Z":      time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC),
		"2026-11-21T17:30:01+01:00": now.Add(time.Second),
	} {
		if got, err := timeToCome(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"soon", "25:00", "2026-11-21", "2026-11-21 17:30", "15m"} {
		if got, err := timeToCome(text, now); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
}
