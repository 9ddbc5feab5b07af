package migration

import "fmt"

// A StatementError is a statement that the server refused. Its text holds no SQL.
type StatementError struct {
	File      string
	Line      int
	Statement int    // counted from 1
	Code      string // SQLSTATE, or the server's error number
	Message   string // the server's
	Hint      string // the server's, or ours; "" if there is none
	Err       error  // the library's own
}

func (e *StatementError) Error() string {
	return fmt.Sprintf("%s, line %d (statement %d): %s (%s)", e.File, e.Line, e.Statement, e.Message, e.Code)
}

func (e *StatementError) Unwrap() error { return e.Err }

// A SyntaxError is text that ends inside something.
type SyntaxError struct {
	Line    int // where it began
	Message string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }
