//go:build integration

package migrate

import (
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/tasks"
)

// A later run that goes on in the middle of a file sets again what is needed there. It
// stops where that would be another value than the earlier run had.
func TestMySQLCarriesOn(t *testing.T) {
	const trigger = "CREATE TRIGGER t BEFORE INSERT ON b FOR EACH ROW SET NEW.x = COALESCE(@who, NEW.x);\n"
	const guarded = "SET @s = (SELECT IF((SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'a' AND COLUMN_NAME = 'z') > 0, 'DO 1', 'ALTER TABLE a ADD z int'));\nPREPARE s FROM @s;\nEXECUTE s;\n"
	for name, c := range map[string]struct {
		first, last string // done by the earlier run, and left to the later one
		want        string // rows of b, if that can go on
		refused     []string
	}{
		"id":              {first: "INSERT INTO a (y) VALUES (7);\nSET @id = LAST_INSERT_ID();\n", last: "INSERT INTO b VALUES (@id)", refused: []string{"2_b.up.sql, line 3 (statement 3): it needs @id, which statement 2 (line 2)", "cannot be had again", "write SET @id = ... into the file before line 3", "--resolve-dirty"}},
		"id written":      {first: "INSERT INTO a (y) VALUES (7);\nSET @id = LAST_INSERT_ID();\n", last: "SET @id = 5;\nINSERT INTO b VALUES (@id)", want: "5"},
		"id not needed":   {first: "INSERT INTO a (y) VALUES (7);\nSET @id = LAST_INSERT_ID();\n", last: "INSERT INTO b VALUES (1)", want: "1"},
		"call":            {first: "SET @id = UUID();\n", last: "CALL p()", refused: []string{"line 2 (statement 2): it needs @id"}},
		"direct":          {first: "INSERT INTO a (y) VALUES (7);\n", last: "INSERT INTO b VALUES (LAST_INSERT_ID())", refused: []string{"line 2 (statement 2): it needs last_insert_id(), which statement 1 (line 1)"}},
		"another id":      {first: "INSERT INTO a (y) VALUES (7);\n", last: "INSERT INTO a (y) VALUES (8);\nINSERT INTO b VALUES (LAST_INSERT_ID())", want: "2"},
		"select into":     {first: "SELECT COUNT(*) INTO @n FROM a;\nSET @m = @n + 1;\n", last: "INSERT INTO b VALUES (@m)", refused: []string{"line 3 (statement 3): it needs @n, which statement 1 (line 1)"}},
		"execute":         {first: "SET @n = RAND();\nSET @s = CONCAT('INSERT INTO b VALUES (', @n, ')');\nPREPARE s FROM @s;\n", last: "EXECUTE s", refused: []string{"line 4 (statement 4): it needs @n"}},
		"executed text":   {first: "PREPARE s FROM 'INSERT INTO b VALUES (@n)';\nSET @n = RAND();\n", last: "EXECUTE s", refused: []string{"line 3 (statement 3): it needs @n"}},
		"executed into":   {first: "PREPARE s FROM 'SELECT 7 INTO @n';\nEXECUTE s;\n", last: "INSERT INTO b VALUES (@n)", refused: []string{"line 3 (statement 3): it needs @n, which statement 2 (line 2)"}},
		"setting":         {first: "SET timestamp = UNIX_TIMESTAMP() - 7;\n", last: "INSERT INTO b VALUES (1)", refused: []string{"what statement 1 (line 1) sets", "cannot be had again"}},
		"literals":        {first: "SET @a = 2;\nSET @b = CONCAT('1', @a);\nPREPARE s FROM 'INSERT INTO b VALUES (@b)';\n", last: "EXECUTE s", want: "12"},
		"dump":            {first: "SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='ANSI_QUOTES';\nCREATE TABLE \"c\" (x int);\n", last: "INSERT INTO \"b\" VALUES (1);\nSET SQL_MODE=@OLD_SQL_MODE;\nINSERT INTO b SELECT 2 WHERE @@sql_mode LIKE '%STRICT%'", want: "1,2"},
		"read by trigger": {first: trigger + "SET @who = 3;\n", last: "INSERT INTO b VALUES (1)", want: "3"},
		"given again":     {first: trigger + "SET @who = 3;\nSELECT MAX(y) INTO @who FROM a;\n", last: "INSERT INTO b VALUES (1)", want: "1"},
		"program":         {first: "INSERT INTO a (y) VALUES (7);\nSET @n = LAST_INSERT_ID();\n", last: "CREATE PROCEDURE q() SELECT LAST_INSERT_ID(), @n;\nINSERT INTO b VALUES (1)", want: "1"},
		"version":         {first: "SET @v = VERSION();\n", last: "INSERT INTO b SELECT 1 WHERE @v = VERSION()", want: "1"},
		"other setting":   {first: "SET @old = @@sql_big_selects, sql_big_selects = 1;\n", last: "SET sql_big_selects = @old;\nINSERT INTO b VALUES (1)", want: "1"},
		"guarded":         {first: guarded + guarded, last: guarded + "INSERT INTO b VALUES (1)", want: "1"},
		"guarded, at end": {first: guarded, last: "DEALLOCATE PREPARE s;\nINSERT INTO b VALUES (1)", want: "1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int AUTO_INCREMENT PRIMARY KEY, y int);\nCREATE TABLE b (x int);\nCREATE PROCEDURE p() INSERT INTO b VALUES (@id)")
			s.run().did(t, 1)
			s.write("2_b.up.sql", c.first+"nonsense;\n"+c.last)
			s.run().wants(t, tasks.Failed, "error 1064")
			s.write("2_b.up.sql", c.first+c.last)
			r := s.run()
			if len(c.refused) > 0 {
				r.wants(t, tasks.Final, c.refused...)
			} else {
				r.did(t, 1)
				s.clean("2")
			}
			s.wantSQL("SELECT x FROM b ORDER BY x", c.want)
		})
	}
}

// A try that a lock has ended is made again in the same session, which has all its
// values yet.
func TestMySQLKeepsValues(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int AUTO_INCREMENT PRIMARY KEY);\nCREATE TABLE b (x int);\nINSERT INTO b VALUES (0)")
	s.run().did(t, 1)
	s.write("2_b.up.sql", "INSERT INTO a VALUES (7);\nINSERT INTO a VALUES (NULL);\nSET @n = LAST_INSERT_ID(), @m = 3;\nINSERT INTO a VALUES (NULL);\nSET sql_mode = 'ANSI_QUOTES';\nSET timestamp = UNIX_TIMESTAMP() - 7;\nPREPARE s FROM 'UPDATE \"b\" SET x = x + @n + @m';\nEXECUTE s")
	s.runPast("SELECT * FROM b FOR UPDATE").did(t, 1)
	s.clean("2")
	s.wantSQL("SELECT x FROM b", "11")
}

// What the statement that a lock has ended has counted on is not what it began with.
func TestMySQLKeepsNoSpoiltValue(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int PRIMARY KEY, y int);\nINSERT INTO a VALUES (1, 0), (2, 0)")
	s.run().did(t, 1)
	s.write("2_b.up.sql", "SELECT MAX(y) INTO @n FROM a;\nUPDATE a SET y = (@n := @n + 1) ORDER BY x")
	release := s.hold("SELECT * FROM a WHERE x = 2 FOR UPDATE")
	r := s.runWith(bounded(t, patience), new(testlog.Buffer), false, func(t *Task) { t.StatementLockTimeout = time.Second })
	release()
	r.wants(t, tasks.Final, "2_b.up.sql, line 2 (statement 2): it needs @n, which statement 1 (line 1)", "or statement 1 once more")
	s.wantSQL("SELECT y FROM a ORDER BY x", "0,0")
}

// So does one that a lock has ended in a transaction of the file, unless what is
// undone there has spoilt a value that is read there.
func TestMySQLKeepsValuesOfTransaction(t *testing.T) {
	for name, c := range map[string]struct{ first, want string }{
		"kept":   {"SET @n = LAST_INSERT_ID();\nBEGIN;\nINSERT INTO a VALUES (NULL, @n)", ""},
		"spoilt": {"BEGIN;\nINSERT INTO a VALUES (NULL, LAST_INSERT_ID())", "it needs last_insert_id(), which statement 1 (line 1)"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int AUTO_INCREMENT PRIMARY KEY, y int);\nCREATE TABLE b (x int);\nINSERT INTO b VALUES (0)")
			s.run().did(t, 1)
			s.write("2_b.up.sql", "INSERT INTO a VALUES (NULL, 1);\n"+c.first+";\nUPDATE b SET x = x + 1;\nCOMMIT")
			r := s.runPast("SELECT * FROM b FOR UPDATE")
			if c.want != "" {
				r.wants(t, tasks.Final, c.want)
				return
			}
			r.did(t, 1)
			s.clean("2")
			s.wantSQL("SELECT y FROM a ORDER BY x", "1,1")
			s.wantSQL("SELECT x FROM b", "1")
		})
	}
}

// What a file sets for its own statements is not in the way of what records them.
func TestMySQLOracleMode(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "SET sql_mode = 'ORACLE';\nCREATE TABLE \"a\" (x int);\nINSERT INTO a VALUES (1);\nSTART TRANSACTION;\nINSERT INTO a VALUES (2);\nCOMMIT;\nnonsense")
	s.run().wants(t, tasks.Failed, "line 7 (statement 7)")
	s.write("1_a.up.sql", "SET sql_mode = 'ORACLE';\nCREATE TABLE \"a\" (x int);\nINSERT INTO a VALUES (1);\nSTART TRANSACTION;\nINSERT INTO a VALUES (2);\nCOMMIT;\nINSERT INTO \"a\" VALUES (3)")
	s.run().did(t, 1)
	s.clean("1")
	s.wantSQL("SELECT x FROM a ORDER BY x", "1,2,3")
}

// A seed whose values are gone begins anew once it has changed.
func TestMySQLSeedBeginsAnew(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int AUTO_INCREMENT PRIMARY KEY);\nCREATE TABLE b (x int)")
	seeds := newMySite(t, "a.sql", "INSERT INTO a VALUES (NULL);\nnonsense")
	seeded := func(t *Task) { t.Seeds = seeds.dir }
	s.run(seeded).wants(t, tasks.Failed, "a.sql, line 2 (statement 2)")
	seeds.write("a.sql", "INSERT INTO a VALUES (NULL);\nINSERT INTO b VALUES (LAST_INSERT_ID())")
	s.run(seeded).wants(t, tasks.Final, "a.sql, line 2 (statement 2): it needs last_insert_id()", "then it begins anew")
	seeds.write("a.sql", "INSERT /* anew */ INTO a VALUES (NULL);\nINSERT INTO b VALUES (LAST_INSERT_ID())")
	s.run(seeded).did(t, 1)
	s.wantSQL("SELECT x FROM b", "2")
}
