package migration

import (
	"fmt"

	"github.com/initbox/initbox/internal/fault"
)

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

// Resume returns how many statements of a file are done already: those whose
// hashes were recorded, in order. What was done cannot change any more; what is
// still to be done may have been corrected.
func Resume(s *Step, done []string) (int, error) {
	for i, hash := range done {
		if i < len(s.Statements) && s.Statements[i].Hash() == hash {
			continue
		}
		return 0, fault.WithNext(
			fault.Finalf("%s: statement %d was changed after it had been run, and the file is only half done", s.Name, i+1),
			"restore the first statements of the file as they were, or finish by hand and record it with --resolve-dirty")
	}
	return len(done), nil
}
