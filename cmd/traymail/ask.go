package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/term"

	"traymail/keystore"
)

// A reader reads until its context ends. The system's read of a terminal or a
// pipe cannot be interrupted: it is left behind, and ends with the process.
type reader struct {
	ctx context.Context
	in  io.Reader
}

func (r *reader) Read(b []byte) (int, error) {
	type outcome struct {
		data []byte
		err  error
	}
	read := make(chan outcome, 1)
	go func() {
		data := make([]byte, len(b)) // b is the caller's again, once he has been told
		n, err := r.in.Read(data)
		read <- outcome{data[:n], err}
	}()
	select {
	case o := <-read:
		return copy(b, o.data), o.err
	case <-r.ctx.Done():
		return 0, context.Cause(r.ctx)
	}
}

// interactive reports whether a person can be asked at the terminal.
func (p *program) interactive() bool {
	return p.terminal != nil && term.IsTerminal(int(p.terminal.Fd()))
}

// askSecret reads a line without showing it, until ctx ends.
func (p *program) askSecret(ctx context.Context, prompt string) (keystore.Secret, error) {
	if !p.interactive() {
		return "", errors.New("nobody can be asked: standard input is no terminal")
	}
	fd := int(p.terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(p.stderr, prompt)
	defer fmt.Fprintln(p.stderr)
	type outcome struct {
		line []byte
		err  error
	}
	read := make(chan outcome, 1)
	go func() {
		line, err := term.ReadPassword(fd)
		read <- outcome{line, err}
	}()
	select {
	case o := <-read:
		return keystore.Secret(o.line), o.err
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), term.Restore(fd, before))
	}
}

// askPassphrase asks for what opens the encrypted file of secrets, and twice
// for what will open a new one.
func (p *program) askPassphrase(ctx context.Context, create bool) (keystore.Secret, error) {
	v, err := p.askSecret(ctx, "Passphrase of the encrypted file: ")
	if err != nil {
		return "", fmt.Errorf("%w; set key_file or credential under [keystore] for use without a person", err)
	}
	if create {
		again, err := p.askSecret(ctx, "The same once more: ")
		if err != nil {
			return "", err
		}
		if again != v {
			return "", errors.New("the two passphrases differ")
		}
	}
	return v, nil
}
