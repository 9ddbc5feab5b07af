//go:build integration

package migrate

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A migration of 20 MB, in many statements and in one.
func TestLargeFile(t *testing.T) {
	s := newSite(t)
	var many, one strings.Builder
	many.WriteString("CREATE TABLE t (x int, y text);\n")
	value := strings.Repeat("x", 500)
	const rows = 40_000
	for i := range rows {
		fmt.Fprintf(&many, "INSERT INTO t VALUES (%d, '%s');\n", i, value)
	}
	one.WriteString("INSERT INTO t VALUES\n")
	for i := range rows {
		fmt.Fprintf(&one, "(%d, '%s'),\n", i, value)
	}
	one.WriteString("(0, '')")
	s.write("1_many.up.sql", many.String(), "2_one.up.sql", one.String())
	s.run().did(t, 2)
	s.wantSQL("SELECT count(*) FROM t", fmt.Sprint(2*rows+1))
	s.write("3_late.up.sql", many.String()[len("CREATE TABLE t (x int, y text);\n"):]+"SELECT nosuch")
	s.run().wants(t, 0, fmt.Sprintf("3_late.up.sql, line %d (statement %[1]d): column \"nosuch\" does not exist", rows+1))
	s.wantSQL("SELECT count(*) FROM t", fmt.Sprint(2*rows+1))
}

func TestManyFiles(t *testing.T) {
	files := scale(5000, 5000, 200)
	s := newSite(t)
	for v := 1; v <= files; v++ {
		s.write(fmt.Sprintf("%d_step.up.sql", v), fmt.Sprintf("CREATE TABLE t%d (x int)", v))
		if v%2 == 0 { // tables are dear: half the files only count
			s.write(fmt.Sprintf("%d_step.up.sql", v), "SELECT 1")
		}
	}
	began := time.Now()
	s.run().did(t, int64(files))
	t.Logf("%d files took %v", files, time.Since(began))
	s.at(fmt.Sprintf("%d|f", files))
	began = time.Now()
	s.run().did(t, 0)
	t.Logf("and nothing to do %v", time.Since(began))
}
