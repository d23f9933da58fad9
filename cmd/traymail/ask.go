package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"traymail/keystore"
)

// interactive reports whether a person can be asked at the terminal.
func (p *program) interactive() bool {
	f, ok := p.stdin.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// askSecret reads a line without showing it.
func (p *program) askSecret(prompt string) (string, error) {
	f, ok := p.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", errors.New("nobody can be asked: standard input is no terminal")
	}
	fmt.Fprint(p.stderr, prompt)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(p.stderr)
	return string(b), err
}

// askPassphrase asks for what opens the encrypted file of secrets, and twice
// for what will open a new one.
func (p *program) askPassphrase(_ context.Context, create bool) (keystore.Secret, error) {
	v, err := p.askSecret("Passphrase of the encrypted file: ")
	if err != nil {
		return "", fmt.Errorf("%w; set key_file or credential under [keystore] for use without a person", err)
	}
	if create {
		again, err := p.askSecret("The same once more: ")
		if err != nil {
			return "", err
		}
		if again != v {
			return "", errors.New("the two passphrases differ")
		}
	}
	return keystore.Secret(v), nil
}
