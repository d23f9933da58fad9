// Package probe finds out whether this machine can draw the window, before the
// toolkit tries: where there is no OpenGL the toolkit goes on without a window,
// and never ends.
package probe

import (
	"errors"
	"fmt"
)

// ErrNoOpenGL is matched by errors of machines that have a display, and no
// OpenGL 2.1 to draw with: Windows servers over Remote Desktop, virtual
// machines without a graphics driver, X servers without GLX.
var ErrNoOpenGL = errors.New("there is no OpenGL here")

// noOpenGL says what is missing, and what to do about it: first the way that
// always works.
func noOpenGL(system string, cause error) error {
	return fmt.Errorf("%w, which the window is drawn with (%v): traymail setup does the same steps in a terminal; for the window %s",
		ErrNoOpenGL, cause, software(system))
}

// software is how the window is drawn without a graphics driver.
func software(system string) string {
	switch system {
	case "windows":
		return "put Mesa's opengl32.dll, with the files that come with it, beside traymail.exe"
	case "darwin":
		return "log in at the screen of this Mac"
	}
	return "start traymail with LIBGL_ALWAYS_SOFTWARE=1, with Mesa installed (Debian: libgl1-mesa-dri), on a display that has GLX"
}
