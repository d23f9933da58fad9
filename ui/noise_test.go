package ui

import (
	"errors"
	"io"
	"log"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
)

func TestTheToolkitSaysNothingOfADesktopWithoutATrayOrNotificationsAndTheRestIsRead(t *testing.T) {
	var read strings.Builder
	was, flags := log.Writer(), log.Flags()
	t.Cleanup(func() { log.SetOutput(was); log.SetFlags(flags) })
	log.SetOutput(&read)
	restore := hushed()
	for _, f := range []int{0, log.LstdFlags} {
		log.SetFlags(f)
		log.Printf("systray error: failed to register: %v\n", errors.New("The name org.kde.StatusNotifierWatcher was not provided"))
		fyne.LogError("Failed to send message to bus", errors.New("The name org.freedesktop.Notifications was not provided"))
		fyne.LogError("Unable to connect to session D-Bus", errors.New("no such file"))
		if read.Len() > 0 {
			t.Fatalf("it says %q", read.String())
		}
	}
	fyne.LogError("Unable to create icon file", errors.New("no space left on device"))
	log.Println("another line")
	for _, want := range []string{"Unable to create icon file", "Cause: no space left on device", "At: ", "another line"} {
		if !strings.Contains(read.String(), want) {
			t.Errorf("%q is not read in %q", want, read.String())
		}
	}
	if restore(); log.Writer() != io.Writer(&read) {
		t.Errorf("when the window has ended, the log goes to %T", log.Writer())
	}
	restore = hushed()
	log.SetOutput(was)
	if restore(); log.Writer() != was {
		t.Errorf("the log that was given another writer meanwhile goes to %T", log.Writer())
	}
}
