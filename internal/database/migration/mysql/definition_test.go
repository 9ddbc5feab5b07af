package mysql

import (
	"fmt"
	"testing"
)

func TestObjects(t *testing.T) {
	for sql, want := range map[string]string{
		"CREATE TABLE A (id bigint PRIMARY KEY, name varchar(40) DEFAULT 'b')":                            "[{TABLE A}]",
		"create table if not exists other.`T``x`(x int)":                                                  "[{TABLE other . `T``x`}]",
		"ALTER ONLINE TABLE a ADD INDEX (x)":                                                              "[{TABLE a}]",
		"/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t BEFORE INSERT*/":                 "[{TRIGGER t}]",
		"CREATE OR REPLACE ALGORITHM=MERGE DEFINER=a@b SQL SECURITY DEFINER VIEW v AS SELECT * FROM a, b": "[{TABLE v}]",
		"CREATE UNIQUE INDEX IF NOT EXISTS i USING BTREE ON other.a (x)":                                  "[{TABLE other . a}]",
		"DROP INDEX i ON a":                           "[{TABLE a}]",
		"DROP TABLE IF EXISTS a, b.c, \"D\" RESTRICT": "[{TABLE a} {TABLE b . c} {TABLE \"D\"}]",
		"RENAME TABLE a WAIT 5 TO b, c TO `d e`":      "[{TABLE a} {TABLE b} {TABLE c} {TABLE `d e`}]",
		"DROP PROCEDURE IF EXISTS a.p":                "[{PROCEDURE a . p}]",
		"CREATE PACKAGE BODY p AS":                    "[{PACKAGE BODY p}]",
		"CREATE SCHEMA s":                             "[{SCHEMA s}]",
		"TRUNCATE TABLE a":                            "[{TABLE a}]",
		"TRUNCATE a":                                  "[]",
		"CREATE USER a":                               "[]",
		"GRANT SELECT ON TABLE a TO b":                "[]",
		"INSERT INTO a VALUES ('DROP TABLE a')":       "[]",
		"DROP TABLE":                                  "[]",
	} {
		if got := fmt.Sprint(objects(sql)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", sql, got, want)
		}
	}
}
