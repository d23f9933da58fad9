//go:build !darwin || cgo

package handover

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/look"
	"traymail/ui/words"
)

const startService = "traymail service start"

// installService is what makes a service for the home folder, "" while that is not
// known. On Windows it is the machine's; elsewhere the person's own, because the
// sign-in is in the keychain of that person's login, which the machine's does not open.
func installService(system, home string) string {
	install := []string{"traymail"}
	if home != "" {
		install = append(install, "--home", `"`+home+`"`)
	}
	install = append(install, "service", "install")
	if system != "windows" {
		install = append(install, "--user")
	}
	return strings.Join(install, " ") + "\n" + startService
}

// aboutService says what that service does, and how it is gone about.
func aboutService(system string) string {
	if system == "windows" {
		return words.Say("handover.service_machine")
	}
	return words.Say("handover.service_own")
}

// A runsPanel says how traymail keeps running.
type runsPanel struct {
	start   *look.Check
	wrong   *widget.Label
	note    *look.Note
	differs *widget.Label
	command *look.Entry
	copy    *look.Button
}

func (s *Step) runsView() fyne.CanvasObject {
	r := &runsPanel{wrong: look.Caption(widget.WarningImportance), note: look.NewNote(), differs: look.Text(aboutService(s.o.System))}
	s.runs = r
	r.start = s.kit.Check(words.Say("handover.start"), s.p.start)
	r.command = s.kit.Code(installService(s.o.System, s.p.status.Home))
	r.copy = s.kit.CopyButton(words.Say("handover.copy_command"), func() string { return r.command.Text })
	return look.Rows(4, look.Strong(words.Say("handover.runs_title")), r.start, r.wrong,
		look.Rows(-6, look.Small(words.Say("handover.service")), r.note.Container), r.differs, look.Indented(r.command), look.Indented(look.Flow(r.copy)))
}

// renderRuns draws the panel.
func (s *Step) renderRuns(is State) {
	r := s.runs
	look.Show(r.start, is.Start.Offered)
	r.start.Set(is.Start.On)
	look.Enable(r.start, is.Start.Known && !is.Start.Busy)
	look.SetText(r.wrong, reason(is.Start.Err))
	r.note.Tell(serviceState(is.Service))
	look.SetEntry(r.command, installService(s.o.System, s.p.status.Home))
	missing := !is.Service.Outside && (is.Service.State == "" || is.Service.State == "not installed")
	for _, o := range []fyne.CanvasObject{r.differs, r.command, r.copy} {
		look.Show(o, missing)
	}
}

// serviceState says how it stands with the service.
func serviceState(is Service) look.Headline {
	switch {
	case is.Outside && is.State == "running":
		return look.Headline{Level: look.OK, What: words.Say("handover.service_running"), Then: words.Say("handover.service_running_then")}
	case is.Outside:
		return look.Headline{Level: look.OK, What: words.Say("handover.service_outside"), Then: words.Say("handover.service_outside_then")}
	case is.State == "stopped" || is.State == "failed":
		return look.Headline{Level: look.Attention, What: words.Say("handover.service_" + is.State), Then: words.Say("handover.service_start")}
	case is.State == "running":
		return look.Headline{Level: look.Attention, What: words.Say("handover.service_other"), Then: words.Say("handover.service_other_then")}
	case is.Err != nil:
		return look.Headline{Level: look.Pending, What: words.Say("handover.service_unknown"), Then: reason(is.Err)}
	}
	return look.Headline{Level: look.Pending, What: words.Say("handover.service_not_installed"), Then: words.Say("handover.service_window")}
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return words.Sentence(err.Error())
}

// key is an ID as keys have it.
func key(id string) string { return strings.ReplaceAll(id, "-", "_") }
