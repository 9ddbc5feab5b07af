package sqlsplit

import "strings"

// A dialect says what the lexer knows.
type dialect struct {
	backslashes        bool   // escape in '..' and ".."
	backquotes         bool   // `..`
	brackets           bool   // [..]
	escapeStrings      bool   // E'..' with backslashes
	dollarQuotes       bool   // $tag$..$tag$
	nestedComments     bool   // /* /* */ */
	hashComments       bool   // # to the end of the line
	blankAfterDashes   bool   // -- is a comment only before a blank
	executableComments bool   // /*! */ is no comment
	delimiters         bool   // DELIMITER
	dotCommands        bool   // .read
	commentEnds        string // bytes that end a comment of one line
	clientCommands     string // the client that takes \x for a command
}

// A kind is one of tokens.
type kind int

const (
	word   kind = iota // name, keyword or number
	quoted             // string or quoted name
	mark               // any other byte
	separator
	end
)

type token struct {
	kind       kind
	begin, end int
}

// A fault is what is wrong with the text at a place.
type fault struct {
	at      int
	message string
}

type lexer struct {
	d          *dialect
	text       string
	pos        int
	delimiter  string
	executable int // begin of the /*! that pos is in, counted from 1; 0 for none
}

// next returns the token at pos, after blanks and comments, and goes past it.
func (l *lexer) next() (token, *fault) {
	if err := l.skip(); err != nil {
		return token{}, err
	}
	begin := l.pos
	if begin == len(l.text) {
		if l.executable > 0 {
			return token{}, &fault{l.executable - 1, "the comment /*! that begins here has no */"}
		}
		return token{kind: end, begin: begin, end: begin}, nil
	}
	if l.executable == 0 && l.atDelimiter(begin) {
		l.pos += len(l.delimiter)
		return token{kind: separator, begin: begin, end: l.pos}, nil
	}
	k, err := l.scan(l.text[begin])
	return token{kind: k, begin: begin, end: l.pos}, err
}

func (l *lexer) atDelimiter(i int) bool {
	return l.text[i] == l.delimiter[0] && strings.HasPrefix(l.text[i:], l.delimiter)
}

// skip goes past blanks and comments.
func (l *lexer) skip() *fault {
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		rest := l.text[l.pos:]
		switch {
		case isBlank(c):
			l.pos++
		case l.delimiter != ";" && l.executable == 0 && l.atDelimiter(l.pos):
			return nil
		case c == '-' && l.atDashes(rest), c == '#' && l.d.hashComments:
			i := strings.IndexAny(rest, l.d.commentEnds)
			if i < 0 {
				i = len(rest)
			}
			l.pos += i
		case c == '*' && l.executable > 0 && strings.HasPrefix(rest, "*/"):
			return nil // a token, so that what it ends is part of the statement
		case c == '/' && strings.HasPrefix(rest, "/*") && !l.atExecutable(rest):
			if err := l.skipComment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) atDashes(rest string) bool {
	return strings.HasPrefix(rest, "--") && (!l.d.blankAfterDashes || len(rest) == 2 || rest[2] <= ' ')
}

// atExecutable reports whether rest begins with a comment that MySQL runs. A
// hint, /*+, stays as well: it is part of its statement anyhow.
func (l *lexer) atExecutable(rest string) bool {
	return l.d.executableComments && (strings.HasPrefix(rest, "/*!") || strings.HasPrefix(rest, "/*M!"))
}

func (l *lexer) skipComment() *fault {
	begin, depth := l.pos, 1
	l.pos += 2
	for depth > 0 {
		i := strings.IndexAny(l.text[l.pos:], "*/")
		if i < 0 {
			return &fault{begin, "the comment /* that begins here has no */"}
		}
		l.pos += i
		rest := l.text[l.pos:]
		switch {
		case strings.HasPrefix(rest, "*/"):
			depth--
			l.pos += 2
		case l.d.nestedComments && strings.HasPrefix(rest, "/*"):
			depth++
			l.pos += 2
		default:
			l.pos++
		}
	}
	return nil
}

// scan goes past the token that begins with c.
func (l *lexer) scan(c byte) (kind, *fault) {
	rest := l.text[l.pos:]
	switch {
	case isWord(c):
		return l.scanWord()
	case c == '\'', c == '"':
		return quoted, l.scanQuoted(c, l.d.backslashes)
	case c == '`' && l.d.backquotes:
		return quoted, l.scanQuoted(c, false)
	case c == '[' && l.d.brackets:
		return quoted, l.scanBrackets()
	case c == '$' && l.d.dollarQuotes:
		return l.scanDollar()
	case c == '\\' && !(l.d.backslashes && strings.HasPrefix(rest, `\N`)): // \N is NULL of MySQL
		n := 1
		for n < min(len(rest), 20) && isWord(rest[n]) {
			n++
		}
		return mark, &fault{l.pos, rest[:n] + " is a command of the " + l.d.clientCommands + " client, not SQL: initbox runs SQL only"}
	case l.executable > 0 && strings.HasPrefix(rest, "*/"):
		l.executable = 0
		l.pos += 2
		return mark, nil
	case c == '/' && l.executable == 0 && l.atExecutable(rest):
		l.executable = l.pos + 1
		l.pos += strings.IndexByte(rest, '!') + 1
		for l.pos < len(l.text) && l.text[l.pos] >= '0' && l.text[l.pos] <= '9' { // the version
			l.pos++
		}
		return mark, nil
	}
	l.pos++
	return mark, nil
}

func (l *lexer) scanWord() (kind, *fault) {
	begin := l.pos
	for l.pos < len(l.text) && (isWord(l.text[l.pos]) || l.text[l.pos] == '$') {
		if l.delimiter != ";" && l.pos > begin && l.executable == 0 && l.atDelimiter(l.pos) {
			return word, nil
		}
		l.pos++
	}
	if l.d.escapeStrings && l.pos == begin+1 && l.text[begin]|0x20 == 'e' && l.pos < len(l.text) && l.text[l.pos] == '\'' {
		return quoted, l.scanQuoted('\'', true)
	}
	return word, nil
}

// scanQuoted goes past the quotes at pos. The quote itself is doubled inside.
func (l *lexer) scanQuoted(quote byte, backslashes bool) *fault {
	begin := l.pos
	l.pos++
	stops := string(rune(quote))
	if backslashes {
		stops += `\`
	}
	for {
		i := strings.IndexAny(l.text[l.pos:], stops)
		if i < 0 {
			return &fault{begin, "the quote " + string(quote) + " that begins here is not closed"}
		}
		l.pos += i + 1
		switch c := l.text[l.pos-1]; {
		case c == '\\':
			l.pos = min(l.pos+1, len(l.text))
		case l.pos < len(l.text) && l.text[l.pos] == quote:
			l.pos++
		default:
			return nil
		}
	}
}

func (l *lexer) scanBrackets() *fault {
	i := strings.IndexByte(l.text[l.pos:], ']')
	if i < 0 {
		return &fault{l.pos, "the quote [ that begins here is not closed"}
	}
	l.pos += i + 1
	return nil
}

// scanDollar goes past $tag$..$tag$, or behind the $ if it begins none.
func (l *lexer) scanDollar() (kind, *fault) {
	rest := l.text[l.pos:]
	n := 1
	for n < len(rest) && isWord(rest[n]) && (n > 1 || !isDigit(rest[n])) {
		n++
	}
	if n == len(rest) || rest[n] != '$' {
		l.pos++
		return mark, nil
	}
	tag := rest[:n+1]
	i := strings.Index(rest[len(tag):], tag)
	if i < 0 {
		return quoted, &fault{l.pos, "the quote " + tag + " that begins here is not closed"}
	}
	l.pos += len(tag) + i + len(tag)
	return quoted, nil
}

// follow returns the first byte at or after pos that is not a blank, or 0.
func (l *lexer) follow() byte {
	for i := l.pos; i < len(l.text); i++ {
		if !isBlank(l.text[i]) {
			return l.text[i]
		}
	}
	return 0
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isWord holds for the bytes of names, keywords and numbers; those that are not
// ASCII are all taken for letters, as all three databases do.
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c) || c == '_' || c >= 0x80
}
