//go:build !linux

package queue

import "os/exec"

func giveToServer(string) error { return nil }
func asServer(*exec.Cmd)        {}
