package probe

import (
	"errors"
	"strings"
	"testing"
)

func TestWithoutOpenGLThereIsAWayToGoOnEverySystem(t *testing.T) {
	for system, way := range map[string]string{
		"windows": "opengl32.dll",
		"linux":   "LIBGL_ALWAYS_SOFTWARE=1",
		"darwin":  "screen of this Mac",
	} {
		err := noOpenGL(system, errors.New("GLX extension not found"))
		if !errors.Is(err, ErrNoOpenGL) {
			t.Errorf("%s: %v is not ErrNoOpenGL", system, err)
		}
		for _, want := range []string{"there is no OpenGL here", "GLX extension not found", "traymail setup", way} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is missing in: %v", system, want, err)
			}
		}
	}
}
