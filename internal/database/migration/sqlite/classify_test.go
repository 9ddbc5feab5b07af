package sqlite

import "testing"

func TestClassify(t *testing.T) {
	for sql, want := range map[string]kind{
		"INSERT INTO a VALUES (1)":    plain,
		"SAVEPOINT a":                 plain,
		"ROLLBACK TO a":               plain,
		"ROLLBACK TRANSACTION TO a":   plain,
		"rollback transaction":        rollsBack,
		"PRAGMA foreign_keys = OFF":   foreignKeys,
		"pragma main.[foreign_keys]":  foreignKeys,
		"PRAGMA user_version = 3":     pragma,
		"PRAGMA journal_mode=wal":     alone,
		"PRAGMA main.journal_mode":    alone,
		"VACUUM":                      alone,
		"ATTACH 'x' AS y":             attach,
		"BEGIN EXCLUSIVE TRANSACTION": begins,
		"END":                         commits,
		"/* x */ COMMIT":              commits,
	} {
		if got := classify(sql); got != want {
			t.Errorf("%s: kind %d, want %d", sql, got, want)
		}
	}
}

func TestOutline(t *testing.T) {
	for _, c := range []struct {
		kinds []kind
		want  outline
	}{
		{nil, outline{0, 0}},
		{[]kind{plain, plain}, outline{0, 2}},
		{[]kind{begins, plain, commits}, outline{1, 2}},
		{[]kind{foreignKeys, begins, plain, commits, foreignKeys}, outline{2, 3}},
		{[]kind{foreignKeys, plain, foreignKeys, foreignKeys}, outline{1, 2}},
		{[]kind{foreignKeys}, outline{1, 1}},
		{[]kind{begins, plain}, outline{0, 2}},
		{[]kind{begins, commits}, outline{1, 1}},
	} {
		if got := outlineOf(c.kinds); got != c.want {
			t.Errorf("%v: %v, want %v", c.kinds, got, c.want)
		}
	}
}
