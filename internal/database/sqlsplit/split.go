package sqlsplit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
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

// Postgres splits a script for PostgreSQL. Errors are of type *SyntaxError.
func Postgres(text string) ([]Statement, error) {
	return split(text, postgresDialect(), new(postgresBody))
}

func postgresDialect() *dialect {
	return &dialect{
		nestedComments: true, escapeStrings: true, dollarQuotes: true, commentEnds: "\r\n",
		clientCommands: "psql",
	}
}

// MySQL splits a script for MySQL or MariaDB. Errors are of type *SyntaxError.
func MySQL(text string) ([]Statement, error) {
	return split(text, mysqlDialect(), new(mysqlBody))
}

func mysqlDialect() *dialect {
	return &dialect{
		backslashes: true, backquotes: true, hashComments: true, blankAfterDashes: true, executableComments: true,
		delimiters: true, commentEnds: "\n", clientCommands: "mysql",
	}
}

// SQLite splits a script for SQLite. Errors are of type *SyntaxError.
func SQLite(text string) ([]Statement, error) {
	return split(text, sqliteDialect(), new(sqliteBody))
}

func sqliteDialect() *dialect {
	return &dialect{backquotes: true, brackets: true, commentEnds: "\n", clientCommands: "sqlite3", dotCommands: true}
}

// A body follows the tokens of one statement and knows whether a semicolon that
// comes next is part of it.
type body interface {
	reset()
	// token is told each token; follow is the first byte after it that is not a blank.
	token(t token, text string, follow byte)
	inside() bool
	// fault says what is wrong if the statement ends here, or "".
	fault() string
}

const bom = "\ufeff"

func split(text string, d *dialect, b body) ([]Statement, error) {
	s := &splitter{lexer: lexer{d: d, text: text, delimiter: ";"}, body: b, begin: none, line: 1}
	for strings.HasPrefix(text[s.pos:], bom) {
		s.pos += len(bom)
	}
	if err := s.run(); err != nil {
		return nil, &SyntaxError{Line: 1 + strings.Count(text[:err.at], "\n"), Message: err.message}
	}
	return s.found, nil
}

// none is the begin of a statement that has not begun.
const none = -1

type splitter struct {
	lexer
	body       body
	begin, end int // of the statement at hand
	found      []Statement

	counted, line int // line is the number of the line that the byte counted is in
}

func (s *splitter) run() *fault {
	if i := strings.IndexByte(s.text, 0); i >= 0 {
		return &fault{i, "a NUL byte: the file must be text in UTF-8"}
	}
	for {
		t, err := s.next()
		switch {
		case err != nil:
			return err
		case t.kind == end:
			return s.finish()
		case t.kind == separator && !s.body.inside():
			if err := s.finish(); err != nil {
				return err
			}
		case s.begin == none && s.d.delimiters && t.kind == word && strings.EqualFold(s.text[t.begin:t.end], "DELIMITER"):
			if err := s.setDelimiter(t); err != nil {
				return err
			}
		case s.begin == none && s.d.dotCommands && s.text[t.begin] == '.':
			return &fault{t.begin, "a command of the sqlite3 client, not SQL: initbox runs SQL only"}
		default:
			s.add(t)
		}
	}
}

func (s *splitter) add(t token) {
	if s.begin == none {
		s.begin = t.begin
		s.body.reset()
	}
	s.end = t.end
	if s.delimiter == ";" { // any other says by itself where a body ends
		s.body.token(t, s.text[t.begin:t.end], s.follow())
	}
}

// finish ends the statement at hand, if there is one.
func (s *splitter) finish() *fault {
	if s.begin == none {
		return nil
	}
	if s.delimiter == ";" {
		if message := s.body.fault(); message != "" {
			return &fault{s.begin, message}
		}
	}
	s.line += strings.Count(s.text[s.counted:s.begin], "\n")
	s.counted = s.begin
	s.found = append(s.found, Statement{SQL: s.text[s.begin:s.end], Line: s.line})
	s.begin = none
	return nil
}

// setDelimiter reads the rest of the line that t, the word DELIMITER, is in.
func (s *splitter) setDelimiter(t token) *fault {
	rest, _, _ := strings.Cut(s.text[s.pos:], "\n")
	s.pos += len(rest)
	fields := strings.Fields(rest)
	if len(fields) == 0 || strings.ContainsAny(fields[0], "\\\x00") {
		return &fault{t.begin, "DELIMITER must be followed by the delimiter, in the same line and without a backslash"}
	}
	s.delimiter = fields[0]
	if n := len(fields[0]) - 1; n > 1 && strings.IndexByte("'\"`", fields[0][0]) >= 0 && fields[0][n] == fields[0][0] {
		s.delimiter = fields[0][1:n] // as the client takes it
	}
	return nil
}
