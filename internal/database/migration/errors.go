package migration

import "fmt"

// Hints of ours that several databases share.
const (
	HintExists = "somebody made it without this migration: say with --baseline which version the schema has already, or let the file make only what is missing (IF NOT EXISTS)"
	HintDenied = "GRANT the user what it lacks, or migrate as the owner of the schema and its tables"
)

// A StatementError is a statement that the server refused. Its text holds no SQL.
type StatementError struct {
	File      string
	Line      int
	Statement int    // counted from 1; 0 for what is checked as the file ends
	Code      string // SQLSTATE, or the server's error number
	Message   string // the server's
	Hint      string // the server's, or ours; "" if there is none
	Err       error  // the library's own
}

func (e *StatementError) Error() string {
	if e.Statement == 0 {
		return fmt.Sprintf("%s, at its end: %s (%s)", e.File, e.Message, e.Code)
	}
	return fmt.Sprintf("%s, line %d (statement %d): %s (%s)", e.File, e.Line, e.Statement, e.Message, e.Code)
}

func (e *StatementError) Unwrap() error { return e.Err }
