package sqlsplit

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// A parser is one of the functions under test.
type parser func(string) ([]Statement, error)

// A testCase has the statements wanted, each "LINE:SQL", or the error wanted.
type testCase struct {
	name, text string
	want       []string
	err        string
	line       int
}

func run(t *testing.T, parse parser, cases []testCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			found, err := parse(c.text)
			if c.err != "" {
				var e *SyntaxError
				if !errors.As(err, &e) || !strings.Contains(e.Message, c.err) || e.Line != c.line {
					t.Fatalf("error %v, want %q in line %d", err, c.err, c.line)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := numbered(found); !slices.Equal(got, c.want) {
				t.Errorf("got\n%q\nwant\n%q", got, c.want)
			}
		})
	}
}

func numbered(found []Statement) []string {
	var all []string
	for _, s := range found {
		all = append(all, string(rune('0'+s.Line))+":"+s.SQL)
	}
	return all
}

// everywhere holds for all three databases.
var everywhere = []testCase{
	{name: "nothing", text: ""},
	{name: "blanks", text: " \t\r\n;;\n ; "},
	{name: "comments", text: "-- a; b\n/* ; */ -- c"},
	{name: "two", text: "select 1;\nselect 2", want: []string{"1:select 1", "2:select 2"}},
	{name: "one line", text: "a;b;;c;", want: []string{"1:a", "1:b", "1:c"}},
	{name: "byte order mark", text: "\ufeffa;b", want: []string{"1:a", "1:b"}},
	{name: "crlf", text: "a\r\n;\r\n-- x\r\nb;\r\n", want: []string{"1:a", "4:b"}},
	{name: "comments around", text: "-- x\n/* y\n*/ a -- z;\n b /* ; */ ; -- end", want: []string{"3:a -- z;\n b"}},
	{name: "quotes", text: `a ';' '''; ' ";" """; " ; b`, want: []string{`1:a ';' '''; ' ";" """; "`, "1:b"}},
	{name: "quote in comment", text: "-- it's\na /* don't */; b", want: []string{"2:a", "2:b"}},
	{name: "comment in quote", text: "a '--' '/*' ; b", want: []string{"1:a '--' '/*'", "1:b"}},
	{name: "letters", text: "grün; ✓;日本", want: []string{"1:grün", "1:✓", "1:日本"}},
	{name: "division", text: "a / b * c; d", want: []string{"1:a / b * c", "1:d"}},
	{name: "minus", text: "a - - b; d-1", want: []string{"1:a - - b", "1:d-1"}},
	{name: "open quote", text: "a;\nb 'x;\n", err: "the quote ' that begins here is not closed", line: 2},
	{name: "open name", text: "a;\n\"x;\n", err: `the quote " that begins here`, line: 2},
	{name: "open comment", text: "a;\n\n/* x;\n", err: "the comment /* that begins here has no */", line: 3},
	{name: "nul", text: "a;\nb\x00", err: "a NUL byte", line: 2},
	{name: "client", text: "a;\n\\x foo", err: `\x is a command of the `, line: 2},
}

func TestEverywhere(t *testing.T) {
	for name, parse := range map[string]parser{"postgres": Postgres, "mysql": MySQL, "sqlite": SQLite} {
		t.Run(name, func(t *testing.T) { run(t, parse, everywhere) })
	}
}

func TestPostgres(t *testing.T) {
	run(t, Postgres, []testCase{
		{name: "dollars", text: "do $$ begin; end; $$; b", want: []string{"1:do $$ begin; end; $$", "1:b"}},
		{name: "tag", text: "do $a1$ ; $$ ; $a$ ; $a1$; b", want: []string{"1:do $a1$ ; $$ ; $a$ ; $a1$", "1:b"}},
		{name: "parameter", text: "prepare p as select $1; b$c$d; e", want: []string{"1:prepare p as select $1", "1:b$c$d", "1:e"}},
		{name: "open dollars", text: "a;\ndo $x$ ; $y$", err: "the quote $x$ that begins here is not closed", line: 2},
		{name: "nested comment", text: "/* a /* b; */ c; */ d; e", want: []string{"1:d", "1:e"}},
		{name: "dashes", text: "a--;\n;b", want: []string{"1:a", "2:b"}},
		{name: "comment ends at carriage return", text: "--x\ra;b", want: []string{"1:a", "1:b"}},
		{name: "no backslash", text: `a '\'; b`, want: []string{`1:a '\'`, "1:b"}},
		{name: "escape string", text: `a E'\'; ' e'\\'; b; fine'\'; c`, want: []string{`1:a E'\'; ' e'\\'`, "1:b", `1:fine'\'`, "1:c"}},
		{name: "rule", text: "create rule r as on insert to t do also (a; b); c", want: []string{"1:create rule r as on insert to t do also (a; b)", "1:c"}},
		{name: "atomic", text: "create function f() returns int begin atomic select case when a then b end; select 2; end; c",
			want: []string{"1:create function f() returns int begin atomic select case when a then b end; select 2; end", "1:c"}},
		{name: "transaction", text: "begin; a; end; b", want: []string{"1:begin", "1:a", "1:end", "1:b"}},
		{name: "operators", text: "select a #> b, a # b; c", want: []string{"1:select a #> b, a # b", "1:c"}},
		{name: "array", text: "select a[1], '{}'::int[]; c", want: []string{"1:select a[1], '{}'::int[]", "1:c"}},
		{name: "open parenthesis", text: "a;\nb (;\nc", err: "has a ( that is not closed", line: 2},
		{name: "open body", text: "a;\ncreate function f() begin atomic select 1;", err: "BEGIN ATOMIC", line: 2},
		{name: "copy", text: "a;\ncopy t (x)\nfrom stdin;\n1\t2\n\\.\n", err: "COPY FROM STDIN takes its data from a client", line: 2},
		{name: "copy from a file", text: "copy t from '/x'; b", want: []string{"1:copy t from '/x'", "1:b"}},
		{name: "meta command", text: "a;\n\\copy t from x\n", err: `\copy is a command of the psql client`, line: 2},
	})
}

func TestSQLite(t *testing.T) {
	const trigger = "CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET a = CASE WHEN 1 THEN 2 END; SELECT 1; END"
	run(t, SQLite, []testCase{
		{name: "trigger", text: trigger + ";b", want: []string{"1:" + trigger, "1:b"}},
		{name: "last trigger", text: "a;\n" + trigger, want: []string{"1:a", "2:" + trigger}},
		{name: "open trigger", text: "a;\ncreate trigger r begin select 1;", err: "has no END", line: 2},
		{name: "transaction", text: "begin; a; end; b", want: []string{"1:begin", "1:a", "1:end", "1:b"}},
		{name: "table called trigger", text: `create table "trigger" (a); b`, want: []string{`1:create table "trigger" (a)`, "1:b"}},
		{name: "brackets", text: "a [x;'y]; `;`; b", want: []string{"1:a [x;'y]", "1:`;`", "1:b"}},
		{name: "open brackets", text: "a;\n[", err: "the quote [", line: 2},
		{name: "no backslash", text: `a '\'; b`, want: []string{`1:a '\'`, "1:b"}},
		{name: "comment does not nest", text: "/* /* */ a; b", want: []string{"1:a", "1:b"}},
		{name: "dot command", text: "a;\n.read x", err: "a command of the sqlite3 client", line: 2},
		{name: "dot", text: "select a.b, .5; c", want: []string{"1:select a.b, .5", "1:c"}},
	})
}

// TestLong holds 20 MB to be split fast, in parts of the text, with the right lines.
// Fast is 10 s, or on a slow machine what does not grow with the square of the text.
func TestLong(t *testing.T) {
	const line = "INSERT INTO t (a, b) VALUES (1, 'it''s; one'), (2, \"two\"); -- done\n"
	const parts = 20
	part := strings.Repeat(line, 1<<20/len(line))
	text := strings.Repeat(part, parts)
	for name, parse := range map[string]parser{"postgres": Postgres, "mysql": MySQL, "sqlite": SQLite} {
		before := timed(t, parse, part)
		took := timed(t, parse, text)
		bound := max(10*time.Second, 4*parts*max(before, timed(t, parse, part)))
		t.Logf("%s: 20 MB in %v", name, took)
		if took > bound {
			t.Errorf("%s: 20 MB took %v, want at most %v", name, took, bound)
		}
	}
}

// timed returns how long parse takes for text, of one statement a line.
func timed(t *testing.T, parse parser, text string) time.Duration {
	t.Helper()
	begin := time.Now()
	found, err := parse(text)
	took := time.Since(begin)
	if want := strings.Count(text, "\n"); err != nil || len(found) != want || found[want-1].Line != want {
		t.Fatalf("%d statements, error %v", len(found), err)
	}
	checkParts(t, text, found)
	return took
}

func BenchmarkPostgres(b *testing.B) {
	text := strings.Repeat("INSERT INTO t (a, b) VALUES (1, 'it''s; one'), (2, 'two');\n", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Postgres(text); err != nil {
			b.Fatal(err)
		}
	}
}
