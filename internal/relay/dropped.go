package relay

import (
	"bufio"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// submit hands over one claimed file.
func (w *watch) submit(root *os.Root, f *Folder, message string, l *look) error {
	file, err := root.Open(message + claimedSuffix)
	if err != nil {
		return err
	}
	defer file.Close()
	h, _, err := readHeader(bufio.NewReader(&crlfReader{r: &withoutNUL{file}}), nil)
	if err != nil {
		return err
	}
	client, own := f.Client, ""
	client.Name = f.Name
	if a := w.srv.state.Load().account(&client, ""); a != nil {
		own = a.Sender
	}
	m, err := envelopeOf(root, message, h, own)
	if err != nil {
		return err
	}
	o := origin{}
	if h.get("message-id") == "" {
		if o.unique, err = fingerprint(file, message, l.file); err != nil {
			return err
		}
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	m.Size = l.file.size
	_, err = w.srv.submit(w.srv.ctx, client, m, o, &settled{file, l})
	return err
}

// fingerprint is the same for the same file again, so that a message without a
// Message-ID has the same one when it is handed over twice.
func fingerprint(file io.ReadSeeker, message string, s mark) (string, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %d %d\n", message, s.size, s.changed)
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum.Sum(nil)[:16]), nil
}

func envelopeOf(root *os.Root, message string, h header, own string) (m Message, err error) {
	name := sidecarOf(message)
	sidecar, err := root.Open(name + claimedSuffix)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m, err = headerEnvelope(h, own)
	case err == nil:
		defer sidecar.Close()
		if m, err = sidecarEnvelope(io.LimitReader(sidecar, maxSidecarSize)); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	default:
		return m, err
	}
	var broken *fs.PathError // the disk's fault, not the message's
	if err != nil && !errors.As(err, &broken) {
		err = refuse(554, [3]int{5, 6, 0}, "no envelope: %v", err)
	}
	return m, err
}

func sidecarOf(name string) string {
	return strings.TrimSuffix(name, filepath.Ext(name)) + sidecarSuffix
}

// settled is a file whose end counts only if nobody wrote to it meanwhile.
type settled struct {
	*os.File
	l *look
}

func (s *settled) Read(p []byte) (int, error) {
	n, err := s.File.Read(p)
	if err == io.EOF {
		info, serr := s.Stat()
		switch {
		case serr != nil:
			return n, serr
		case markOf(info) != s.l.file:
			return n, errors.New("the file is still being written")
		}
	}
	return n, err
}
