package sqlsplit

import "iter"

// tokensOf returns the tokens of a statement up to the first fault.
func tokensOf(d *dialect, statement string) iter.Seq2[token, string] {
	return func(yield func(token, string) bool) {
		l := &lexer{d: d, text: statement, delimiter: ";"}
		for {
			t, err := l.next()
			if err != nil || t.kind == end || !yield(t, statement[t.begin:t.end]) {
				return
			}
		}
	}
}

// PostgresTokens returns up to n tokens from the begin of a statement for
// PostgreSQL: words, strings and quoted names, and other characters. What is in
// parentheses is left out, and so are they. It is for telling what a statement
// does, which its first words say.
func PostgresTokens(statement string, n int) []string {
	var all []string
	parens := 0
	for _, text := range tokensOf(postgresDialect(), statement) {
		switch {
		case text == "(":
			parens++
		case text == ")":
			parens = max(parens-1, 0)
		case parens == 0:
			all = append(all, text)
		}
		if len(all) == n {
			break
		}
	}
	return all
}

// MySQLTokens returns up to n tokens from the begin of a statement for MySQL.
// Executable comments count as if they were none.
func MySQLTokens(statement string, n int) []string {
	var all []string
	for t, text := range tokensOf(mysqlDialect(), statement) {
		if t.kind == mark && len(text) > 1 {
			continue // the /*!40101 or the */
		}
		if all = append(all, text); len(all) == n {
			break
		}
	}
	return all
}

// SQLiteTokens returns up to n tokens from the begin of a statement for SQLite.
func SQLiteTokens(statement string, n int) []string {
	var all []string
	for _, text := range tokensOf(sqliteDialect(), statement) {
		if all = append(all, text); len(all) == n {
			break
		}
	}
	return all
}
