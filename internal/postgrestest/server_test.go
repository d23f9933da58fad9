package postgrestest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"traymail/internal/postgrestest"
)

// childEnv is set when this test binary runs as a program that is killed.
const childEnv = "TRAYMAIL_POSTGRESTEST_CHILD"

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	for range 2 {
		conn, err := pgx.Connect(t.Context(), postgrestest.Start(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(t.Context(), `CREATE TABLE mine (n INT)`); err != nil {
			t.Error(err)
		}
	}
}

func TestServerEndsWithAProgramThatIsKilled(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		fmt.Println("dsn", postgrestest.Start(t))
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		if dsn, ok := strings.CutPrefix(lines.Text(), "dsn host="); ok {
			dir, _, _ = strings.Cut(dsn, " ")
		}
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	for limit := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%s is left", dir)
		}
	}
}
