package relay

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// The states of a file that was dropped, each a suffix after ".eml". The
// message of a state decides about its sidecar: that has claimedSuffix from
// before the message has it until after the message has another one. So a kill
// at any point leaves no doubt whose a sidecar is.
const (
	claimedSuffix  = ".sending"
	sentSuffix     = claimedSuffix + ".sent"    // accepted, about to be removed
	refusingSuffix = claimedSuffix + ".refused" // about to have refusedSuffix alone
)

// claim gives a message and its sidecar the names under which they are handed
// over. It reports false when an earlier message of that name is in the way.
func claim(root *os.Root, message string) (bool, error) {
	sidecar := sidecarOf(message)
	for _, name := range []string{message + claimedSuffix, message + sentSuffix, message + refusingSuffix, sidecar + claimedSuffix} {
		if _, err := root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	if err := ifThere(root.Rename(sidecar, sidecar+claimedSuffix)); err != nil {
		return false, err
	}
	if err := root.Rename(message, message+claimedSuffix); err != nil {
		return false, errors.Join(err, unclaim(root, sidecar))
	}
	return true, nil
}

// unclaim gives a sidecar back to a message that was not claimed, unless it has
// a newer one.
func unclaim(root *os.Root, sidecar string) error {
	_, err := root.Lstat(sidecar)
	switch {
	case err == nil:
		return ifThere(root.Remove(sidecar + claimedSuffix))
	case errors.Is(err, fs.ErrNotExist):
		return ifThere(root.Rename(sidecar+claimedSuffix, sidecar))
	}
	return err
}

// leave moves a claimed message out of its state, and then out of the way.
func leave(root *os.Root, message, state string) error {
	if err := root.Rename(message+claimedSuffix, message+state); err != nil {
		return err
	}
	return finish(root, message, state)
}

// finish does what the state wants.
func finish(root *os.Root, message, state string) error {
	sidecar := sidecarOf(message)
	if state == sentSuffix {
		if err := ifThere(root.Remove(sidecar + claimedSuffix)); err != nil {
			return err
		}
		return root.Remove(message + state)
	}
	if err := ifThere(root.Rename(sidecar+claimedSuffix, sidecar+refusedSuffix)); err != nil {
		return err
	}
	return root.Rename(message+state, message+refusedSuffix)
}

// putAside keeps a refused message beside the reason.
func putAside(root *os.Root, message, reason string) error {
	sidecar, first := sidecarOf(message), ""
	_, err := root.Lstat(sidecar + claimedSuffix)
	switch {
	case err == nil:
		first = fmt.Sprintf(" rename %s to %s, and then", sidecar+refusedSuffix, sidecar)
	case errors.Is(err, fs.ErrNotExist): // one that is left of an earlier message is not this one's
		err = ifThere(root.Remove(sidecar + refusedSuffix))
	}
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s was not sent.\n\n%s\n\nTo try again, correct the cause,%s rename %s to %s.\n", message, reason, first, message+refusedSuffix, message)
	if err := root.WriteFile(message+errorSuffix, []byte(text), 0o600); err != nil {
		return err
	}
	return leave(root, message, refusingSuffix)
}

// tidy ends what a kill, or a file that another program had open, interrupted.
func tidy(root *os.Root, present map[string]bool) error {
	var errs []error
	owned := map[string]bool{}
	for name := range present {
		for _, state := range []string{claimedSuffix, sentSuffix, refusingSuffix} {
			message, ok := strings.CutSuffix(name, state)
			if !ok || !isMessage(message) {
				continue
			}
			owned[sidecarOf(message)] = true
			if state != claimedSuffix {
				errs = append(errs, finish(root, message, state))
			}
		}
	}
	for name := range present {
		sidecar, ok := strings.CutSuffix(name, claimedSuffix)
		if ok && strings.HasSuffix(sidecar, sidecarSuffix) && !owned[sidecar] {
			errs = append(errs, unclaim(root, sidecar))
		}
	}
	return errors.Join(errs...)
}

// ifThere is the error of an operation on a file that may be missing.
func ifThere(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
