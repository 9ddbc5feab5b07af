package mysql

import (
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/sqlsplit"
)

// A carry is what a statement takes from those before it in its session, and leaves
// for those behind it: user variables as "@x", prepared statements as "PREPARE x",
// and LAST_INSERT_ID().
type carry struct {
	needs, gives []string
	may          []string // it may give, as what it runs is not in the file
	any          bool     // it may need any variable, for the same reason
	sets         bool     // it sets something else: a variable of the server, the database
	again        bool     // in another session it would do to that just the same

	textNeeds, textGives []string // what its strings do, if they are statements
}

const lastInsertID = "LAST_INSERT_ID()"

// carries reads a statement. An INSERT is taken to make a LAST_INSERT_ID().
func carries(sql string) carry {
	k := classify(sql)
	if (k == inserts || k == plain) && !strings.Contains(sql, "@") && !strings.Contains(strings.ToUpper(sql), "LAST_INSERT_ID") {
		c := carry{}
		if w := words(sql, 1)[0]; w == "INSERT" || w == "REPLACE" || w == "LOAD" {
			c.gives = []string{lastInsertID}
		}
		return c
	}
	r := &carryReader{kind: k, tokens: sqlsplit.MySQLTokens(bare(sql), -1)}
	r.again = k == session || k == plain && r.word(0) == "SELECT"
	r.first()
	for r.i = 1; r.i < len(r.tokens); r.i++ {
		r.token(r.word(r.i))
	}
	if k == opaque {
		r.may = append(r.may, slices.Concat(r.needs, []string{lastInsertID})...)
	}
	return r.carry
}

// A carryReader is at one token of a statement.
type carryReader struct {
	carry
	kind   kind
	tokens []string
	i      int
	parens int
	target bool // of SET: what is to be set comes next
	into   bool // in the list behind INTO
}

// word returns a token in upper case, "" behind the end.
func (r *carryReader) word(i int) string {
	if i >= len(r.tokens) {
		return ""
	}
	return strings.ToUpper(r.tokens[i])
}

// first takes the words by which a statement begins.
func (r *carryReader) first() {
	switch r.word(0) {
	case "INSERT", "REPLACE", "LOAD":
		r.gives = append(r.gives, lastInsertID)
	case "SET":
		r.target = r.kind == session
	case "USE":
		r.sets = true
	case "PREPARE":
		r.gives = append(r.gives, "PREPARE "+unquoted(r.word(1)))
	case "DEALLOCATE", "DROP":
		if r.word(1) == "PREPARE" {
			r.needs = append(r.needs, "PREPARE "+unquoted(r.word(2)))
		}
	case "EXECUTE":
		r.needs = append(r.needs, "PREPARE "+unquoted(r.word(1)))
	}
	if r.kind == executes {
		r.may = append(r.may, lastInsertID)
	}
	r.any = r.kind == opaque
}

func (r *carryReader) token(w string) {
	into, target := r.into, r.target
	r.into, r.target = false, false
	switch next := r.word(r.i + 1); {
	case w == "(":
		r.parens++
	case w == ")":
		r.parens--
	case w == ",":
		r.target, r.into = r.parens == 0 && r.kind == session && r.word(0) == "SET", into
	case w == "@" && next == "@":
		r.server(target)
	case w == "@":
		r.user(target || into)
		r.into = into
	case w == "INTO":
		r.into = true
	case target:
		r.sets = true
	case w[0] == '\'' || w[0] == '"':
		r.text(r.tokens[r.i])
	case w == "LAST_INSERT_ID" && next == "(" && r.word(r.i+2) == ")":
		r.needs, r.again = append(r.needs, lastInsertID), false
	case w == "LAST_INSERT_ID":
		r.gives, r.again = append(r.gives, lastInsertID), false
	case w == "FROM" || w == "JOIN":
		r.again = r.again && (r.word(0) == "PREPARE" || slices.Contains([]string{"INFORMATION_SCHEMA", "(", "DUAL"}, unquoted(next)))
	case next == "(":
		r.again = r.again && (strings.Contains("=<>+-*/%&|^~!,", w) || steady(w))
	default:
		r.again = r.again && !strings.Contains(unsteadyWords, " "+w+" ")
	}
}

// user takes a user variable.
func (r *carryReader) user(given bool) {
	r.i++
	name := unquoted(r.word(r.i))
	for r.word(r.i+1) == "." {
		name += "." + r.word(r.i+2)
		r.i += 2
	}
	if given || r.word(r.i+1) == ":" && r.word(r.i+2) == "=" {
		r.gives = append(r.gives, "@"+name)
	} else {
		r.needs = append(r.needs, "@"+name)
	}
}

// server takes a variable of the server.
func (r *carryReader) server(target bool) {
	r.i += 2
	global := r.word(r.i) == "GLOBAL"
	if r.word(r.i+1) == "." {
		r.i += 2
	}
	name := strings.ToLower(unquoted(r.word(r.i)))
	switch {
	case target:
		r.sets = true
	case name == "last_insert_id" || name == "identity":
		r.needs, r.again = append(r.needs, lastInsertID), false
	case global || !slices.Contains(sessionVariables, name) && !slices.Contains(otherVariables, name):
		r.again = r.again && r.sets && len(r.gives) == 0 // what is kept is to be put back as it was
	}
}

// text takes a string of a SET or PREPARE, which may be a statement to EXECUTE.
func (r *carryReader) text(quoted string) {
	if r.kind == session && (strings.Contains(quoted, "@") || strings.Contains(strings.ToUpper(quoted), "LAST_INSERT_ID")) {
		c := carries(unquoted(quoted))
		r.textNeeds, r.textGives = append(r.textNeeds, c.needs...), append(r.textGives, c.gives...)
	}
}

// unquoted returns what is in quotes, if s has some.
func unquoted(s string) string {
	if s == "" || !strings.Contains("'\"`", s[:1]) || len(s) < 2 {
		return s
	}
	return strings.NewReplacer(`\`+s[:1], s[:1], s[:1]+s[:1], s[:1]).Replace(s[1 : len(s)-1])
}

// steady reports whether a word before a parenthesis is no function, or one whose
// value has no other source than its arguments and the tables that are read.
func steady(word string) bool { return strings.Contains(steadyWords, " "+word+" ") }

const steadyWords = " AND AS BETWEEN BY CASE DISTINCT ELSE EXISTS FROM IN INTERVAL LIKE NOT ON OR SELECT THEN UNION USING VALUES WHEN WHERE" +
	" ABS CAST CEIL CEILING CHAR CHAR_LENGTH COALESCE CONCAT CONCAT_WS CONVERT COUNT DATABASE DATE_ADD DATE_SUB FIELD FIND_IN_SET FLOOR" +
	" GREATEST GROUP_CONCAT HEX IF IFNULL INSTR ISNULL JSON_ARRAY JSON_OBJECT LCASE LEAST LEFT LENGTH LOCATE LOWER LPAD LTRIM MAX MD5 MIN MOD" +
	" NULLIF POSITION QUOTE REGEXP REPEAT REPLACE REVERSE RIGHT ROUND RPAD RTRIM SCHEMA SHA1 SHA2 SPACE SUBSTR SUBSTRING SUBSTRING_INDEX SUM" +
	" TRIM TRUNCATE UCASE UNHEX UPPER "

// unsteadyWords have another value each time, without a parenthesis.
const unsteadyWords = " CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP SYSDATE UTC_DATE UTC_TIME UTC_TIMESTAMP" +
	" NEXT NEXTVAL PREVIOUS CURRVAL LASTVAL ROWNUM AUTO_INCREMENT TABLE_ROWS PROCESSLIST "

// otherVariables of a session are what dumps keep and put back, besides those of
// sessionVariables.
var otherVariables = []string{
	"sql_log_bin", "note_verbosity", "sql_quote_show_create", "group_concat_max_len", "max_statement_time", "sql_auto_is_null",
	"lock_wait_timeout", "innodb_lock_wait_timeout", "innodb_strict_mode", "tx_isolation", "transaction_isolation",
}
