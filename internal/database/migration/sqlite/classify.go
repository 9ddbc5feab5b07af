package sqlite

import (
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/sqlsplit"
)

// A kind is what a statement means for transactions.
type kind int

const (
	plain       kind = iota
	foreignKeys      // PRAGMA foreign_keys, which does nothing in a transaction
	pragma           // any other, of the session or of the file
	attach           // ATTACH, DETACH: of the session
	alone            // VACUUM and PRAGMA journal_mode, refused in a transaction
	begins
	commits
	rollsBack
)

// classify tells the kind of a statement by its first words.
func classify(sql string) kind {
	w := words(sql)
	switch w[0] {
	case "PRAGMA":
		name := strings.Trim(w[1], "[]`\"")
		if w[2] == "." {
			name = strings.Trim(w[3], "[]`\"")
		}
		switch name {
		case "FOREIGN_KEYS":
			return foreignKeys
		case "JOURNAL_MODE", "WAL_CHECKPOINT", "SYNCHRONOUS", "AUTO_VACUUM", "PAGE_SIZE", "INCREMENTAL_VACUUM", "LOCKING_MODE":
			return alone
		}
		return pragma
	case "VACUUM":
		return alone
	case "ATTACH", "DETACH":
		return attach
	case "BEGIN":
		return begins
	case "COMMIT", "END":
		return commits
	case "ROLLBACK":
		if !slices.Contains(w[:], "TO") {
			return rollsBack
		}
	}
	return plain
}

func words(sql string) (w [6]string) {
	for i, t := range sqlsplit.SQLiteTokens(sql, len(w)) {
		w[i] = strings.ToUpper(t)
	}
	return w
}

// An outline says which statements of a file are its transaction: from from up to
// to. Those before and after it are PRAGMA foreign_keys, a BEGIN and its COMMIT.
type outline struct{ from, to int }

func outlineOf(kinds []kind) outline {
	o := outline{0, len(kinds)}
	for o.from < o.to && kinds[o.from] == foreignKeys {
		o.from++
	}
	for o.to > o.from && kinds[o.to-1] == foreignKeys {
		o.to--
	}
	if o.to-o.from >= 2 && kinds[o.from] == begins && kinds[o.to-1] == commits {
		o.from++
		o.to--
	}
	return o
}

func kindsOf(statements []migration.Statement) []kind {
	kinds := make([]kind, len(statements))
	for i, s := range statements {
		kinds[i] = classify(s.SQL)
	}
	return kinds
}

// altersSession reports whether one of the statements sets what would last beyond
// its file.
func altersSession(statements []migration.Statement) bool {
	return slices.ContainsFunc(statements, func(s migration.Statement) bool {
		switch classify(s.SQL) {
		case foreignKeys, pragma, attach, alone:
			return true
		}
		object := words(s.SQL)[1]
		return object == "TEMP" || object == "TEMPORARY"
	})
}

// Parse cuts a file into its statements and refuses what cannot run here. Errors
// are of type *sqlsplit.SyntaxError.
func Parse(sql string) ([]migration.Statement, error) {
	statements, err := sqlsplit.SQLite(sql)
	if err != nil {
		return nil, err
	}
	kinds := kindsOf(statements)
	if migration.OneByOne(sql) {
		return statements, checkSeparate(statements, kinds)
	}
	o := outlineOf(kinds)
	for i := o.from; i < o.to; i++ {
		line := statements[i].Line
		switch kinds[i] {
		case foreignKeys:
			return nil, sqlsplit.Errorf(line, "PRAGMA foreign_keys does nothing in the transaction that this file is: write it at the beginning or the end of the file")
		case alone, attach:
			return nil, sqlsplit.Errorf(line, "SQLite refuses this in the transaction that this file is: write %s into the first line of the file", migration.NoTransaction)
		case begins, commits, rollsBack:
			return nil, sqlsplit.Errorf(line, "this file is one transaction already: leave this out, or write %s into the first line of the file", migration.NoTransaction)
		}
	}
	return statements, nil
}

func checkSeparate(statements []migration.Statement, kinds []kind) error {
	open := 0 // line
	for i, k := range kinds {
		switch line := statements[i].Line; {
		case k == begins:
			open = line
		case k == commits && open == 0, k == rollsBack:
			return sqlsplit.Errorf(line, "this ends a transaction that the file has not begun, or takes one back: leave it out")
		case k == commits:
			open = 0
		case open != 0 && k != plain && k != pragma:
			return sqlsplit.Errorf(line, "SQLite refuses this in the transaction that was begun in line %d", open)
		}
	}
	if open != 0 {
		return sqlsplit.Errorf(open, "the transaction that begins here is not committed")
	}
	return nil
}
