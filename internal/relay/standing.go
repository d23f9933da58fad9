package relay

import (
	"errors"
	"io/fs"
)

// A FolderState is how a drop folder stands.
type FolderState struct {
	Name    string
	Path    string
	Problem string // why files that are dropped there are not taken, "" if they are
}

// Folders returns the folders that are watched, in the order of the
// configuration.
func (s *Server) Folders() []FolderState {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []FolderState
	for _, f := range s.state.Load().Folders {
		if w := s.folders[f.Path]; w != nil {
			problem, _ := w.problem.Load().(string)
			list = append(list, FolderState{f.Name, f.Path, problem})
		}
	}
	return list
}

// note keeps what stands in the way of the folder's files after a scan that
// ended with err.
func (w *watch) note(err error) {
	for _, l := range w.looks {
		if err == nil {
			err = l.barred
		}
	}
	w.problem.Store(explained(err))
}

// explained is why a folder's files are not taken, with what to do where that is
// known.
func explained(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return "the folder is not there; create it, or change its path"
	case errors.Is(err, fs.ErrPermission):
		return "the user who runs traymail may not read the folder and rename files in it; give it that right"
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err // the path is beside it
	}
	return err.Error()
}
