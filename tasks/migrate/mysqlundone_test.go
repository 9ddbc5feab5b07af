//go:build integration

package migrate

import (
	"strings"
	"testing"

	"github.com/initbox/initbox/tasks"
)

// INSERTs that share a transaction are not recorded as done if the server undoes all
// of it with the last one. Here it only says so, by its number.
func TestMySQLLockTableFull(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nCREATE TRIGGER full BEFORE INSERT ON a FOR EACH ROW IF NEW.x = 3 THEN SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1206; END IF;")
	s.run().did(t, 1)
	s.write("2_b.up.sql", "INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\nINSERT INTO a VALUES (3);")
	s.run().wants(t, tasks.Failed, "2_b.up.sql, line 3 (statement 3)", "error 1206")
	s.wantSQL("SELECT COUNT(*) FROM a", "0")
	s.wantSQL("SELECT statement FROM schema_migrations_progress", "0")
	s.sql("DROP TRIGGER full")
	s.run().did(t, 1)
	s.clean("2")
	s.wantSQL("SELECT x FROM a", "1,2,3")
}

// A transaction whose snapshot is out of date is made again.
func TestMySQLRecordChanged(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int PRIMARY KEY, y int);\nINSERT INTO a VALUES (1, 2);\nCREATE TABLE b (x int)")
	s.run().did(t, 1)
	s.write("2_b.up.sql", "SET innodb_snapshot_isolation = ON;\nBEGIN;\nINSERT INTO b VALUES (1);\nSELECT SLEEP(y) FROM a;\nUPDATE a SET y = y + 1;\nCOMMIT")
	ended := s.background(bounded(t, patience))
	eventually(t, "the statement runs", func() bool { return s.running("SLEEP(y)") == "1" })
	s.sql("UPDATE a SET y = 0") // for the next time
	r := <-ended
	r.did(t, 1)
	if !strings.Contains(r.log, "trying again") || !strings.Contains(r.log, "error 1020") {
		t.Errorf("no word of the changed record:\n%s", r.log)
	}
	s.clean("2")
	s.wantSQL("SELECT y FROM a", "1")
	s.wantSQL("SELECT COUNT(*) FROM b", "1")
}
