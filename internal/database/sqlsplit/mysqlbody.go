package sqlsplit

import "slices"

// A mysqlBody knows stored programs without DELIMITER, and MariaDB's compound
// statements outside of programs, by counting what is open.
type mysqlBody struct {
	state int
	open  []byte // 'B' for BEGIN, 'C' for CASE, 'I' for IF, 'L' for a loop
	ifAt  int    // how many were open at an IF whose THEN has not come; none for no such
	prev  string // token before: a keyword, a mark, or "" for anything else
	ended bool   // the word before was an END that has not been counted yet
}

// States of a mysqlBody.
const (
	start   = iota
	header  // after CREATE, before it is known what is created
	begun   // after a BEGIN that begins a transaction, or with NOT ATOMIC a block
	plain   // nothing that could have a body
	program // something that may have a body
)

func (b *mysqlBody) reset() { *b = mysqlBody{ifAt: none, open: b.open[:0]} }

func (b *mysqlBody) token(t token, text string, follow byte) {
	w := keyword(t, text)
	if b.state != program {
		b.begin(t, w)
	}
	if b.state == program {
		b.count(w, follow)
	}
	b.prev = w
	if t.kind == mark || t.kind == separator {
		b.prev = text
	}
	if t.kind == separator {
		b.ifAt = none
	}
}

// begin looks for the beginning of a program.
func (b *mysqlBody) begin(t token, w string) {
	switch {
	case t.kind == mark && b.state == start:
		// The /*! of an executable comment, or its */.
	case b.state == start:
		switch w {
		case "CREATE", "ALTER":
			b.state = header
		case "BEGIN":
			b.state = begun
		case "IF", "CASE", "LOOP", "WHILE", "REPEAT":
			b.state = program
		default:
			b.state = plain
		}
	case b.state == begun:
		b.state = plain
		if w == "NOT" {
			b.state, b.open = program, append(b.open, 'B')
		}
	case b.state == header:
		if b.prev == "=" || b.prev == "@" { // DEFINER = user@host
			return
		}
		switch w {
		case "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT":
			b.state = program
		case "TABLE", "VIEW", "INDEX", "DATABASE", "SCHEMA", "USER", "ROLE", "SERVER", "SEQUENCE":
			b.state = plain
		}
	}
}

// count follows the blocks of a program.
func (b *mysqlBody) count(w string, follow byte) {
	if b.ended {
		b.ended = false
		if w == "FOR" && b.top() != 'C' {
			return // it was not counted when it began, for FOR begins many things
		}
		if len(b.open) > 0 {
			b.open = b.open[:len(b.open)-1]
		}
		switch w {
		case "IF", "CASE", "LOOP", "WHILE", "REPEAT":
			return
		}
	}
	switch w {
	case "BEGIN":
		if !b.operand(follow) {
			b.open = append(b.open, 'B')
		}
	case "END":
		b.ended = len(b.open) > 0 && (b.top() == 'C' || !b.operand(follow))
	case "CASE":
		b.open = append(b.open, 'C')
	case "LOOP", "WHILE":
		b.open = append(b.open, 'L')
	case "REPEAT":
		if follow != '(' {
			b.open = append(b.open, 'L')
		}
	default:
		b.countIf(w)
	}
}

// countIf tells the statement IF from the function IF(): after the statement
// comes a THEN that belongs to no CASE.
func (b *mysqlBody) countIf(w string) {
	switch w {
	case "IF":
		if len(b.open) == 0 || slices.Contains([]string{";", ":", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT"}, b.prev) {
			b.ifAt = len(b.open)
		}
	case "THEN":
		if b.ifAt == len(b.open) {
			b.open, b.ifAt = append(b.open, 'I'), none
		}
	case "WHEN", "ELSEIF":
		if b.ifAt == len(b.open) {
			b.ifAt = none
		}
	}
}

func (b *mysqlBody) top() byte { return b.open[len(b.open)-1] }

// operand reports whether the word at hand, BEGIN or END, which are not reserved,
// is a column's name.
func (b *mysqlBody) operand(follow byte) bool {
	switch b.prev {
	case ".", ",", "(", "=", "<", ">", "+", "SELECT", "BY", "WHERE", "AND", "OR", "ON", "SET", "AS", "BETWEEN", "CALL", "COLUMN":
		return true
	}
	switch follow {
	case '.', ',', ')', '=', '<', '>', '+':
		return true
	}
	return false
}

func (b *mysqlBody) inside() bool {
	return b.state == program && (len(b.open) > 1 || len(b.open) == 1 && !b.ended)
}

func (b *mysqlBody) fault() string {
	if b.inside() {
		return "the stored program that begins here has no END: write DELIMITER $$ before it, $$ behind it and then DELIMITER ;"
	}
	return ""
}
