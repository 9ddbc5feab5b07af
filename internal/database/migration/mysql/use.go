package mysql

import (
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/sqlsplit"
)

// A use is what a statement reads and writes in its session: user variables as "@X",
// prepared statements as "PREPARE X", and LAST_INSERT_ID().
type use struct {
	kind          kind // EXECUTE and CALL may write what is in writes, or not
	reads, writes []string
	sets          bool  // it sets something else: a variable of the server, the database
	repeats       bool  // it does nothing but that, and in another session just the same
	quoted        []use // of its strings, which EXECUTE may run
}

const lastInsertID = "LAST_INSERT_ID()"

// usesOf reads the statements of a file.
func usesOf(statements []migration.Statement) []use {
	all := make([]use, len(statements))
	var quoted use
	for i, s := range statements {
		all[i] = useOf(s.SQL)
		for _, q := range all[i].quoted {
			quoted.reads, quoted.writes = append(quoted.reads, q.reads...), append(quoted.writes, q.writes...)
		}
	}
	for i := range all {
		if u := &all[i]; u.kind == executes {
			u.reads, u.writes = slices.Concat(u.reads, quoted.reads), slices.Concat(u.writes, quoted.writes)
		}
	}
	return all
}

// useOf reads a statement. An INSERT is taken to make a LAST_INSERT_ID().
func useOf(sql string) use {
	k := classify(sql)
	r := &useReader{use: use{kind: k}, steady: true}
	n := -1
	if o := objects(sql); len(o) > 0 && o[0].kind != "TABLE" || // a program does later what it does
		(k == plain || k == inserts) && !strings.Contains(sql, "@") && !strings.Contains(strings.ToUpper(sql), "LAST_INSERT_ID") {
		n = 2
	}
	r.tokens = sqlsplit.MySQLTokens(sql, n)
	switch name := unquoted(r.word(1)); r.word(0) {
	case "INSERT", "REPLACE", "LOAD":
		r.writes = []string{lastInsertID}
	case "USE":
		r.sets = true
	case "PREPARE":
		r.writes = []string{"PREPARE " + name}
	case "EXECUTE":
		r.reads = []string{"PREPARE " + name}
	case "DEALLOCATE", "DROP":
		r.reads = []string{name + " " + unquoted(r.word(2))}
	}
	for r.i = range r.tokens {
		r.token()
	}
	switch k {
	case opaque:
		r.writes = append(r.writes, r.reads...)
		fallthrough
	case executes:
		r.writes = append(r.writes, lastInsertID)
	}
	r.repeats = r.steady && (len(r.writes) == 0 || !r.keeps) && (k == session || r.word(0) == "SELECT" && len(r.writes) > 0)
	return r.use
}

// A useReader is at one token of a statement.
type useReader struct {
	use
	tokens []string
	i      int
	parens int
	into   bool // in the list after INTO
	steady bool // so far it finds the same in another session
	keeps  bool // it reads a variable of the server that somebody may have set since
}

// word returns a token in upper case, "" where there is none.
func (r *useReader) word(i int) string {
	if i < 0 || i >= len(r.tokens) {
		return ""
	}
	return strings.ToUpper(r.tokens[i])
}

// isTarget reports whether what SET sets begins at a token.
func (r *useReader) isTarget(i int) bool {
	return r.kind == session && r.word(0) == "SET" && r.parens == 0 && (i == 1 || r.word(i-1) == ",")
}

func (r *useReader) token() {
	before, w, next := r.word(r.i-1), r.word(r.i), r.word(r.i+1)
	r.into = w == "INTO" || r.into && (w == "@" || w == "," || before == "@")
	switch {
	case w == "@":
	case before == "@" && r.word(r.i-2) == "@":
		r.serverVariable()
	case before == "@":
		if r.into || r.isTarget(r.i-1) || next == ":" {
			r.writes = append(r.writes, "@"+unquoted(w))
		} else {
			r.reads = append(r.reads, "@"+unquoted(w))
		}
	case w == "(":
		r.parens++
	case w == ")":
		r.parens--
	case r.isTarget(r.i):
		r.sets = true
	case w[0] == '\'' || w[0] == '"':
		if r.kind == session {
			r.quoted = append(r.quoted, useOf(unquoted(r.tokens[r.i])))
		}
	case w == "LAST_INSERT_ID" && next == "(" && r.word(r.i+2) == ")":
		r.reads, r.steady = append(r.reads, lastInsertID), false
	case w == "LAST_INSERT_ID":
		r.writes, r.steady = append(r.writes, lastInsertID), false
	case w == "FROM" || w == "JOIN":
		r.steady = r.steady && (r.word(0) == "PREPARE" || slices.Contains([]string{"INFORMATION_SCHEMA", "(", "DUAL"}, unquoted(next)))
	case next == "(" && !strings.Contains("=<>+-*/%&|^~!,:", w[:1]):
		r.steady = r.steady && strings.Contains(steadyWords, " "+w+" ")
	default:
		r.steady = r.steady && !strings.Contains(unsteadyWords, " "+w+" ")
	}
}

// serverVariable takes a variable, which may have GLOBAL or the like before it.
func (r *useReader) serverVariable() {
	name := strings.ToLower(unquoted(r.word(r.i)))
	if r.word(r.i+1) == "." {
		name += "." + strings.ToLower(unquoted(r.word(r.i+2)))
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "session."), "local.")
	switch {
	case r.isTarget(r.i - 2):
		r.sets = true
	case name == "last_insert_id" || name == "identity":
		r.reads, r.steady = append(r.reads, lastInsertID), false
	case !slices.Contains(sessionVariables, name) && !strings.Contains(steadyVariables, " "+name+" "):
		r.keeps = true
	}
}

// steadyWords may stand before a parenthesis: they are no functions, or their values
// come from their arguments alone.
const steadyWords = " ALL AND ANY AS BETWEEN BY CASE DISTINCT ELSE EXISTS FROM HAVING IN INTERVAL LIKE NOT ON OR SELECT THEN UNION USING WHEN WHERE" +
	" ABS ASCII CAST CEIL CEILING CHAR CHAR_LENGTH COALESCE CONCAT CONCAT_WS CONVERT COUNT CURRENT_USER DATABASE DATE DATE_ADD DATE_FORMAT" +
	" DATE_SUB DATETIME DECIMAL ELT FIELD FIND_IN_SET FLOOR FORMAT GREATEST GROUP_CONCAT HEX IF IFNULL INSTR ISNULL JSON_ARRAY JSON_EXTRACT" +
	" JSON_OBJECT JSON_UNQUOTE LEAST LEFT LENGTH LOCATE LOWER LPAD LTRIM MAX MD5 MIN MOD NULLIF POSITION POWER QUOTE REGEXP REGEXP_REPLACE" +
	" REPEAT REPLACE REVERSE RIGHT ROUND RPAD RTRIM SCHEMA SHA1 SHA2 STR_TO_DATE SUBSTR SUBSTRING SUBSTRING_INDEX SUM TIME TIMESTAMP TRIM" +
	" TRUNCATE UNHEX UPPER USER UUID_TO_BIN VERSION YEAR "

// unsteadyWords have another value each time, also without a parenthesis.
const unsteadyWords = " CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP SYSDATE UTC_DATE UTC_TIME UTC_TIMESTAMP" +
	" NEXT NEXTVAL PREVIOUS CURRVAL LASTVAL ROWNUM AUTO_INCREMENT TABLE_ROWS PROCESSLIST "

// steadyVariables are what dumps and scripts keep and put back, besides those that
// each file begins with as they were, and what never changes.
const steadyVariables = " sql_log_bin note_verbosity sql_quote_show_create group_concat_max_len max_statement_time max_execution_time innodb_strict_mode" +
	" lock_wait_timeout innodb_lock_wait_timeout tx_isolation transaction_isolation optimizer_switch sql_big_selects max_join_size" +
	" system_versioning_insert_history character_set_connection collation_database version version_comment hostname "
