package sqlite

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testdialect"
)

var kit = testdialect.Kit{Dialect}

func TestSQLite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "app.db")
	target, _ := kit.Target(t, database.Options{URL: "sqlite://" + path})
	_, err := target.First(t.Context(), "")
	testdialect.Want(t, err, fault.Failed, "there is no file "+path+" yet")
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("a wait has made %v", entries)
	}
	writer, err := target.Client.(*Client).Open("rwc", url.Values{"_pragma": {"journal_mode(wal)"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Exec("CREATE TABLE t (a)"); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	before, _ := os.ReadDir(dir)
	if _, err := target.First(t.Context(), "SELECT a FROM t"); err != nil {
		t.Error(err)
	}
	if after, _ := os.ReadDir(dir); len(after) < len(before) {
		t.Errorf("a wait has removed files: %v, then %v", before, after)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = target.First(t.Context(), "SELECT 1 FROM sqlite_master")
	testdialect.Want(t, err, fault.Final, "file is not a database")

	nowhere, _ := kit.Target(t, database.Options{URL: "sqlite://" + dir + "/nosuch/app.db"})
	db, err := nowhere.Client.(*Client).Open("rwc", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var conn *sql.Conn
	if conn, err = db.Conn(t.Context()); err == nil {
		err = conn.PingContext(t.Context())
		conn.Close()
	}
	testdialect.Want(t, nowhere.Explain(t.Context(), err), fault.Failed, "unable to open database file")
}
