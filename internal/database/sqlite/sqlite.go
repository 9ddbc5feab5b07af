// Package sqlite opens the file of a SQLite database.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
)

// Dialect is SQLite.
var Dialect = &database.Dialect{
	Name:    "sqlite",
	Schemes: []string{"sqlite3", "file"},
	Form:    "sqlite:///PATH",
	Quote:   `"`,
	ParseURL: func(p *database.Parts, rest string) (own bool, err error) {
		p.Name, err = database.Unescape(rest)
		return true, err
	},
	Check:     check,
	Configure: configure,
	Explain:   explain,
}

// A Client opens one file.
type Client struct {
	Path string
}

// Open opens the file in one of SQLite's modes (https://www.sqlite.org/uri.html): "ro"
// only reads, "rw" may write, and "rwc" creates the file if it is missing, which is an
// error in the other modes. params are those of modernc.org/sqlite, such as
// _txlock=immediate. Open itself touches nothing. The caller closes the database.
func (c *Client) Open(mode string, params url.Values) (*sql.DB, error) {
	query := url.Values{"mode": {mode}}
	maps.Copy(query, params)
	if mode != "rwc" {
		switch _, err := os.Stat(c.Path); {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fault.WithNext(errors.New("there is no file "+c.Path+" yet"), "check the path, that both containers mount the same volume, and whether what makes the database has run")
		case err != nil:
			return nil, err
		}
	}
	name := (&url.URL{Scheme: "file", OmitHost: true, Path: c.Path, RawQuery: query.Encode()}).String()
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, fault.Usagef("sqlite://%s: %w", c.Path, err)
	}
	return sql.OpenDB(connector), nil
}

// First implements [database.Client].
func (c *Client) First(ctx context.Context, query string) (database.Answer, error) {
	db, err := c.Open("ro", nil)
	if err != nil {
		return database.Answer{}, err
	}
	return database.FirstRow(ctx, db, query, nil) // "ro" refuses changes
}

// Greet implements [database.Client].
func (c *Client) Greet(context.Context) error {
	return fault.Usagef("--no-login is for servers: a SQLite file has no login")
}

func check(p *database.Parts) error {
	switch {
	case p.Name == "":
		return errors.New("no file for SQLite: write sqlite:///PATH, or --db-driver sqlite --db-name PATH")
	case len(p.Hosts) > 0:
		return errors.New("SQLite has no host: write sqlite:///PATH, with three slashes, or --db-name PATH")
	}
	return nil
}

func configure(t *database.Target, o *database.Options, _ *mount.Reader) (database.Client, error) {
	path := t.Parts.Name
	t.Name = "sqlite://" + path
	switch {
	case o.TLS != "" || o.CA != "" || o.Cert != "" || o.ServerName != "" || o.User != "" || o.PasswordFile != "" || o.Password != "":
		return nil, errors.New("SQLite is a file: it has no user, password or TLS; drop these --db- flags")
	case len(t.Parts.OwnParams()) > 0:
		return nil, errors.New("the URL of a SQLite database takes no parameters: write sqlite:///PATH")
	case strings.HasSuffix(path, "/") || strings.HasPrefix(filepath.Base(path), ":"):
		return nil, errors.New("it names no file: write sqlite:///PATH")
	}
	return &Client{path}, nil
}

// explain treats every error as one of SQLite, since there is no server and no network.
func explain(err error) (database.Verdict, bool) {
	if err == nil {
		return database.Verdict{}, false
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return database.Verdict{Text: err.Error()}, true
	}
	v := database.Verdict{Text: "SQLite says: " + e.Error()}
	switch e.Code() & 0xff { // the primary code
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		v.Final, v.Next = true, "restore the file from a backup, or check that it is the right one"
	case sqlite3.SQLITE_READONLY:
		v.Is, v.Next = database.WouldWrite, nextWritable
	case sqlite3.SQLITE_CANTOPEN:
		v.Next = nextWritable
	}
	if strings.Contains(v.Text, "no such table") {
		v.Is = database.NoSuchTable
	} else if strings.Contains(v.Text, "syntax error") {
		v.Is = database.SyntaxError
	}
	return v, true
}

const nextWritable = "check the folder's owner and mode (securityContext.fsGroup), and that the volume is not mounted read-only"
