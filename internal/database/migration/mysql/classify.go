package mysql

import (
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/sqlsplit"
)

// A kind is what a statement means for transactions.
type kind int

const (
	plain     kind = iota // UPDATE and the like, which do not commit
	inserts               // INSERT of VALUES: the same, and quick
	session               // SET and the like, whose effect ends with the session
	ddl                   // commits by itself, before and after
	executes              // EXECUTE, of any one statement
	opaque                // CALL and the like, of any number of statements
	begins                // BEGIN
	commits               // COMMIT
	rollsBack             // ROLLBACK, also to a savepoint
	locks                 // LOCK TABLES, UNLOCK TABLES
)

// classify tells the kind of a statement by its first words. What it does not know
// it takes for DDL, of which most is expected.
func classify(sql string) kind {
	w := words(sql, 4)
	first, second := w[0], w[1]
	switch first {
	case "INSERT":
		if slices.Contains(words(sql, maxColumns), "VALUES") {
			return inserts
		}
		return plain
	case "LOAD":
		if second == "INDEX" {
			return ddl
		}
		return plain
	case "UPDATE", "DELETE", "REPLACE", "SELECT", "WITH", "VALUES", "TABLE", "DO", "SHOW", "EXPLAIN", "DESCRIBE", "DESC",
		"SAVEPOINT", "RELEASE", "HANDLER", "SIGNAL", "(":
		return plain
	case "CREATE", "DROP":
		if second == "TEMPORARY" {
			return plain
		}
		return ddl
	case "SET":
		if second == "STATEMENT" {
			return classifyBehind(sql)
		}
		if second == "GLOBAL" || second == "PERSIST" || second == "PASSWORD" || second == "DEFAULT" {
			return ddl
		}
		return session
	case "USE", "PREPARE", "DEALLOCATE":
		return session
	case "EXECUTE":
		return executes
	case "CALL", "IF", "CASE", "LOOP", "WHILE", "REPEAT", "FOR", "XA":
		return opaque
	case "BEGIN":
		if second == "NOT" {
			return opaque
		}
		return begins
	case "START":
		if second == "TRANSACTION" {
			return begins
		}
	case "COMMIT":
		return commits
	case "ROLLBACK":
		return rollsBack
	case "LOCK", "UNLOCK":
		return locks
	}
	return ddl
}

// classifyBehind tells the kind of what SET STATEMENT is FOR. What is odd there may be
// of any kind.
func classifyBehind(sql string) kind {
	if behind := bare(sql); behind != sql {
		switch k := classify(behind); k {
		case inserts, plain, ddl, opaque:
			return k
		}
	}
	return executes
}

// bare returns the statement that MariaDB's SET STATEMENT ... FOR, which sets
// something for it alone, has behind it, or else sql as it is.
func bare(sql string) string {
	if w := words(sql, 2); w[0] != "SET" || w[1] != "STATEMENT" {
		return sql
	}
	tokens, parens := sqlsplit.MySQLTokens(sql, -1), 0
	for i, t := range tokens {
		switch {
		case t == "(":
			parens++
		case t == ")":
			parens--
		case parens == 0 && strings.EqualFold(t, "FOR"):
			return strings.Join(tokens[i+1:], " ")
		}
	}
	return sql
}

// commitsItself reports whether a statement is DDL of which that is certain.
func commitsItself(sql string) bool {
	switch words(sql, 1)[0] {
	case "CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE":
		return classify(sql) == ddl
	}
	return false
}

// sets reports whether a statement may set something in the session by itself.
func sets(sql string) bool {
	switch classify(sql) {
	case inserts, plain, begins, commits, rollsBack:
		return false
	case ddl:
		return !commitsItself(sql)
	}
	return true
}

// maySet reports whether a statement may do so, or a function that it calls, or a
// trigger of a table that it names.
func maySet(sql string) bool {
	switch classify(sql) {
	case inserts:
		return true
	case plain, ddl:
	default:
		return sets(sql)
	}
	selects, reads := false, false
	for _, w := range sqlsplit.MySQLTokens(sql, -1) {
		selects = selects || strings.EqualFold(w, "SELECT")
		reads = reads || w == "(" || strings.EqualFold(w, "FROM")
	}
	if classify(sql) == ddl {
		return selects || sets(sql)
	}
	return reads || !selects
}

// maxColumns is how far the VALUES of an INSERT is looked for.
const maxColumns = 100

// words returns the first n words of a statement in upper case, "" for those that
// it does not have.
func words(sql string, n int) []string {
	all := make([]string, n)
	for i, w := range sqlsplit.MySQLTokens(sql, n) {
		all[i] = strings.ToUpper(w)
	}
	return all
}

// Parse cuts a file into its statements and refuses what cannot run here. Errors
// are of type *sqlsplit.SyntaxError.
func Parse(sql string) ([]migration.Statement, error) {
	statements, err := sqlsplit.MySQL(sql)
	if err != nil {
		return nil, err
	}
	open := 0 // line
	for _, s := range statements {
		switch k := classify(s.SQL); {
		case k == begins:
			open = s.Line
		case k == commits || k == rollsBack:
			if w := words(s.SQL, 5); slices.Contains(w, "CHAIN") || slices.Contains(w, "RELEASE") {
				return nil, sqlsplit.Errorf(s.Line, "AND CHAIN and RELEASE are not supported: write COMMIT or ROLLBACK alone")
			}
			if !toSavepoint(s.SQL) {
				open = 0
			}
		case k == ddl:
			open = 0 // it has committed
		}
	}
	if open != 0 {
		return nil, sqlsplit.Errorf(open, "the transaction that begins here is not committed")
	}
	return statements, nil
}

// ends reports whether a statement of kind k ends a transaction as a whole.
func ends(k kind, sql string) bool {
	return k == commits || k == rollsBack && !toSavepoint(sql)
}

func toSavepoint(sql string) bool { return slices.Contains(words(sql, 4), "TO") }

// blind reports whether a statement of DDL may do something and leave everything
// defined as it was, so that a fingerprint says nothing and a second run would
// undo the first.
func blind(sql string) bool {
	w := sqlsplit.MySQLTokens(bare(sql), 1000)
	for i := range w {
		w[i] = strings.ToUpper(w[i])
	}
	if i := slices.Index(w, "EXCHANGE"); i >= 0 && i+1 < len(w) && w[i+1] == "PARTITION" {
		return true
	}
	return len(w) > 1 && w[0] == "RENAME" && swaps(w[1:])
}

// swaps reports whether RENAME TABLE a TO b, ... leaves the names as they were.
func swaps(w []string) bool {
	if len(w) > 2 && w[1] == "IF" {
		w = w[2:] // TABLE IF EXISTS
	}
	var from, to []string
	into, name := &from, ""
	for _, t := range append(slices.Clone(w[1:]), ",") {
		switch t {
		case "TO", ",":
			*into = append(*into, name)
			name = ""
			if into = &to; t == "," {
				into = &from
			}
		default:
			name += strings.Trim(t, "`")
		}
	}
	slices.Sort(from)
	slices.Sort(to)
	return slices.Equal(from, to)
}
