package mysql

import (
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	for sql, want := range map[string]kind{
		"insert into a values (1)":                       inserts,
		"INSERT INTO a (x, y) VALUES (1, 2)":             inserts,
		"INSERT INTO a SELECT SLEEP(9)":                  plain,
		"UPDATE a SET x = 1":                             plain,
		"(SELECT 1)":                                     plain,
		"WITH a AS (SELECT 1) SELECT * FROM a":           plain,
		"CREATE TEMPORARY TABLE a (x int)":               plain,
		"/*!40101 SET NAMES utf8 */":                     session,
		"SET @a = 1":                                     session,
		"SET GLOBAL x = 1":                               ddl,
		"set password = ''":                              ddl,
		"USE a":                                          session,
		"SET statement a=1 FOR INSERT INTO a VALUES (1)": executes,
		"SET STATEMENT a=1 FOR CALL p()":                 opaque,
		"PREPARE s FROM 'x'":                             session,
		"EXECUTE s":                                      executes,
		"CREATE TABLE a (x int)":                         ddl,
		"/*!50003 CREATE*/ /*!50017 DEFINER=a*/ /*!50003 TRIGGER a */": ddl,
		"LOAD DATA INFILE 'a' INTO TABLE a":                            plain,
		"LOAD INDEX INTO CACHE a":                                      ddl, // it commits
		"OPTIMIZE TABLE a":                                             ddl,
		"whatever it is":                                               ddl,
		"CALL p()":                                                     opaque,
		"BEGIN NOT ATOMIC":                                             opaque,
		"BEGIN":                                                        begins,
		"begin work":                                                   begins,
		"START TRANSACTION":                                            begins,
		"START SLAVE":                                                  ddl,
		"COMMIT":                                                       commits,
		"ROLLBACK":                                                     rollsBack,
		"ROLLBACK WORK TO SAVEPOINT a":                                 rollsBackTo,
		"DROP PREPARE s":                                               session,
		"LOCK TABLES a WRITE":                                          locks,
		"UNLOCK TABLES":                                                locks,
	} {
		if got := classify(sql); got != want {
			t.Errorf("%s: kind %d, want %d", sql, got, want)
		}
	}
}

func TestMaySet(t *testing.T) {
	for sql, want := range map[string]bool{
		"CREATE TABLE a (x int)":                        false,
		"DROP TABLE a":                                  false,
		"/*!50001 ALTER TABLE a ADD y int */":           false,
		"BEGIN":                                         false,
		"CREATE TABLE a AS SELECT f()":                  true,
		"CREATE TEMPORARY TABLE a (x int)":              true,
		"SELECT f()":                                    true,
		"SELECT * FROM a_view":                          true,
		"INSERT INTO with_trigger VALUES (1)":           true,
		"UPDATE with_trigger SET x = 1":                 true,
		"SET sql_mode = 'ORACLE'":                       true,
		"SET GLOBAL x = 1":                              true,
		"/*!40101 SET NAMES utf8 */":                    true,
		"CALL p":                                        true,
		"EXECUTE s":                                     true,
		"USE other":                                     true,
		"BEGIN NOT ATOMIC SET sql_mode = 'ORACLE'; END": true,
		"whatever it is":                                true,
	} {
		if got := maySet(sql); got != want {
			t.Errorf("%s: %v", sql, got)
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
