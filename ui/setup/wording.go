package setup

import (
	"traymail/ui/words"
)

func takenNote(name string) Note {
	return Note{Text: words.Say("setup.name_taken", words.Data{"Name": name}), Fix: words.Say("setup.name_taken_fix")}
}
