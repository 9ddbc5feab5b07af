package mysql

import (
	"fmt"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

func TestBundled(t *testing.T) {
	var many []records.Request
	for i := range maxBundle + 1 {
		many = append(many, records.Request{SQL: "DO ?", Args: []any{i}})
	}
	two := transaction(many[1:2]...)[:2]
	for name, c := range map[string]struct {
		driver   driver
		requests []records.Request
		want     string
	}{
		"MySQL":           {driver{}, two, "[{START TRANSACTION []} {DO ? [1]}]"},
		"MariaDB":         {driver{compounds: true}, two, "[{BEGIN NOT ATOMIC START TRANSACTION; DO ?; END [1]}]"},
		"one needs none":  {driver{compounds: true}, two[1:], "[{DO ? [1]}]"},
		"none":            {driver{compounds: true}, nil, "[]"},
		"the last of all": {driver{compounds: true}, append([]records.Request(nil), many...), fmt.Sprintf(" {BEGIN NOT ATOMIC DO ?; END [%d]}]", maxBundle)},
	} {
		if got := fmt.Sprint(c.driver.bundled(c.requests)); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

// Every statement is marked once, with the parameters that its row has.
func TestMarks(t *testing.T) {
	s := &migration.Step{Statements: make([]migration.Statement, 2*maxRows+1)}
	a := &application{driver: &driver{database: "a", opts: Options{Table: "b"}}, step: s}
	next := 4
	for _, r := range a.markDone(3, len(s.Statements)) {
		if places := strings.Count(r.SQL, "?"); places != len(r.Args) || len(r.Args) > 2*maxRows {
			t.Errorf("%d places, %d arguments", places, len(r.Args))
		}
		for i := 0; i < len(r.Args); i += 2 {
			if r.Args[i] != next {
				t.Fatalf("statement %v, want %d", r.Args[i], next)
			}
			next++
		}
	}
	if next != len(s.Statements)+1 {
		t.Errorf("the next is %d", next)
	}
}
