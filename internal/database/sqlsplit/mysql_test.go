package sqlsplit

import (
	"slices"
	"testing"
)

func TestMySQL(t *testing.T) {
	run(t, MySQL, []testCase{
		{name: "backslashes", text: `a '\'; ' "\"; " '\\'; b`, want: []string{`1:a '\'; ' "\"; " '\\'`, "1:b"}},
		{name: "backquotes", text: "a `;``\\`; b", want: []string{"1:a `;``\\`", "1:b"}},
		{name: "hash", text: "a # ; it's\n; b", want: []string{"1:a", "2:b"}},
		{name: "dashes need a blank", text: "select 1--1; b --\n;", want: []string{"1:select 1--1", "1:b"}},
		{name: "executable", text: "/*!40101 SET NAMES utf8 */; a", want: []string{"1:/*!40101 SET NAMES utf8 */", "1:a"}},
		{name: "executable with semicolon", text: "/*!50003 a; b '*/' -- c\n */ d; e", want: []string{"1:/*!50003 a; b '*/' -- c\n */ d", "2:e"}},
		{name: "executable of MariaDB", text: "/*M!100100 a */; b", want: []string{"1:/*M!100100 a */", "1:b"}},
		{name: "open executable", text: "a;\n/*!50003 b;", err: "the comment /*! that begins here has no */", line: 2},
		{name: "open quote in executable", text: "a;\n/*! b\n'*/", err: "the quote '", line: 3},
		{name: "hint", text: "select /*+ x; */ 1; b", want: []string{"1:select /*+ x; */ 1", "1:b"}},
		{name: "null", text: `insert (\N); b`, want: []string{`1:insert (\N)`, "1:b"}},
		{name: "vertical", text: "a;\nselect 1\\G", err: `\G is a command of the mysql client`, line: 2},
		{name: "transaction", text: "begin; a; commit; begin work; b; rollback", want: []string{"1:begin", "1:a", "1:commit", "1:begin work", "1:b", "1:rollback"}},
	})
}

func TestMySQLDelimiter(t *testing.T) {
	run(t, MySQL, []testCase{
		{name: "dollars", text: "a;\nDELIMITER $$\ncreate procedure p() begin a; b; end$$\nc $$\ndelimiter ;\nd;", want: []string{"1:a", "3:create procedure p() begin a; b; end", "4:c", "6:d"}},
		{name: "slashes", text: "delimiter //\na; b // c //\r\ndelimiter ;\r\nd;", want: []string{"2:a; b", "2:c", "4:d"}},
		{name: "two semicolons", text: "DELIMITER ;;\n/*!50003 CREATE TRIGGER a; b */;;\nDELIMITER ;\nc", want: []string{"2:/*!50003 CREATE TRIGGER a; b */", "4:c"}},
		{name: "in quotes and comments", text: "DELIMITER $$\na '$$' -- $$\n/* $$ */ b$$ c", want: []string{"2:a '$$' -- $$\n/* $$ */ b", "3:c"}},
		{name: "not at the beginning", text: "select delimiter\n; b", want: []string{"1:select delimiter", "2:b"}},
		{name: "no end", text: "DELIMITER $$\na; b", want: []string{"2:a; b"}},
		{name: "nothing", text: "a;\nDELIMITER\nb", err: "DELIMITER must be followed", line: 2},
		{name: "backslash", text: "a;\nDELIMITER \\\\\nb", err: "DELIMITER must be followed", line: 2},
	})
}

// TestMySQLPrograms has each program alone, and with a statement behind it.
func TestMySQLPrograms(t *testing.T) {
	for name, program := range map[string]string{
		"block":               "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END",
		"nested block":        "create procedure p() begin a; begin b; end; begin end; c; end",
		"if":                  "CREATE DEFINER=`r`@`%` PROCEDURE p() BEGIN IF a THEN b; ELSEIF c THEN d; ELSE e; END IF; f; END",
		"if in if":            "CREATE PROCEDURE p() IF a THEN IF b THEN c; END IF; d; ELSEIF e THEN f; END IF",
		"bare if":             "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW IF NEW.a > 1 THEN SET NEW.a = 1; END IF",
		"function if":         "CREATE PROCEDURE p() BEGIN SET a = IF(b, c, d); SELECT IF (a, b, c); END",
		"function if in case": "CREATE PROCEDURE p() BEGIN SELECT CASE WHEN IF(a, b, c) THEN d END; e; END",
		"case then if()":      "CREATE FUNCTION f() RETURNS int RETURN CASE WHEN a THEN IF(b, 1, 2) WHEN c THEN 3 END",
		"if case":             "CREATE PROCEDURE p() IF CASE WHEN a THEN b END THEN c; END IF",
		"case statement":      "CREATE PROCEDURE p() BEGIN CASE a WHEN 1 THEN IF b THEN c; END IF; ELSE BEGIN END; END CASE; d; END",
		"bare case":           "CREATE PROCEDURE p() CASE a WHEN 1 THEN b; ELSE c; END CASE",
		"loops":               "CREATE PROCEDURE p() BEGIN l: LOOP a; LEAVE l; END LOOP l; WHILE b DO c; END WHILE; REPEAT d; UNTIL e END REPEAT; END",
		"bare while":          "CREATE PROCEDURE p() WHILE a DO b; END WHILE",
		"bare loop":           "CREATE PROCEDURE p() l: LOOP b; LEAVE l; END LOOP",
		"bare repeat":         "CREATE PROCEDURE p() REPEAT a; UNTIL b END REPEAT",
		"function repeat":     "CREATE FUNCTION f() RETURNS int RETURN REPEAT('a', 3)",
		"for":                 "CREATE PROCEDURE p() BEGIN FOR i IN 1..3 DO a; END FOR; b; END",
		"cursor and handler":  "CREATE PROCEDURE p() BEGIN DECLARE c CURSOR FOR SELECT a FROM t FOR UPDATE; DECLARE EXIT HANDLER FOR NOT FOUND BEGIN b; END; c; END",
		"event":               "CREATE EVENT e ON SCHEDULE EVERY 1 HOUR DO BEGIN a; b; END",
		"alter event":         "ALTER EVENT e DO BEGIN a; b; END",
		"label":               "CREATE PROCEDURE p() l: BEGIN a; LEAVE l; END l",
		"columns":             "CREATE PROCEDURE p() BEGIN SELECT begin, end FROM t WHERE t.end > begin AND end = 1; SET NEW.end = 2; END",
		"atomic":              "CREATE OR REPLACE AGGREGATE FUNCTION f() RETURNS int BEGIN a; END",
		"current user":        "CREATE DEFINER=CURRENT_USER() SQL SECURITY INVOKER PROCEDURE p() BEGIN a; END",
		"mysqldump":           "/*!50003 CREATE*/ /*!50017 DEFINER=`r`@`l`*/ /*!50003 TRIGGER r BEFORE INSERT ON t FOR EACH ROW BEGIN a; b; END */",
		"compound":            "BEGIN NOT ATOMIC a; IF b THEN c; END IF; END",
		"bare compound":       "IF a THEN b; END IF",
		"no body":             "CREATE PROCEDURE p() SELECT CASE WHEN a THEN b END",
		"drop":                "DROP PROCEDURE IF EXISTS p",
		"create if not":       "CREATE PROCEDURE IF NOT EXISTS p() SELECT 1",
		"table":               "CREATE TABLE trigger_t (begin int, end int, `case` int)",
		"comments":            "CREATE PROCEDURE p() /* BEGIN */ BEGIN -- END;\n a; # BEGIN\n b; END",
	} {
		run(t, MySQL, []testCase{
			{name: name, text: program + ";", want: []string{"1:" + program}},
			{name: name + " and more", text: "a;" + program + "; CREATE TABLE b (c int); d", want: append(
				[]string{"1:a", "1:" + program}, lines(program, "CREATE TABLE b (c int)", "d")...)},
		})
	}
	run(t, MySQL, []testCase{
		{name: "open", text: "a;\nCREATE PROCEDURE p() BEGIN a;\nb;", err: "has no END: write DELIMITER", line: 2},
	})
}

func TestTokens(t *testing.T) {
	for _, c := range []struct{ got, want []string }{
		{MySQLTokens("/*!40101 SET */ a = 'x' # y", 9), []string{"SET", "a", "=", "'x'"}},
		{MySQLTokens("ALTER TABLE `a` ADD (b int)", 5), []string{"ALTER", "TABLE", "`a`", "ADD", "("}},
		{SQLiteTokens("/* x */ PRAGMA [a] = 1", 9), []string{"PRAGMA", "[a]", "=", "1"}},
		{PostgresTokens("WITH x AS (a (b)) SELECT $$c$$, E'\\''", 9), []string{"WITH", "x", "AS", "SELECT", "$$c$$", ",", "E'\\''"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
