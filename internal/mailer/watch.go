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
// Where the system cannot tell of changes, traymail reload does the same.
func (e *engine) watchFiles(ctx context.Context) {
	w, err := fsnotify.NewWatcher()
	if err == nil {
		defer w.Close()
		err = e.watched(w)
	}
	if err != nil {
		e.log.Warn("changed files are not noticed by themselves here; after a change run: traymail reload", "error", err)
		<-ctx.Done()
		return
	}
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

// watched adds the folders with configuration to w, and makes those that are
// missing, because only what is there can be watched.
func (e *engine) watched(w *fsnotify.Watcher) error {
	home := e.mailer.Home
	accounts, clients := string(e.mailer.Accounts()), string(e.mailer.Clients())
	return errors.Join(os.MkdirAll(accounts, 0o700), os.MkdirAll(clients, 0o700),
		w.Add(filepath.Clean(home)), w.Add(accounts), w.Add(clients))
}
