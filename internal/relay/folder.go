package relay

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	messageSuffix  = ".eml"
	sidecarSuffix  = ".envelope"  // in the place of ".eml"
	refusedSuffix  = ".refused"   // after ".eml" and ".envelope"
	errorSuffix    = ".error.txt" // after ".eml"
	defaultSettle  = 2 * time.Second
	defaultPoll    = 10 * time.Second
	maxSidecarSize = 256 << 10
)

// A watch is a drop folder at work. It takes each file named *.eml that has
// not changed for a while, so that a half-written one is left alone. First it
// claims the file by a new name, *.eml.sending: the next one that a program
// puts there under the same name is another message. A claimed file is removed
// once it is accepted, and is tried again, also after a restart, when the
// reason to refuse it may pass. A refused one is renamed to *.eml.refused, and
// *.eml.error.txt says why. The envelope comes from the file's header, or from
// a sidecar (see sidecarEnvelope) that was there before: invoice.envelope for
// invoice.eml. It goes the same way as its message.
type watch struct {
	srv    *Server
	path   string
	cancel context.CancelFunc
	looks  map[string]*look
	// problem is a string, what note kept.
	problem atomic.Value
}

// A look is what was last seen of a file.
type look struct {
	file, sidecar mark
	since         time.Time
	retry         time.Time
	barred        error                // why it cannot be claimed, where only a person ends that
	rest          func(*os.Root) error // what is left to do with a file that was taken or refused
}

// A mark tells a file that has changed; the zero value is one that is missing.
type mark struct {
	size    int64
	changed int64 // in nanoseconds, by the file system's clock
}

func markOf(info fs.FileInfo) mark { return mark{info.Size(), info.ModTime().UnixNano()} }

// reloadFolders starts and ends watches. s.mu is held.
func (s *Server) reloadFolders(folders []Folder) {
	for path, w := range s.folders {
		if s.state.Load().folder(path) == nil {
			w.cancel()
			delete(s.folders, path)
		}
	}
	for _, f := range folders {
		if s.folders[f.Path] != nil {
			continue
		}
		ctx, cancel := context.WithCancel(s.quit)
		w := &watch{srv: s, path: f.Path, cancel: cancel, looks: map[string]*look{}}
		s.folders[f.Path] = w
		s.wg.Go(func() { w.run(ctx) })
	}
}

func (c *Config) folder(path string) *Folder {
	for i := range c.Folders {
		if c.Folders[i].Path == path {
			return &c.Folders[i]
		}
	}
	return nil
}

func (w *watch) run(ctx context.Context) {
	defer w.cancel()
	log := w.srv.in.log.With("folder", w.path)
	var events <-chan fsnotify.Event // none: the folder is looked at from time to time
	var problems <-chan error
	notify, err := fsnotify.NewWatcher()
	if err == nil {
		defer notify.Close()
		if err = notify.Add(w.path); err == nil {
			events, problems = notify.Events, notify.Errors
		}
	}
	if err != nil {
		log.Info("the system does not tell of changes here; the folder is polled", "err", err)
	}
	for {
		f := w.srv.state.Load().folder(w.path)
		if f == nil {
			return
		}
		wait, err := w.scan(ctx, f)
		w.note(err)
		if err != nil {
			log.Error("the drop folder cannot be looked through; it is tried again", "err", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-events:
			// A program that writes many files causes one scan, not one each.
			if sleep(ctx, 20*time.Millisecond) != nil {
				return
			}
			for len(events) > 0 {
				<-events
			}
		case err := <-problems:
			log.Info("a change may have been missed; the folder is looked through", "err", err)
		}
		timer.Stop()
	}
}

// scan takes what is ready and returns when to look again.
func (w *watch) scan(ctx context.Context, f *Folder) (time.Duration, error) {
	wait := f.Poll
	or(&wait, defaultPoll)
	root, err := os.OpenRoot(w.path) // no name in it leads elsewhere
	if err != nil {
		return wait, err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return wait, err
	}
	var claimed, fresh []string
	present := map[string]bool{}
	for _, e := range entries {
		present[e.Name()] = true
		if message, ok := strings.CutSuffix(e.Name(), claimedSuffix); ok && isMessage(message) {
			claimed = append(claimed, message)
		} else if isMessage(e.Name()) {
			fresh = append(fresh, e.Name())
		}
	}
	for name := range w.looks {
		if !present[name] {
			delete(w.looks, name)
		}
	}
	err = tidy(root, present)
	for _, message := range claimed {
		wait = min(wait, w.consider(ctx, root, f, message, message+claimedSuffix))
	}
	for _, message := range fresh {
		wait = min(wait, w.consider(ctx, root, f, message, message))
	}
	return wait, err
}

func isMessage(name string) bool {
	return strings.EqualFold(filepath.Ext(name), messageSuffix) && !strings.HasPrefix(name, ".")
}

// consider takes a message if its file, claimed or not, has settled, and
// returns when to look again.
func (w *watch) consider(ctx context.Context, root *os.Root, f *Folder, message, name string) time.Duration {
	settle, poll := f.Settle, f.Poll
	or(&settle, defaultSettle)
	or(&poll, defaultPoll)
	for ctx.Err() == nil {
		now := w.srv.in.now()
		l := w.lookAt(root, message, name)
		if l == nil {
			return poll
		}
		ready := l.since.Add(settle)
		if l.retry.After(ready) {
			ready = l.retry
		}
		if now.Before(ready) {
			return ready.Sub(now)
		}
		l.retry = now.Add(poll)
		if name != message {
			w.take(root, f, message, l)
			return poll
		}
		if taken, err := claim(root, message); err != nil {
			w.srv.in.log.Info("the file cannot be renamed, and is tried again; another program may still have it open", "folder", f.Name, "file", message, "err", err)
			if l.barred = nil; errors.Is(err, fs.ErrPermission) {
				l.barred = err
			}
			return poll
		} else if !taken {
			return poll
		}
		delete(w.looks, name)
		l.retry, l.barred = time.Time{}, nil
		name = message + claimedSuffix
		w.looks[name] = l // it may be another file than was looked at: once more
	}
	return poll
}

// lookAt returns what is known of a file, or nil if it is no message.
func (w *watch) lookAt(root *os.Root, message, name string) *look {
	info, err := root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 && name == message {
		return nil
	}
	file, sidecar := markOf(info), mark{}
	if info, err := root.Lstat(sidecarOf(message) + strings.TrimPrefix(name, message)); err == nil {
		sidecar = markOf(info)
	}
	l := w.looks[name]
	if l == nil || l.rest == nil && (l.file != file || l.sidecar != sidecar) {
		l = &look{file: file, sidecar: sidecar, since: w.srv.in.now()}
		w.looks[name] = l
	}
	return l
}

// take hands over one claimed file and moves it out of the way.
func (w *watch) take(root *os.Root, f *Folder, message string, l *look) {
	log := w.srv.in.log.With("folder", f.Name, "file", message)
	if l.rest == nil {
		err := w.submit(root, f, message, l)
		var refused *Refusal
		switch {
		case err == nil:
			l.rest = func(root *os.Root) error { return leave(root, message, sentSuffix) }
		case !errors.As(err, &refused) || refused.Temporary():
			log.Warn("the file is tried again later", "err", err)
			return
		default:
			log.Warn("the file was refused", "reason", refused.Text)
			l.rest = func(root *os.Root) error { return putAside(root, message, refused.Text) }
		}
	}
	if err := l.rest(root); err != nil {
		log.Error("the file was taken or refused, but cannot be moved away; a message that was taken is sent again after a restart if its file is still there", "err", err)
		return
	}
	delete(w.looks, message+claimedSuffix)
}
