package mysql

import (
	"fmt"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for sql, want := range map[string]string{
		"CREATE TABLE A (id bigint PRIMARY KEY, name varchar(40) DEFAULT 'b')": "[A id name] of [create table a id bigint primary key name varchar 40 default]",
		"alter table `key` add `T``x` int, add int1 int":                       "[key T`x int1] of [alter table key add t`x int int1]",
		"ALTER TABLE other.a ADD x int":                                        "[] of [alter table other a add x int]",
		"DROP TABLE a, A, a":                                                   "[a A] of [drop table a]",
	} {
		f := new(finger)
		f.names(sql)
		if got := fmt.Sprintf("%v of %v", f.exact, f.in); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", sql, got, want)
		}
	}
	f := new(finger)
	f.names("DROP TABLE " + strings.Repeat("a, ", 2*maxLookups) + "b")
	if len(f.exact) != 2 {
		t.Errorf("%v", f.exact)
	}
	var many []string
	for i := range 2 * maxLookups {
		many = append(many, fmt.Sprintf("a%d", i))
	}
	f.names("DROP TABLE " + strings.Join(many, ", "))
	if len(f.exact) <= maxLookups {
		t.Errorf("%v", f.exact)
	}
}
