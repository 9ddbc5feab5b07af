//go:build integration

package waitdb

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/tasks"
)

// The log shows once which server answers, if that costs no query.
func TestVersion(t *testing.T) {
	p, m := servers.Postgres(t), servers.MySQL(t)
	version, _, _ := strings.Cut(strings.TrimSpace(p.SQL(t, "postgres", "SHOW server_version")), " ")
	for u, want := range map[string]string{
		p.URL("postgres"): `msg="logged in" target="postgres://` + p.Addr() + `/postgres as admin" server="PostgreSQL ` + version + `"`,
		m.URL("mysql"):    "",
	} {
		log := new(testlog.Buffer)
		env := tasks.NewEnv(slog.New(slog.NewTextHandler(log, nil)), io.Discard, false)
		if err := runIn(t, env, log, patience, u, func(task *Task) { task.Successes = 3 }); err != nil {
			t.Fatal(err)
		}
		ready := strings.Index(log.String(), "msg=ready target=")
		if strings.Count(log.String(), "logged in") != strings.Count(want, "logged in") || !strings.Contains(log.String()[:max(ready, 0)], want) || version == "" {
			t.Errorf("want %s and then that it is ready:\n%s", want, log)
		}
	}
}
