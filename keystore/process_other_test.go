//go:build !unix

package keystore

// limitFileSize does nothing: there is no such limit on this system.
func limitFileSize() error { return nil }
