package mailer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleTime is how long the files must be left alone before they are read: an
// editor writes more than once.
const settleTime = 300 * time.Millisecond

// watchFiles reloads the configuration when its files change, until ctx ends.
// It closes w, which may be nil.
func (e *engine) watchFiles(ctx context.Context, w *fsnotify.Watcher) {
	if w == nil {
		return
	}
	defer w.Close()
	due := time.NewTimer(0)
	if !due.Stop() {
		<-due.C
	}
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case ev := <-w.Events:
			if strings.HasSuffix(ev.Name, ".toml") {
				due.Reset(settleTime)
			}
		case err := <-w.Errors:
			e.log.Warn("a change of the configuration may have been missed", "error", err)
			due.Reset(settleTime)
		case <-due.C:
			_ = e.mailer.Reload(ctx) // its outcome is in the log and in Status
		}
	}
}

// watchedFiles watches the folders with configuration, and makes those that are
// missing, because only what is there can be watched. It returns nil where the
// system cannot tell of changes; traymail reload does the same.
func (e *engine) watchedFiles() *fsnotify.Watcher {
	home, accounts, clients := filepath.Clean(e.mailer.Home), string(e.mailer.Accounts()), string(e.mailer.ClientFiles())
	w, err := fsnotify.NewWatcher()
	if err == nil {
		err = errors.Join(os.MkdirAll(accounts, 0o700), os.MkdirAll(clients, 0o700), w.Add(home), w.Add(accounts), w.Add(clients))
		if err != nil {
			w.Close()
		}
	}
	if err != nil {
		e.log.Warn("changed files are not noticed by themselves here; after a change run: traymail reload", "error", err)
		return nil
	}
	return w
}
