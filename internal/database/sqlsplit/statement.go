package sqlsplit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// A Statement is one statement of a script, without the separator after it.
type Statement struct {
	SQL  string
	Line int // in the script, of its first character, counted from 1
}

// Hash identifies the statement by its text.
func (s Statement) Hash() string {
	sum := sha256.Sum256([]byte(s.SQL))
	return hex.EncodeToString(sum[:])
}

// A SyntaxError is text that ends inside something, or that cannot run where it stands.
type SyntaxError struct {
	Line    int // where it began
	Message string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// Errorf returns a *SyntaxError.
func Errorf(line int, format string, args ...any) error {
	return &SyntaxError{Line: line, Message: fmt.Sprintf(format, args...)}
}
