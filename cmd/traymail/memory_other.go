//go:build !linux && !windows

package main

// dropFilePages does nothing where the system has no way to be told.
func dropFilePages() {}
