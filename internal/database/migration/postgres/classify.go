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
	// An INSERT may have its 24th token megabytes later.
	switch strings.Join(words(sql, 1), "") {
	case "begin", "start", "commit", "end", "rollback", "abort", "prepare", "call", "do", "discard",
		"vacuum", "cluster", "reindex", "create", "drop", "alter":
	default:
		return plain
	}
	w := words(sql, 24)
	text := strings.Join(w, " ") + " "
	begin := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(text, p+" ") })
	}
	has := func(word string) bool { return slices.Contains(w, word) }
	switch {
	case begin("begin", "start transaction"):
		return begins
	case begin("commit prepared", "rollback prepared"):
		return alone
	case begin("commit", "end"):
		return ends
	case begin("rollback", "abort") && !has("to"), // a savepoint
		begin("prepare transaction"): // what it holds is not committed yet
		return undoes
	case begin("call", "do"):
		return opaque
	case begin("discard all"):
		return unlocks
	case begin("vacuum", "alter system", "create database", "create tablespace", "create subscription",
		"drop database", "drop tablespace", "drop subscription", "reindex database", "reindex system", "reindex schema",
		"create index concurrently", "create unique index concurrently", "drop index concurrently"),
		begin("reindex") && strings.Contains(strings.ToLower(sql), "concurrently"), // or REINDEX (CONCURRENTLY)
		begin("alter table") && has("concurrently"),
		begin("alter database") && has("tablespace"),
		begin("alter subscription") && has("refresh"),
		text == "cluster ", text == "cluster verbose ":
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
	if !split || len(kinds) == 0 {
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
