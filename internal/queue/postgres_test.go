package queue

import (
	"errors"
	"testing"

	"traymail/internal/postgrestest"
)

func TestCommitsOnPostgreSQLWaitForTheDisk(t *testing.T) {
	dsn := postgrestest.Start(t)
	for set, want := range map[string]string{"off": "on", "local": "on", "on": "on", "remote_write": "remote_write", "remote_apply": "remote_apply"} {
		q := open(t, Options{PostgreSQL: dsn})
		var database, got string
		v := q.engine.view()
		err := v.row(t.Context(), `SELECT current_database()`).Scan(&database)
		if err == nil {
			_, err = v.exec(t.Context(), `ALTER DATABASE "`+database+`" SET synchronous_commit = `+set)
		}
		later := open(t, Options{PostgreSQL: dsn})
		if err := errors.Join(err, later.engine.view().row(t.Context(), `SHOW synchronous_commit`).Scan(&got)); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("where %s is set it is %s", set, got)
		}
	}
}
