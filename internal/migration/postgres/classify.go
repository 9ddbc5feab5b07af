package postgres

import (
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/migration"
	"github.com/initbox/initbox/internal/sqlsplit"
)

// A kind is what a statement means for transactions.
type kind int

const (
	plain  kind = iota
	begins      // BEGIN
	ends        // COMMIT
	undoes      // ROLLBACK
	alone       // refused inside a transaction
	opaque      // CALL, DO: may commit by itself
)

// noTransaction is the first line of a file whose statements commit one by one.
const noTransaction = "-- initbox:no-transaction"

// classify tells the kind of a statement by its first words.
func classify(sql string) kind {
	w := words(sql, 24)
	is := func(pattern string) bool { // each word one of several, | between them; * is any
		for i, alternatives := range strings.Fields(pattern) {
			if i >= len(w) || alternatives != "*" && !slices.Contains(strings.Split(alternatives, "|"), w[i]) {
				return false
			}
		}
		return true
	}
	concurrently := slices.Contains(w, "concurrently")
	switch {
	case is("begin"), is("start transaction"):
		return begins
	case is("commit|rollback prepared"):
		return alone
	case is("prepare transaction"): // what it holds is not committed yet
		return undoes
	case is("rollback|abort"):
		if slices.Contains(w, "to") {
			return plain // to a savepoint
		}
		return undoes
	case is("commit|end"):
		return ends
	case is("vacuum"), is("alter system"), is("create|drop database|tablespace|subscription"),
		is("cluster") && len(w) == 1, is("cluster verbose") && len(w) == 2,
		is("reindex") && strings.Contains(strings.ToLower(sql), "concurrently"), is("reindex database|system|schema"),
		is("drop index concurrently"), is("create index concurrently"), is("create unique index concurrently"),
		is("alter table") && concurrently,
		is("alter database * set tablespace"), is("alter subscription * refresh"):
		return alone
	case is("call"), is("do"):
		return opaque
	default:
		return plain
	}
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
// are of type *migration.SyntaxError.
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
		case slices.Equal(words(s.SQL, 3), []string{"discard", "all"}):
			return migration.Syntax(s.Line, "DISCARD ALL would give up the lock of the migrations")
		case k == begins:
			open = s.Line
		case (k == ends || k == undoes) && open == 0:
			return migration.Syntax(s.Line, "this ends a transaction that the file has not begun")
		case (k == ends || k == undoes) && strings.HasSuffix(strings.ToLower(s.SQL), "and chain"):
			return migration.Syntax(s.Line, "AND CHAIN is not supported: write COMMIT and BEGIN")
		case k == ends, k == undoes:
			open = 0
		case k == alone && open != 0:
			return migration.Syntax(s.Line, "PostgreSQL refuses this statement inside the transaction that was begun in line %d", open)
		}
	}
	if open != 0 {
		return migration.Syntax(open, "the transaction that begins here is not committed")
	}
	return nil
}

// A unit is a part of a file that commits as one.
type unit struct {
	from, to int  // statements, to is not part of it
	explicit bool // begins and ends its transaction itself
	alone    bool // no transaction, so nothing can be recorded in it
	undone   bool // ends with ROLLBACK
}

// units cuts a file up.
func units(s *migration.Step) []unit {
	kinds := make([]kind, len(s.Statements))
	split := firstLine(s.Text) == noTransaction
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
		u := unit{from: i, to: i + 1}
		switch kinds[i] {
		case begins:
			u.explicit = true
			for ; kinds[i] != ends && kinds[i] != undoes; i++ {
			}
			u.to, u.undone = i+1, kinds[i] == undoes
		case alone:
			u.alone = true
		case opaque:
			u.alone = single // asked for: only then may it commit by itself
		}
		all = append(all, u)
	}
	return all
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}

// changesSession reports whether one of the statements sets what would last
// beyond its file.
func changesSession(statements []migration.Statement) bool {
	return slices.ContainsFunc(statements, func(s migration.Statement) bool {
		w := words(s.SQL, 2)
		switch {
		case len(w) == 2 && w[0] == "set":
			return w[1] != "local" && w[1] != "transaction" && w[1] != "constraints"
		default:
			return strings.Contains(strings.ToLower(s.SQL), "set_config")
		}
	})
}
