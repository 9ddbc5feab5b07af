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
		"SET statement a=1, b=(SELECT 1 FOR UPDATE) FOR INSERT INTO a VALUES (1)": inserts,
		"SET STATEMENT a='FOR x' FOR UPDATE a SET x = 1":                          plain,
		"SET STATEMENT a=1 FOR SET STATEMENT b=2 FOR ALTER TABLE a ADD y int":     ddl,
		"SET STATEMENT a=1 FOR CALL p()":                                          opaque,
		"SET STATEMENT a=1 FOR SET @a = 1":                                        executes,
		"SET STATEMENT a=1 FOR EXECUTE s":                                         executes,
		"SET STATEMENT a=1":                                                       executes,
		"PREPARE s FROM 'x'":                                                      session,
		"EXECUTE s":                                                               executes,
		"CREATE TABLE a (x int)":                                                  ddl,
		"/*!50003 CREATE*/ /*!50017 DEFINER=a*/ /*!50003 TRIGGER a */":            ddl,
		"LOAD DATA INFILE 'a' INTO TABLE a":                                       plain,
		"LOAD INDEX INTO CACHE a":                                                 ddl, // it commits
		"OPTIMIZE TABLE a":                                                        ddl,
		"whatever it is":                                                          ddl,
		"CALL p()":                                                                opaque,
		"BEGIN NOT ATOMIC":                                                        opaque,
		"BEGIN":                                                                   begins,
		"begin work":                                                              begins,
		"START TRANSACTION":                                                       begins,
		"START SLAVE":                                                             ddl,
		"COMMIT":                                                                  commits,
		"ROLLBACK TO a":                                                           rollsBack,
		"LOCK TABLES a WRITE":                                                     locks,
		"UNLOCK TABLES":                                                           locks,
	} {
		if got := classify(sql); got != want {
			t.Errorf("%s: kind %d, want %d", sql, got, want)
		}
	}
}

func TestMaySet(t *testing.T) {
	for sql, want := range map[string]struct{ itself, may bool }{
		"CREATE TABLE a (x int)":              {},
		"DROP TABLE a":                        {},
		"/*!50001 ALTER TABLE a ADD y int */": {},
		"CREATE TABLE a AS SELECT f()":        {may: true},
		"CREATE TEMPORARY TABLE a (x int)":    {may: true},
		"BEGIN":                               {},
		"SELECT 1":                            {},
		"SELECT f()":                          {may: true},
		"SELECT * FROM a_view":                {may: true},
		"TABLE a_view":                        {may: true},
		"INSERT INTO with_trigger VALUES (1)": {may: true},
		"UPDATE with_trigger SET x = 1":       {may: true},
		"SET sql_mode = 'ORACLE'":             {true, true},
		"SET GLOBAL x = 1":                    {true, true},
		"/*!40101 SET NAMES utf8 */":          {true, true},
		"CALL p":                              {true, true},
		"EXECUTE s":                           {true, true},
		"USE other":                           {true, true},
		"BEGIN NOT ATOMIC SET sql_mode = 'ORACLE'; END": {true, true},
		"whatever it is": {true, true},
	} {
		if itself, may := sets(sql), maySet(sql); itself != want.itself || may != want.may {
			t.Errorf("%s: sets %v, may set %v, want %v", sql, itself, may, want)
		}
	}
}

func TestBlind(t *testing.T) {
	for sql, want := range map[string]bool{
		"RENAME TABLE a TO b, c TO a, b TO c":                       true,
		"RENAME TABLE `a` TO b, c TO A, b TO c":                     true,
		"RENAME TABLES IF EXISTS x.a TO b, b TO x.a":                true,
		"SET STATEMENT x=1 FOR RENAME TABLE a TO b, c TO a, b TO c": true,
		"RENAME TABLE a TO b":                                       false,
		"RENAME TABLE a TO b, c TO d":                               false,
		"RENAME TABLE a TO b, c TO a":                               false,
		"ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b":           true,
		"ALTER TABLE a DROP PARTITION p":                            false,
		"CREATE TABLE a (x int COMMENT 'an EXCHANGE PARTITION')":    false,
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
