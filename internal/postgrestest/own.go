package postgrestest

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A Server is a PostgreSQL server that a test may stop, start and replace. It ends
// with the test, and with the program however that ends.
type Server struct {
	Dir string // of its socket
	bin string
}

// leash stops a server when its input ends.
const leash = `
dir=$1 bin=$2
read -r end
"$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1
rm -rf "$dir"
`

// Own starts a server for a test alone, with an empty database named queue.
func Own(t testing.TB) *Server {
	t.Helper()
	s := newServer(t)
	s.run(t, "initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-N", "--no-locale", "-E", "UTF8")
	s.Start(t)
	conn, err := pgx.Connect(t.Context(), connection(s.Dir, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE queue"); err != nil {
		t.Fatal(err)
	}
	return s
}

func newServer(t testing.TB) *Server {
	t.Helper()
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		t.Fatal("these tests need a PostgreSQL server: run make setup")
	}
	dir, err := os.MkdirTemp("", "traymail-pg")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: dir, bin: slices.Max(bins)}
	cmd := exec.Command("/bin/sh", "-c", leash, "postgrestest", dir, s.bin)
	var in io.WriteCloser
	if err = asServer(cmd, dir); err == nil {
		cmd.Dir = dir
		if in, err = cmd.StdinPipe(); err == nil {
			err = cmd.Start()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	return s
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// Connection is its connection string.
func (s *Server) Connection() string { return connection(s.Dir, "queue") }

// run runs one of PostgreSQL's programs as the server's user.
func (s *Server) run(t testing.TB, program string, args ...string) {
	t.Helper()
	// A file, because a server that is started keeps what it is given open.
	out, err := os.OpenFile(filepath.Join(s.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, out, out
	if err := asServer(cmd, s.Dir); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		t.Fatalf("%s: %v\n%s", program, err, said)
	}
}

// Start starts it, again after Stop, and returns when it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.run(t, "pg_ctl", "-D", s.data(), "-w", "-l", filepath.Join(s.Dir, "server"),
		"-o", fmt.Sprintf("-F -c listen_addresses='' -c unix_socket_directories=%s", s.Dir), "start")
}

// Stop ends it without asking anybody, as a crash does.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.run(t, "pg_ctl", "-D", s.data(), "-m", "immediate", "-w", "stop")
}

// Standby starts a server that follows s. From then on s waits with each commit
// until the standby has it too.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	b := newServer(t)
	b.run(t, "pg_basebackup", "-D", b.data(), "-h", s.Dir, "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "--no-sync")
	b.Start(t)
	conn, err := pgx.Connect(t.Context(), connection(s.Dir, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for following := false; !following; {
		err := conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync')`).Scan(&following)
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// Promote makes a standby take over.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	s.run(t, "pg_ctl", "-D", s.data(), "-w", "promote")
}
