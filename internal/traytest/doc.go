// Package traytest gives tests a real place for tray icons: a panel that is a
// StatusNotifier watcher and host on a session bus of the test's own, sees what
// a program puts there, and clicks on it as a person does. It works on Linux;
// only tests import it.
package traytest
