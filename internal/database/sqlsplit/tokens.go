package sqlsplit

// tokens returns up to n of the tokens of a statement that keep wants, up to the
// first fault; -1 is for all.
func tokens(d *dialect, statement string, n int, keep func(t token, text string) bool) (all []string) {
	l := &lexer{d: d, text: statement, delimiter: ";"}
	for len(all) != n {
		t, err := l.next()
		if err != nil || t.kind == end {
			break
		}
		if text := statement[t.begin:t.end]; keep(t, text) {
			all = append(all, text)
		}
	}
	return all
}

// PostgresTokens returns up to n tokens from the begin of a statement for
// PostgreSQL: words, strings and quoted names, and other characters. What is in
// parentheses is left out, and so are they. It is for telling what a statement
// does, which its first words say.
func PostgresTokens(statement string, n int) []string {
	parens := 0
	return tokens(postgresDialect(), statement, n, func(_ token, text string) bool {
		switch text {
		case "(":
			parens++
		case ")":
			parens = max(parens-1, 0)
		default:
			return parens == 0
		}
		return false
	})
}

// MySQLTokens returns up to n tokens from the begin of a statement for MySQL.
// Executable comments count as if they were none.
func MySQLTokens(statement string, n int) []string {
	return tokens(mysqlDialect(), statement, n, func(t token, text string) bool {
		return t.kind != mark || len(text) == 1 // the /*!40101 or the */
	})
}

// SQLiteTokens returns up to n tokens from the begin of a statement for SQLite.
func SQLiteTokens(statement string, n int) []string {
	return tokens(sqliteDialect(), statement, n, func(token, string) bool { return true })
}
