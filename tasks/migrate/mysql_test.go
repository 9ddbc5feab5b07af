//go:build integration

package migrate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/tasks"
)

func TestMySQLUpAndAgain(t *testing.T) {
	s := newMySite(t, "1_every.up.sql", everyKind, "1_every.down.sql", "DROP TABLE counted; DROP VIEW v; DROP TABLE b; DROP EVENT e; DROP FUNCTION f;",
		"2_next.up.sql", "INSERT INTO counted VALUES ('next', 1)", "2_next.down.sql", "DELETE FROM counted WHERE what = 'next'")
	s.run(func(t *Task) { t.To = "1" }).did(t, 1)
	s.clean("1")
	s.checkEveryKind()
	s.run().did(t, 1)
	s.run().did(t, 0)
	s.clean("2")
	s.wantSQL("SELECT kind, version, name, LENGTH(sha256), applied_at > UTC_TIMESTAMP() - INTERVAL 1 MINUTE, duration_ms < 60000, pod <> '' FROM schema_migrations_history ORDER BY version",
		"applied 1 1_every.up.sql 64 1 1 1,applied 2 2_next.up.sql 64 1 1 1")
	s.run(func(t *Task) { t.DownTo, t.AllowDown = "0", true }).did(t, 2)
	s.wantSQL("SHOW TABLES", "schema_migrations,schema_migrations_history,schema_migrations_progress")
	s.wantSQL("SELECT COUNT(*) FROM schema_migrations", "0")
	s.run().did(t, 2)
	s.clean("2")
}

func TestMySQLFailureResumes(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nINSERT INTO a VALUES (1);\n\nINSERT INTO a\n  VALEUS ('s3cret', 2);\nINSERT INTO a VALUES (3);")
	r := s.run()
	r.wants(t, tasks.Failed, "1_a.up.sql, line 5 (statement 3)", "error 1064, SQLSTATE 42000")
	if strings.Contains(r.err.Error()+r.log, "s3cret") || strings.Contains(r.err.Error(), "INSERT") {
		t.Errorf("the error has the statement in it: %v", r.err)
	}
	s.wantSQL("SELECT version, dirty FROM schema_migrations", "1 1")
	s.wantSQL("SELECT x FROM a", "1")
	s.write("1_a.up.sql", "CREATE TABLE a (x int);\nINSERT INTO a VALUES (7);\nINSERT INTO a VALUES (3);")
	s.run().wants(t, tasks.Final, "statement 2 was changed after it had been run")
	s.write("1_a.up.sql", "CREATE TABLE a (x int);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\nINSERT INTO a VALUES (3);")
	s.run().did(t, 1)
	s.wantSQL("SELECT x FROM a ORDER BY x", "1,2,3")
	s.clean("1")
}

// A statement of DDL that the server refuses is not taken for done when somebody
// has mended by hand what was in its way.
func TestMySQLRefusedAndMended(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE b (x int);\nCREATE TABLE a (x int);")
	s.sql("CREATE TABLE a (old int)")
	s.run().wants(t, tasks.Failed, "line 2 (statement 2)", "already exists", "error 1050")
	s.sql("DROP TABLE a")
	s.run().did(t, 1)
	s.wantSQL("SELECT COUNT(*) FROM a", "0")
}

// What a file sets in its session ends with the file, and is set again when a
// later run goes on in its middle.
func TestMySQLSession(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x varchar(90));\nSET @a = 'kept';\nUSE mysql;\nSET sql_mode = 'ANSI_QUOTES';\nSET autocommit = 0;\nnonsense;",
		"2_b.up.sql", "INSERT INTO a VALUES (CONCAT(@@autocommit, DATABASE() = '', @@sql_mode <> 'ANSI_QUOTES'))")
	s.run().wants(t, tasks.Failed, "line 6 (statement 6)")
	s.write("1_a.up.sql", "CREATE TABLE a (x varchar(90));\nSET @a = 'kept';\nUSE mysql;\nSET sql_mode = 'ANSI_QUOTES';\nSET autocommit = 0;\n"+
		"INSERT INTO "+s.db+".a VALUES (CONCAT(@a, DATABASE(), @@sql_mode, @@autocommit))")
	s.run().did(t, 2)
	s.wantSQL("SELECT x FROM a", "keptmysqlANSI_QUOTESOFF,ON01")
}

func TestMySQLSeeds(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int)")
	seeds := newMySite(t, "a.sql", "INSERT INTO a VALUES (1);\nnonsense;\n")
	seeded := func(t *Task) { t.Seeds = seeds.dir }
	s.run(seeded).wants(t, tasks.Failed, "a.sql, line 2 (statement 2)")
	s.wantSQL("SELECT version, dirty FROM schema_migrations", "1 0")
	seeds.write("a.sql", "INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\n")
	s.run(seeded).did(t, 1)
	s.run(seeded).did(t, 0)
	seeds.write("a.sql", "INSERT INTO a VALUES (3);\n")
	s.run(seeded).did(t, 1)
	s.wantSQL("SELECT x FROM a ORDER BY x", "1,2,3")
	s.clean("1")
}

func TestMySQLChecksFiles(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nINSERT INTO a VALUES ('x);\n")
	s.run().wants(t, tasks.Usage, "1_a.up.sql: line 2: the quote ' that begins here is not closed")
	s.write("1_a.up.sql", "CREATE TABLE a (x int);\nBEGIN;\nINSERT INTO a VALUES (1);\n")
	s.run().wants(t, tasks.Usage, "1_a.up.sql: line 2: the transaction that begins here is not committed")
	s.wantSQL("SHOW TABLES", "")
}

func TestMySQLTurnsWithGolangMigrate(t *testing.T) {
	s := newMySite(t)
	s.counting(1, 10)
	s.cli("up", "2")
	s.run(func(t *Task) { t.To = "4" }).did(t, 3)
	s.cli("up", "2")
	s.run(func(t *Task) { t.To = "8" }).did(t, 3)
	s.cli("down", "3")
	s.run().did(t, 5)
	s.cli("up")
	s.clean("10")
	s.wantSQL("SELECT COUNT(*), COUNT(DISTINCT version) FROM ran", "10 10")
	s.run(func(t *Task) { t.DownTo, t.AllowDown = "0", true }).did(t, 10)
	s.cli("up")
	s.run().did(t, 1)
}

// A migration of 20 MB, in many statements and in one.
func TestMySQLLargeFile(t *testing.T) {
	rows := scale(40_000, 40_000, 4_000)
	s := newMySite(t)
	var many, one strings.Builder
	many.WriteString("CREATE TABLE t (x int, y text);\n")
	one.WriteString("INSERT INTO t VALUES\n")
	value := strings.Repeat("x", 300)
	for i := range rows {
		fmt.Fprintf(&many, "INSERT INTO t VALUES (%d, '%s%[2]s');\n", i, value)
		fmt.Fprintf(&one, "(%d, '%s'),\n", i, value) // half of it: the server takes 16 MB
	}
	one.WriteString("(0, '')")
	s.write("1_many.up.sql", many.String(), "2_one.up.sql", one.String())
	began := time.Now()
	s.run().did(t, 2)
	t.Logf("it took %v", time.Since(began))
	s.wantSQL("SELECT COUNT(*) FROM t", fmt.Sprint(2*rows+1))
}
