package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// cluster is a PostgreSQL server of Debian's, on a socket of its own, for as
// long as the tests run.
var cluster pgCluster

type pgCluster struct {
	once sync.Once
	dir  string
	bin  string
	err  error
	n    int
	mu   sync.Mutex
}

// newDatabase returns the connection string of an empty database.
func newDatabase(t *testing.T) string {
	t.Helper()
	cluster.once.Do(func() { cluster.err = cluster.start() })
	if cluster.err != nil {
		t.Fatalf("these tests need a PostgreSQL server: run make setup (%v)", cluster.err)
	}
	cluster.mu.Lock()
	cluster.n++
	name := fmt.Sprintf("queue%d", cluster.n)
	cluster.mu.Unlock()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, cluster.dsn("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return cluster.dsn(name)
}

func (c *pgCluster) dsn(database string) string {
	return fmt.Sprintf("host=%s port=5432 user=postgres dbname=%s", c.dir, database)
}

func (c *pgCluster) start() error {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		return errors.New("no /usr/lib/postgresql/*/bin")
	}
	c.bin = slices.Max(bins)
	if c.dir, err = os.MkdirTemp("", "traymail-pg"); err != nil {
		return err
	}
	if err := giveToServer(c.dir); err != nil {
		return err
	}
	data := filepath.Join(c.dir, "data")
	if err := c.run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--no-locale", "-E", "UTF8"); err != nil {
		return err
	}
	// Programs are killed here, never the server: it need not sync.
	return c.run("pg_ctl", "-D", data, "-w", "-l", filepath.Join(c.dir, "log"),
		"-o", "-F -c listen_addresses='' -c unix_socket_directories="+c.dir, "start")
}

func (c *pgCluster) stop() error {
	if c.dir == "" {
		return nil
	}
	return errors.Join(c.run("pg_ctl", "-D", filepath.Join(c.dir, "data"), "-m", "immediate", "-w", "stop"), os.RemoveAll(c.dir))
}

func (c *pgCluster) run(name string, args ...string) error {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	asServer(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}
