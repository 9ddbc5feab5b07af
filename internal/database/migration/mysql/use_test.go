package mysql

import (
	"fmt"
	"testing"
)

func TestUse(t *testing.T) {
	const again, sets = " again", " sets"
	for sql, want := range map[string]string{
		"SET @a = 1, @`B c` := 'x', @\"d\".e = -1.5":                    "[] [@A @B C @D]" + again,
		"SET @OLD_MODE = @@SQL_MODE, sql_mode = ''":                     "[] [@OLD_MODE]" + sets + again,
		"/*!40101 SET character_set_client = @OLD */":                   "[@OLD] []" + sets + again,
		"SET NAMES utf8mb4":                                             "[] []" + sets + again,
		"SET @@session.sql_mode = REPLACE(@@session.sql_mode, 'x', '')": "[] []" + sets + again,
		"SET sql_mode = (SELECT REPLACE(@@sql_mode, 'x', ''))":          "[] []" + sets + again,
		"SET sql_mode = @@GLOBAL.sql_mode":                              "[] []" + sets + again,
		"SET @a = @@GLOBAL.sql_mode":                                    "[] [@A]",
		"SET @a = @@event_scheduler":                                    "[] [@A]",
		"SET timestamp = UNIX_TIMESTAMP()":                              "[] []" + sets,
		"SET @id = LAST_INSERT_ID()":                                    "[LAST_INSERT_ID()] [@ID]",
		"SET @id = @@identity":                                          "[LAST_INSERT_ID()] [@ID]",
		"SET @a = NOW()":                                                "[] [@A]",
		"SET @a = CURRENT_TIMESTAMP":                                    "[] [@A]",
		"SET @a = CONCAT(@b, IF(@c > 1, 'x', 'y'))":                     "[@B @C] [@A]" + again,
		"SET @a = f(1), @b = 2":                                         "[] [@A @B]",
		"SET @a = NEXT VALUE FOR s":                                     "[] [@A]",
		"SET @a = (SELECT COUNT(*) FROM t)":                             "[] [@A]",
		"SET @a = (SELECT IF((SELECT COUNT(*) FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('a')) > 0, 'x', 'y'))": "[] [@A]" + again,
		"SET @a = (SELECT AUTO_INCREMENT FROM information_schema.TABLES)":                                                                               "[] [@A]",
		"SELECT COUNT(*), 1 INTO @a, @b FROM `information_schema`.`COLUMNS`":                                                                            "[] [@A @B]" + again,
		"SELECT MAX(x) INTO @a FROM t WHERE y = @b":                                                                                                     "[@B] [@A]",
		"SELECT @a := @a + 1":                         "[@A] [@A]" + again,
		"INSERT INTO a VALUES (1)":                    "[] [LAST_INSERT_ID()]",
		"INSERT INTO a VALUES (LAST_INSERT_ID(), @a)": "[LAST_INSERT_ID() @A] [LAST_INSERT_ID()]",
		"UPDATE a SET x = LAST_INSERT_ID(x + 1)":      "[] [LAST_INSERT_ID()]",
		"UPDATE a SET x = 1":                          "[] []",
		"PREPARE s FROM @s":                           "[@S] [PREPARE S]" + again,
		"PREPARE `s` FROM 'SELECT 1 INTO @x'":         "[] [PREPARE S]" + again + " text [] [@X]",
		"SET @s = 'INSERT INTO a VALUES (@x)'":        "[] [@S]" + again + " text [@X] [LAST_INSERT_ID()]",
		"SET @s = CONCAT(@s, ' @x, ')":                "[@S] [@S]" + again + " text [@X] []",
		"CREATE DEFINER=`a`@`b` PROCEDURE p() BEGIN SELECT LAST_INSERT_ID(), @x; END": "[] []",
		"CREATE TABLE t SELECT @x": "[@X] []",
		"EXECUTE s USING @a":       "[PREPARE S @A] [LAST_INSERT_ID()]",
		"DEALLOCATE PREPARE s":     "[PREPARE S] []" + again,
		"CALL p(@a)":               "[@A] [@A LAST_INSERT_ID()]",
		"USE other":                "[] []" + sets + again,
		"SET STATEMENT a=1 FOR INSERT INTO a VALUES (@x)": "[@X] [LAST_INSERT_ID()]",
		"SET @": "[] []" + again,
	} {
		c := useOf(sql)
		got := fmt.Sprintf("%v %v", c.reads, c.writes)
		if c.sets {
			got += sets
		}
		if c.repeats {
			got += again
		}
		for _, q := range c.quoted {
			if len(q.reads)+len(q.writes) > 0 {
				got += fmt.Sprintf(" text %v %v", q.reads, q.writes)
			}
		}
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", sql, got, want)
		}
	}
}
