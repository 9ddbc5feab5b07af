package mysql

import (
	"slices"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/sqlsplit"
)

// Parse cuts a file into its statements and refuses what cannot run here. Errors
// are of type *migration.SyntaxError.
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
				return nil, migration.Syntax(s.Line, "AND CHAIN and RELEASE are not supported: write COMMIT or ROLLBACK alone")
			}
			if k != rollsBackTo {
				open = 0
			}
		case ddl:
			open = 0 // it has committed
		}
	}
	if open != 0 {
		return nil, migration.Syntax(open, "the transaction that begins here is not committed")
	}
	return statements, nil
}
