//go:build cgo && !headless

package probe

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/go-gl/glfw/v3.3/glfw"
)

// Window makes an invisible window as the toolkit does, and takes it away
// again. It must be called on the main goroutine, before the toolkit is used,
// which finds what it needs loaded then and is hardly later for it. The error
// says what is missing: a display, or OpenGL, then matching ErrNoOpenGL.
func Window() (err error) {
	defer func() {
		// So the library tells of a missing display.
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the window cannot be opened (%v): use the commands, traymail --help lists them", cause)
		}
	}()
	if err := glfw.Init(); err != nil {
		return noOpenGL(runtime.GOOS, err)
	}
	w, err := create()
	if err == nil && w == nil {
		err = errors.New("no window could be made") // the library has told why in the log
	}
	if err != nil {
		glfw.Terminate()
		return noOpenGL(runtime.GOOS, err)
	}
	w.Destroy()
	glfw.DefaultWindowHints()
	if m := glfw.GetPrimaryMonitor(); m != nil {
		_, _, width, height = m.GetWorkarea()
	}
	return nil
}

// width and height are those of the screen without its panels, once Window has
// looked.
var width, height int

// Screen returns how much room the screen has for a window and its frame, in
// pixels; 0 where that is not known. Window must have been called before.
func Screen() (w, h int) { return width, height }

// create asks for what the toolkit asks for.
func create() (*glfw.Window, error) {
	glfw.WindowHint(glfw.Visible, glfw.False)
	if arm := runtime.GOARCH == "arm" || runtime.GOARCH == "arm64"; arm && runtime.GOOS != "darwin" {
		glfw.WindowHint(glfw.ClientAPI, glfw.OpenGLESAPI)
		glfw.WindowHint(glfw.ContextVersionMajor, 2)
		glfw.WindowHint(glfw.ContextVersionMinor, 0)
	} else {
		glfw.WindowHint(glfw.ContextVersionMajor, 2)
		glfw.WindowHint(glfw.ContextVersionMinor, 1)
	}
	return glfw.CreateWindow(16, 16, "traymail", nil, nil)
}
