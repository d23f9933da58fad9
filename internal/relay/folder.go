package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	messageSuffix  = ".eml"
	sidecarSuffix  = ".envelope"  // in the place of ".eml"
	refusedSuffix  = ".refused"   // after ".eml"
	errorSuffix    = ".error.txt" // after ".eml"
	defaultSettle  = 2 * time.Second
	defaultPoll    = 10 * time.Second
	maxSidecarSize = 256 << 10
)

// A watch is a drop folder at work. It takes each file named *.eml that has
// not changed for a while, so that a half-written one is left alone, removes
// it once it is accepted, and leaves it in place when the reason to refuse it
// may pass. A refused file is renamed to *.eml.refused, and *.eml.error.txt
// says why. The envelope comes from the file's header, or from a sidecar (see
// sidecarEnvelope) that was there before: invoice.envelope for invoice.eml.
type watch struct {
	srv    *Server
	path   string
	cancel context.CancelFunc
	looks  map[string]*look
}

// A look is what was last seen of a file.
type look struct {
	size    int64
	changed time.Time // by the file system's clock
	since   time.Time // by ours
	retry   time.Time
	done    bool // was taken or refused, and could not be moved away
}

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
		if err != nil {
			log.Error("the drop folder cannot be read; it is tried again", "err", err)
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
	settle, wait := f.Settle, f.Poll
	or(&settle, defaultSettle)
	or(&wait, defaultPoll)
	retry := wait
	root, err := os.OpenRoot(w.path) // no name in it leads elsewhere
	if err != nil {
		return wait, err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return wait, err
	}
	present := map[string]bool{}
	for _, e := range entries {
		name := e.Name()
		if !strings.EqualFold(filepath.Ext(name), messageSuffix) || strings.HasPrefix(name, ".") {
			continue
		}
		info, err := root.Lstat(name)
		if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
			continue
		}
		present[name] = true
		now := w.srv.in.now()
		l := w.looks[name]
		if l == nil || l.size != info.Size() || !l.changed.Equal(info.ModTime()) {
			l = &look{size: info.Size(), changed: info.ModTime(), since: now}
			w.looks[name] = l
		}
		ready := l.since.Add(settle)
		if l.retry.After(ready) {
			ready = l.retry
		}
		switch {
		case l.done:
		case now.Before(ready):
			wait = min(wait, ready.Sub(now))
		case ctx.Err() != nil:
			return wait, nil
		default:
			w.take(root, f, name, l)
			l.retry = now.Add(retry)
		}
	}
	for name := range w.looks {
		if !present[name] {
			delete(w.looks, name)
		}
	}
	return wait, nil
}

// take hands over one file and moves it out of the way.
func (w *watch) take(root *os.Root, f *Folder, name string, l *look) {
	log := w.srv.in.log.With("folder", f.Name, "file", name)
	err := w.submit(root, f, name, l)
	if err == nil {
		if err = root.Remove(name); err == nil {
			err = removeIfThere(root, sidecarOf(name))
		}
		if err != nil {
			l.done = true
			log.Error("the message was taken, but its file cannot be removed; remove it before the next start, or it is sent again", "err", err)
		}
		return
	}
	var refused *Refusal
	if !errors.As(err, &refused) || refused.Temporary() {
		log.Warn("the file is tried again later", "err", err)
		return
	}
	text := fmt.Sprintf("%s was not sent.\n\n%s\n\nTo try again, correct the cause and rename %s to %s.\n", name, refused.Text, name+refusedSuffix, name)
	if err := errors.Join(root.WriteFile(name+errorSuffix, []byte(text), 0o600), root.Rename(name, name+refusedSuffix)); err != nil {
		l.done = true
		log.Error("the refused file cannot be put aside", "err", err)
	}
	log.Warn("the file was refused", "reason", refused.Text)
}

func (w *watch) submit(root *os.Root, f *Folder, name string, l *look) error {
	file, err := root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	m, err := envelopeOf(root, name, file)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	m.Size = l.size
	client := f.Client
	client.Name = f.Name
	_, err = w.srv.Submit(w.srv.ctx, client, m, &settled{file, l})
	return err
}

func envelopeOf(root *os.Root, name string, file io.Reader) (m Message, err error) {
	sidecar, err := root.Open(sidecarOf(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m, err = headerEnvelope(file)
	case err == nil:
		defer sidecar.Close()
		if m, err = sidecarEnvelope(io.LimitReader(sidecar, maxSidecarSize)); err != nil {
			err = fmt.Errorf("%s: %w", sidecarOf(name), err)
		}
	default:
		return m, err
	}
	var broken *fs.PathError // the disk's fault, not the message's
	if err != nil && !errors.As(err, &broken) {
		err = refuse(554, [3]int{5, 6, 0}, "no envelope: %v", err)
	}
	return m, err
}

func sidecarOf(name string) string {
	return strings.TrimSuffix(name, filepath.Ext(name)) + sidecarSuffix
}

func removeIfThere(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// settled is a file whose end counts only if nobody wrote to it meanwhile.
type settled struct {
	*os.File
	l *look
}

func (s *settled) Read(p []byte) (int, error) {
	n, err := s.File.Read(p)
	if err == io.EOF {
		info, serr := s.Stat()
		switch {
		case serr != nil:
			return n, serr
		case info.Size() != s.l.size || !info.ModTime().Equal(s.l.changed):
			return n, errors.New("the file is still being written")
		}
	}
	return n, err
}
