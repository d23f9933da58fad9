// Package postgrestest gives tests a real PostgreSQL server that is theirs
// alone: Debian's, on a socket in a folder of its own, with nothing synced. Only
// tests import it.
package postgrestest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Start returns the connection string of an empty database, on a server that
// the tests of a program share. It starts with the first call and ends, its
// folder removed, with the program, however that ends. The test fails when
// PostgreSQL is not installed.
func Start(t testing.TB) (dsn string) {
	t.Helper()
	s, err := start()
	if err != nil {
		t.Fatalf("these tests need a PostgreSQL server: run make setup (%v)", err)
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, connection(s.dir, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	names.Lock()
	names.last++
	name := fmt.Sprintf("test%d", names.last)
	names.Unlock()
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return connection(s.dir, name)
}

var names struct {
	sync.Mutex
	last int
}

func connection(dir, database string) string {
	return fmt.Sprintf("host=%s port=5432 user=postgres dbname=%s", dir, database)
}

// script keeps the server until its input ends, as it does when the program
// that holds the other end is gone.
const script = `
dir=$1 bin=$2
cd "$dir" || exit
if "$bin/initdb" -D data -U postgres -A trust -N --no-locale -E UTF8 >log 2>&1 &&
	"$bin/pg_ctl" -D data -w -l server -o "-F -c listen_addresses='' -c unix_socket_directories=$dir" start >>log 2>&1
then
	echo ready
	read -r end
	"$bin/pg_ctl" -D data -m immediate -w stop >>log 2>&1
else
	cat log server
fi
cd / && rm -rf "$dir"
`

// server is the one of this program.
type server struct {
	dir string // of its socket
	// leash is the script's input, held open for as long as the program runs.
	// Nobody waits for the script.
	leash io.Closer
}

var start = sync.OnceValues(func() (s server, err error) {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		return s, errors.New("no /usr/lib/postgresql/*/bin")
	}
	// Not t.TempDir: the path of a socket may have no more than 107 bytes, and
	// the server outlives the test.
	if s.dir, err = os.MkdirTemp("", "traymail-pg"); err != nil {
		return s, err
	}
	cmd := exec.Command("/bin/sh", "-c", script, "postgrestest", s.dir, slices.Max(bins))
	if err := asServer(cmd, s.dir); err != nil {
		return s, err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return s, err
	}
	defer out.Close()
	cmd.Stdout = in
	if s.leash, err = cmd.StdinPipe(); err != nil {
		return s, err
	}
	err = cmd.Start()
	in.Close()
	if err != nil {
		return s, err
	}
	lines := bufio.NewScanner(out)
	var said []string
	for lines.Scan() {
		if lines.Text() == "ready" {
			return s, nil
		}
		said = append(said, lines.Text())
	}
	return s, fmt.Errorf("the server did not start: %s", strings.Join(said, "\n"))
})
