package main

// checkOwner has nothing to check: on Windows a new file takes its permissions
// from the folder.
func checkOwner(string) error { return nil }
