package sqlsplit

import "strings"

// keyword returns a word in upper case if it is short enough to be a keyword that
// matters here, else "".
func keyword(t token, text string) string {
	if t.kind != word || len(text) > len("PROCEDURE") {
		return ""
	}
	return strings.ToUpper(text)
}

// A postgresBody knows parentheses, in which CREATE RULE has several statements,
// and the bodies of functions in SQL, BEGIN ATOMIC ... END.
type postgresBody struct {
	parens int
	blocks int // BEGIN ATOMIC and CASE within it that are open
	copies copyStdin
	begun  bool // the word before was BEGIN
}

func (b *postgresBody) reset() { *b = postgresBody{} }

func (b *postgresBody) token(t token, text string, _ byte) {
	if t.kind == mark {
		switch text {
		case "(":
			b.parens++
		case ")":
			b.parens = max(b.parens-1, 0)
		}
	}
	w := keyword(t, text)
	switch {
	case w == "ATOMIC" && b.begun, w == "CASE" && b.blocks > 0:
		b.blocks++
	case w == "END" && b.blocks > 0:
		b.blocks--
	}
	b.begun = w == "BEGIN"
	b.copies.token(t, w)
}

func (b *postgresBody) inside() bool { return b.parens > 0 || b.blocks > 0 }

func (b *postgresBody) fault() string {
	switch {
	case b.copies.found:
		return "COPY FROM STDIN takes its data from a client: write INSERT (pg_dump --inserts does)"
	case b.parens > 0:
		return "the statement that begins here has a ( that is not closed"
	case b.blocks > 0:
		return "the body BEGIN ATOMIC of the statement that begins here has no END"
	}
	return ""
}

// copyStdin finds COPY ... FROM STDIN.
type copyStdin struct {
	state int
	found bool
}

func (c *copyStdin) token(t token, w string) {
	switch {
	case c.state == 0 && w == "COPY":
		c.state = 1 // at the beginning of the statement
	case c.state == 0:
		c.state = none
	case c.state > 0 && w == "FROM":
		c.state = 2
	case c.state == 2 && w == "STDIN":
		c.found = true
	case c.state == 2:
		c.state = 1
	}
}

// A sqliteBody knows CREATE TRIGGER, which ends with "; END", as sqlite3_complete does.
type sqliteBody struct {
	words   int // of the header, until it is known
	trigger bool
	last    [2]string // tokens
}

func (b *sqliteBody) reset() { *b = sqliteBody{} }

func (b *sqliteBody) token(t token, text string, _ byte) {
	w := keyword(t, text)
	if t.kind == separator {
		w = ";"
	}
	switch {
	case b.words == 0 && w == "CREATE", b.words == 1 && (w == "TEMP" || w == "TEMPORARY"):
		b.words++
	case b.words > 0 && w == "TRIGGER":
		b.trigger, b.words = true, none
	default:
		b.words = none
	}
	b.last = [2]string{b.last[1], w}
}

func (b *sqliteBody) inside() bool { return b.trigger && b.last != [2]string{";", "END"} }

func (b *sqliteBody) fault() string {
	if b.inside() {
		return "the trigger that begins here has no END"
	}
	return ""
}
