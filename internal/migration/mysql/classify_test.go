package mysql

import (
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	for sql, want := range map[string]kind{
		"insert into a values (1)":             inserts,
		"INSERT INTO a (x, y) VALUES (1, 2)":   inserts,
		"INSERT INTO a SELECT SLEEP(9)":        plain,
		"UPDATE a SET x = 1":                   plain,
		"(SELECT 1)":                           plain,
		"WITH a AS (SELECT 1) SELECT * FROM a": plain,
		"CREATE TEMPORARY TABLE a (x int)":     plain,
		"/*!40101 SET NAMES utf8 */":           session,
		"SET @a = 1":                           session,
		"SET GLOBAL x = 1":                     ddl,
		"set password = ''":                    ddl,
		"USE a":                                session,
		"PREPARE s FROM 'x'":                   session,
		"EXECUTE s":                            executes,
		"CREATE TABLE a (x int)":               ddl,
		"/*!50003 CREATE*/ /*!50017 DEFINER=a*/ /*!50003 TRIGGER a */": ddl,
		"OPTIMIZE TABLE a":    ddl,
		"whatever it is":      ddl,
		"CALL p()":            opaque,
		"BEGIN NOT ATOMIC":    opaque,
		"BEGIN":               begins,
		"begin work":          begins,
		"START TRANSACTION":   begins,
		"START SLAVE":         ddl,
		"COMMIT":              commits,
		"ROLLBACK TO a":       rollsBack,
		"LOCK TABLES a WRITE": locks,
		"UNLOCK TABLES":       locks,
	} {
		if got := classify(sql); got != want {
			t.Errorf("%s: kind %d, want %d", sql, got, want)
		}
	}
}

func TestBlind(t *testing.T) {
	for sql, want := range map[string]bool{
		"RENAME TABLE a TO b, c TO a, b TO c":                    true,
		"RENAME TABLE `a` TO b, c TO A, b TO c":                  true,
		"RENAME TABLES IF EXISTS x.a TO b, b TO x.a":             true,
		"RENAME TABLE a TO b":                                    false,
		"RENAME TABLE a TO b, c TO d":                            false,
		"RENAME TABLE a TO b, c TO a":                            false,
		"ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b":        true,
		"ALTER TABLE a DROP PARTITION p":                         false,
		"CREATE TABLE a (x int COMMENT 'an EXCHANGE PARTITION')": false,
		"RENAME":   false,
		"/*!1 */ ": false,
	} {
		if got := blind(sql); got != want {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for sql, want := range map[string]string{
		"a;\nBEGIN;\nINSERT":                  "line 2: the transaction that begins here is not committed",
		"BEGIN;\nINSERT;\nCREATE TABLE a":     "",
		"BEGIN;\nSAVEPOINT a;\nROLLBACK TO a": "line 1: the transaction that begins here",
		"BEGIN;\nCOMMIT AND CHAIN":            "line 2: AND CHAIN and RELEASE are not supported",
		"BEGIN; ROLLBACK":                     "",
		"COMMIT":                              "",
		"INSERT 'x":                           "line 1: the quote '",
	} {
		_, err := Parse(sql)
		switch {
		case err == nil && want != "", err != nil && (want == "" || !strings.HasPrefix(err.Error(), want)):
			t.Errorf("%q: %v, want %q", sql, err, want)
		}
	}
}
