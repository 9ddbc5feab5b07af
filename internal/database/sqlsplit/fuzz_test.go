package sqlsplit

import (
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// lines numbers statements that stand behind program in its last line.
func lines(program string, statements ...string) []string {
	line := string(rune('1'+strings.Count(program, "\n"))) + ":"
	for i, s := range statements {
		statements[i] = line + s
	}
	return statements
}

// checkParts holds each statement to be a part of text itself, in order, with
// its line, and returns what is between them.
func checkParts(t *testing.T, text string, found []Statement) (between []string) {
	t.Helper()
	at, line := 0, 1
	for _, s := range found {
		if s.SQL == "" || strings.Trim(s.SQL, " \t\r\n\v\f") != s.SQL {
			t.Fatalf("statement %q", s.SQL)
		}
		begin := int(uintptr(unsafe.Pointer(unsafe.StringData(s.SQL))) - uintptr(unsafe.Pointer(unsafe.StringData(text))))
		if begin < at || begin+len(s.SQL) > len(text) {
			t.Fatalf("statement %q is not a part of the text behind the one before", s.SQL)
		}
		line += strings.Count(text[at:begin], "\n")
		if s.Line != line {
			t.Fatalf("statement %q is said to be in line %d, but is in %d", s.SQL, s.Line, line)
		}
		between = append(between, text[at:begin])
		line += strings.Count(s.SQL, "\n")
		at = begin + len(s.SQL)
	}
	return append(between, text[at:])
}

// FuzzSplit holds what must be true of any text: what is found are parts of it,
// with nothing but separators and comments between them, and each of them, and
// all of them joined again, split into the same.
func FuzzSplit(f *testing.F) {
	for _, c := range everywhere {
		f.Add(c.text)
	}
	f.Add("create trigger r begin select 1; end; .x")
	f.Add("CREATE PROCEDURE p() BEGIN IF a THEN b; END IF; CASE c WHEN 1 THEN d; END CASE; END; BEGIN NOT ATOMIC e; END")
	f.Add("DELIMITER $$\na; b$$\nDELIMITER ;\nc /*!1 d */")
	f.Add("do $a$ ; $a$; e E'\\'' (;) [x] `y` # z\n begin atomic; case end; end")
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []parser{Postgres, MySQL, SQLite} {
			found, err := parse(text)
			if err != nil {
				continue
			}
			between := checkParts(t, text, found)
			if strings.Contains(strings.ToUpper(text), "DELIMITER") {
				continue // a statement has another meaning without the line before it
			}
			for _, b := range between {
				if s, err := parse(b); err != nil || len(s) > 0 {
					t.Fatalf("between statements: %q, which is %v, error %v", b, s, err)
				}
			}
			var joined strings.Builder
			for _, s := range found {
				if strings.HasSuffix(s.SQL, "--") {
					return // MySQL's comment if a blank follows or the text ends, but no comment before ;
				}
				if strings.HasPrefix(s.SQL, bom) {
					return // in the middle of a text it is part of a statement, at the start it is none
				}
				if again, err := parse(s.SQL); err != nil || len(again) != 1 || again[0].SQL != s.SQL {
					t.Fatalf("%q splits again, into %v, error %v", s.SQL, again, err)
				}
				joined.WriteString(s.SQL + "\n;\n")
			}
			again, err := parse(joined.String())
			if same := func(a, b Statement) bool { return a.SQL == b.SQL }; err != nil || !slices.EqualFunc(found, again, same) {
				t.Fatalf("%v joined and split again is %v, error %v", found, again, err)
			}
		}
	})
}
