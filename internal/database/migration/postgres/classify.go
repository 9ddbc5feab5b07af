package postgres

import (
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/sqlsplit"
)

// A kind is what a statement means for transactions.
type kind int

const (
	plain   kind = iota
	begins       // BEGIN
	ends         // COMMIT
	undoes       // ROLLBACK
	alone        // refused inside a transaction
	opaque       // CALL, DO: may commit by itself
	unlocks      // DISCARD ALL
)

// classify tells the kind of a statement by its first words.
func classify(sql string) kind {
	w := words(sql, 1)
	if len(w) == 0 {
		return plain
	}
	switch w[0] {
	case "create", "drop", "alter", "reindex", "cluster", "commit", "rollback", "prepare", "discard", "start":
		w = words(sql, 24)
	}
	at := func(i int, alternatives ...string) bool { return i < len(w) && slices.Contains(alternatives, w[i]) }
	refused := false
	switch w[0] {
	case "begin":
		return begins
	case "start":
		if at(1, "transaction") {
			return begins
		}
	case "commit", "end":
		if !at(1, "prepared") {
			return ends
		}
		refused = true
	case "rollback", "abort":
		switch {
		case at(1, "prepared"):
			refused = true
		case !slices.Contains(w, "to"): // a savepoint
			return undoes
		}
	case "prepare":
		if at(1, "transaction") { // what it holds is not committed yet
			return undoes
		}
	case "call", "do":
		return opaque
	case "discard":
		if at(1, "all") {
			return unlocks
		}
	case "vacuum":
		refused = true
	case "cluster":
		refused = len(w) == 1 || len(w) == 2 && w[1] == "verbose"
	case "reindex":
		refused = at(1, "database", "system", "schema") || strings.Contains(strings.ToLower(sql), "concurrently")
	case "create":
		refused = at(1, "database", "tablespace", "subscription") ||
			at(1, "index") && at(2, "concurrently") || at(1, "unique") && at(2, "index") && at(3, "concurrently")
	case "drop":
		refused = at(1, "database", "tablespace", "subscription") || at(1, "index") && at(2, "concurrently")
	case "alter":
		refused = at(1, "system") || at(1, "table") && slices.Contains(w, "concurrently") ||
			at(1, "database") && at(3, "set") && at(4, "tablespace") || at(1, "subscription") && at(3, "refresh")
	}
	if refused {
		return alone
	}
	return plain
}

// words returns the first n tokens of a statement in lower case.
func words(sql string, n int) []string {
	w := sqlsplit.PostgresTokens(sql, n)
	for i := range w {
		w[i] = strings.ToLower(w[i])
	}
	return w
}

// Parse cuts a file into its statements and refuses what cannot run here. Errors
// are of type *sqlsplit.SyntaxError.
func Parse(sql string) ([]migration.Statement, error) {
	statements, err := sqlsplit.Postgres(sql)
	if err != nil {
		return nil, err
	}
	return statements, checkTransactions(statements)
}

// checkTransactions refuses transactions that do not match.
func checkTransactions(statements []migration.Statement) error {
	open := 0 // line
	for _, s := range statements {
		switch k := classify(s.SQL); {
		case k == unlocks:
			return sqlsplit.Errorf(s.Line, "DISCARD ALL would give up the lock of the migrations")
		case k == begins:
			open = s.Line
		case (k == ends || k == undoes) && open == 0:
			return sqlsplit.Errorf(s.Line, "this ends a transaction that the file has not begun")
		case (k == ends || k == undoes) && strings.HasSuffix(strings.ToLower(s.SQL), "and chain"):
			return sqlsplit.Errorf(s.Line, "AND CHAIN is not supported: write COMMIT and BEGIN")
		case k == ends, k == undoes:
			open = 0
		case k == alone && open != 0:
			return sqlsplit.Errorf(s.Line, "PostgreSQL refuses this statement inside the transaction that was begun in line %d", open)
		}
	}
	if open != 0 {
		return sqlsplit.Errorf(open, "the transaction that begins here is not committed")
	}
	return nil
}

// A unit is a part of a file that commits as one.
type unit struct {
	from, to int  // statements, to is not part of it
	explicit bool // begins and ends its transaction itself
	alone    bool // no transaction, so nothing can be recorded in it
	single   bool // asked to be so, but tried in a transaction: most can be, and then nothing is ever in doubt
	undone   bool // ends with ROLLBACK
}

// units cuts a file up.
func units(s *migration.Step) []unit {
	kinds := make([]kind, len(s.Statements))
	split := migration.OneByOne(s.Text)
	single := split
	for i, st := range s.Statements {
		kinds[i] = classify(st.SQL)
		split = split || kinds[i] == begins || kinds[i] == alone
	}
	if !split {
		return []unit{{to: len(s.Statements)}}
	}
	var all []unit
	for i := 0; i < len(kinds); i++ {
		u := unit{from: i, to: i + 1, single: single && (kinds[i] == plain || kinds[i] == opaque)}
		switch kinds[i] {
		case begins:
			u.explicit = true
			for ; kinds[i] != ends && kinds[i] != undoes; i++ {
			}
			u.to, u.undone = i+1, kinds[i] == undoes
		case alone:
			u.alone = true
		}
		all = append(all, u)
	}
	return all
}

// altersSession reports whether one of the statements sets what would last
// beyond its file.
func altersSession(statements []migration.Statement) bool {
	return slices.ContainsFunc(statements, func(s migration.Statement) bool {
		w := words(s.SQL, 2)
		switch {
		case len(w) == 2 && w[0] == "set":
			return w[1] != "local" && w[1] != "transaction" && w[1] != "constraints"
		case len(w) == 2 && w[0] == "reset", classify(s.SQL) == opaque: // RESET undoes what the session was set up with
			return true
		default:
			return strings.Contains(strings.ToLower(s.SQL), "set_config")
		}
	})
}
