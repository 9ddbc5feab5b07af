package mysql

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/initbox/initbox/internal/database/sqlsplit"
)

// A carry is what a statement takes from those before it in its session, and leaves
// for those behind it: user variables as "@x", prepared statements as "PREPARE x",
// and LAST_INSERT_ID().
type carry struct {
	needs, gives []string
	may          []string // it may give, as what it runs is not in the file
	any          bool     // it may need any variable, for the same reason
	sets         bool     // it sets something else: a variable of the server, the database
	resets       bool     // which each try of a file begins with as it was
	again        bool     // in another session it would do to that just the same

	textNeeds, textGives []string // what its strings do, if they are statements
}

const lastInsertID = "LAST_INSERT_ID()"

// carries reads a statement. An INSERT is taken to make a LAST_INSERT_ID().
func carries(sql string) carry {
	k := classify(sql)
	if (k == inserts || k == plain) && !mentionsVariable(sql) && !strings.Contains(strings.ToUpper(sql), "LAST_INSERT_ID") {
		c := carry{}
		if w := words(sql, 1)[0]; w == "INSERT" || w == "REPLACE" || w == "LOAD" {
			c.gives = []string{lastInsertID}
		}
		return c
	}
	r := &carryReader{kind: k, tokens: sqlsplit.MySQLTokens(bare(sql), -1)}
	if k == ddl && stores(r.tokens) {
		return carry{}
	}
	r.again = k == session || k == plain && r.word(0) == "SELECT"
	r.first()
	for r.i = 1; r.i < len(r.tokens); r.i++ {
		r.token(r.word(r.i))
	}
	if k == opaque {
		r.may = append(r.may, slices.Concat(r.needs, []string{lastInsertID})...)
	}
	r.resets = r.sets && slices.ContainsFunc(r.tokens, isReset)
	return r.carry
}

// mentionsVariable reports whether a statement may have a user variable in it. That
// of a mail address, in a dump of many, has something in front.
func mentionsVariable(sql string) bool {
	for i := range len(sql) {
		if sql[i] == '@' && (i == 0 || !isWordByte(sql[i-1])) {
			return true
		}
	}
	return false
}

func isWordByte(c byte) bool {
	return c >= 0x80 || c == '_' || c == '.' || c == '-' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// stores reports whether a statement makes a program, whose body runs later.
func stores(tokens []string) bool {
	for i, t := range tokens {
		switch t = strings.ToUpper(t); {
		case i == 0 && t != "CREATE" && t != "ALTER", t == "TABLE", t == "VIEW":
			return false
		case slices.Contains([]string{"PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"}, t):
			return true
		}
	}
	return false
}

// isReset reports whether a token names something that configure resets.
func isReset(token string) bool {
	name := strings.ToLower(unquoted(token))
	return slices.Contains(sessionVariables, name) || slices.Contains([]string{"use", "names", "character", "charset", "lock_wait_timeout", "innodb_lock_wait_timeout"}, name)
}

// constant reports whether a statement does nothing but give user variables a value
// that no other statement has a part in.
func (c *carry) constant() bool {
	return c.again && len(c.may) == 0 && len(c.needs) == 0 && len(c.gives) > 0 &&
		!slices.ContainsFunc(c.gives, func(name string) bool { return name[0] != '@' })
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
		for _, name := range variable().FindAllString(quoted, -1) { // also in what is only a part of a statement
			if name = strings.ToUpper(name); !slices.Contains(c.gives, name) && !slices.Contains(c.needs, name) {
				r.textNeeds = append(r.textNeeds, name)
			}
		}
	}
}

var variable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`@[\w.$]+`) })

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

const steadyWords = " ALL AND ANY AS BETWEEN BY CASE DISTINCT ELSE EXISTS FROM HAVING IN INTERVAL LIKE NOT ON OR SELECT THEN UNION USING VALUES WHEN WHERE" +
	" ABS ASCII AVG BINARY BIN_TO_UUID CAST CEIL CEILING CHAR CHAR_LENGTH COALESCE CONCAT CONCAT_WS CONV CONVERT COUNT CRC32 CURRENT_USER" +
	" DATABASE DATE DATEDIFF DATETIME DATE_ADD DATE_FORMAT DATE_SUB DAY DECIMAL ELT FIELD FIND_IN_SET FLOOR FORMAT FROM_BASE64 GREATEST" +
	" GROUP_CONCAT HEX IF IFNULL INSTR ISNULL JSON_ARRAY JSON_EXTRACT JSON_OBJECT JSON_UNQUOTE JSON_VALUE LAST_DAY LCASE LEAST LEFT LENGTH" +
	" LOCATE LOWER LPAD LTRIM MAX MD5 MIN MOD MONTH NULLIF NVL OCTET_LENGTH ORD POSITION POW POWER QUOTE REGEXP REGEXP_REPLACE REGEXP_SUBSTR" +
	" REPEAT REPLACE REVERSE RIGHT ROUND RPAD RTRIM SCHEMA SHA SHA1 SHA2 SIGN SPACE SQRT STRCMP STR_TO_DATE SUBSTR SUBSTRING SUBSTRING_INDEX SUM" +
	" TIME TIMESTAMP TIMESTAMPDIFF TO_BASE64 TRIM TRUNCATE UCASE UNHEX UPPER USER UUID_TO_BIN VERSION YEAR "

// unsteadyWords have another value each time, without a parenthesis.
const unsteadyWords = " CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP SYSDATE UTC_DATE UTC_TIME UTC_TIMESTAMP" +
	" NEXT NEXTVAL PREVIOUS CURRVAL LASTVAL ROWNUM AUTO_INCREMENT TABLE_ROWS PROCESSLIST "

// otherVariables of a session are what dumps and scripts keep and put back, besides
// those of sessionVariables, and what never changes.
var otherVariables = []string{
	"sql_log_bin", "note_verbosity", "sql_quote_show_create", "group_concat_max_len", "max_statement_time", "max_execution_time",
	"sql_auto_is_null", "lock_wait_timeout", "innodb_lock_wait_timeout", "innodb_strict_mode", "tx_isolation", "transaction_isolation",
	"sql_require_primary_key", "system_versioning_insert_history", "check_constraint_checks", "optimizer_switch", "cte_max_recursion_depth",
	"sql_big_selects", "max_join_size", "default_storage_engine", "character_set_connection", "collation_database", "alter_algorithm",
	"old_mode", "max_heap_table_size", "tmp_table_size", "version", "version_comment", "hostname", "lower_case_table_names",
}
