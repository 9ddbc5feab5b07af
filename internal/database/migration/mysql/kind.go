package mysql

import (
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/sqlsplit"
)

// A kind is what a statement means for the transaction and the session it runs in.
type kind int

const (
	plain       kind = iota // UPDATE and the like, which do not commit
	inserts                 // INSERT of VALUES: the same, and quick
	session                 // SET and the like, whose effect ends with the session
	ddl                     // commits by itself, before and after
	executes                // EXECUTE: any one statement, whose text is not in the file
	opaque                  // CALL and the like: any number of statements
	begins                  // BEGIN
	commits                 // COMMIT
	rollsBack               // ROLLBACK
	rollsBackTo             // ROLLBACK TO a savepoint
	locks                   // LOCK TABLES, UNLOCK TABLES
)

// maxColumns is how far to look for the VALUES of an INSERT.
const maxColumns = 100

// classify tells the kind of a statement by its first words. What it does not know
// it takes for DDL, as most of that is.
func classify(sql string) kind {
	w := words(sql, 4)
	switch w[0] {
	case "INSERT":
		if slices.Contains(words(sql, maxColumns), "VALUES") {
			return inserts
		}
		return plain
	case "UPDATE", "DELETE", "REPLACE", "SELECT", "WITH", "VALUES", "TABLE", "DO", "SHOW", "EXPLAIN", "DESCRIBE", "DESC",
		"SAVEPOINT", "RELEASE", "HANDLER", "SIGNAL", "(":
		return plain
	case "USE", "PREPARE", "DEALLOCATE":
		return session
	case "EXECUTE":
		return executes
	case "CALL", "IF", "CASE", "LOOP", "WHILE", "REPEAT", "FOR", "XA":
		return opaque
	case "COMMIT":
		return commits
	case "ROLLBACK":
		if slices.Contains(w, "TO") {
			return rollsBackTo
		}
		return rollsBack
	case "LOCK", "UNLOCK":
		return locks
	}
	return classifyTwo(sql, w[0], w[1])
}

// classifyTwo does so where the second word counts.
func classifyTwo(sql, first, second string) kind {
	switch first + " " + second {
	case "LOAD DATA", "LOAD XML", "CREATE TEMPORARY", "DROP TEMPORARY":
		return plain
	case "DROP PREPARE":
		return session
	case "START TRANSACTION":
		return begins
	case "BEGIN NOT":
		return opaque
	case "SET GLOBAL", "SET PERSIST", "SET PASSWORD", "SET DEFAULT":
		return ddl
	case "SET STATEMENT": // FOR another one
		if slices.Contains(words(sql, -1), "CALL") {
			return opaque
		}
		return executes
	}
	switch first {
	case "SET":
		return session
	case "BEGIN":
		return begins
	}
	return ddl
}

// words returns the first n words of a statement in upper case, "" for those that
// it does not have; all words for -1.
func words(sql string, n int) []string {
	all := sqlsplit.MySQLTokens(sql, n)
	for i, w := range all {
		all[i] = strings.ToUpper(w)
	}
	return append(all, make([]string, max(n-len(all), 0))...)
}

// commitsItself reports whether a statement is DDL of which that is certain.
func commitsItself(sql string) bool {
	return classify(sql) == ddl && slices.Contains([]string{"CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE"}, words(sql, 1)[0])
}

// maySet reports whether a statement may change what is set in the session, also by a
// function that it calls or a trigger of a table that it changes.
func maySet(sql string) bool {
	switch classify(sql) {
	case begins, rollsBackTo:
		return false
	case ddl:
		return !commitsItself(sql) || slices.ContainsFunc(sqlsplit.MySQLTokens(sql, -1), func(t string) bool { return strings.EqualFold(t, "SELECT") })
	}
	return true
}

// Parse cuts a file into its statements and refuses what cannot run here. Errors
// are of type *sqlsplit.SyntaxError.
func Parse(sql string) ([]migration.Statement, error) {
	statements, err := sqlsplit.MySQL(sql)
	if err != nil {
		return nil, err
	}
	open := 0 // line of the BEGIN
	for _, s := range statements {
		switch k := classify(s.SQL); k {
		case begins:
			open = s.Line
		case commits, rollsBack, rollsBackTo:
			if w := words(s.SQL, 5); slices.Contains(w, "CHAIN") || slices.Contains(w, "RELEASE") {
				return nil, sqlsplit.Errorf(s.Line, "AND CHAIN and RELEASE are not supported: write COMMIT or ROLLBACK alone")
			}
			if k != rollsBackTo {
				open = 0
			}
		case ddl:
			open = 0 // it has committed
		}
	}
	if open != 0 {
		return nil, sqlsplit.Errorf(open, "the transaction that begins here is not committed")
	}
	return statements, nil
}
