package database

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	sqlite "modernc.org/sqlite"

	"github.com/initbox/initbox/internal/fault"
)

// Modes of a SQLite file.
const (
	SQLiteReadOnly = "ro"  // it must exist, and is left as it is
	SQLiteWrite    = "rw"  // it must exist
	SQLiteCreate   = "rwc" // it is made where it is missing
)

// SQLite opens the file in mode with the parameters of modernc.org/sqlite, such
// as _txlock=immediate and _pragma=busy_timeout(0). Nothing is touched yet; who
// is done calls Close.
func (t *Target) SQLite(mode string, params url.Values) (*sql.DB, error) {
	query := url.Values{"mode": {mode}}
	for name, values := range params {
		query[name] = values
	}
	name := (&url.URL{Scheme: "file", OmitHost: true, Path: t.Path, RawQuery: query.Encode()}).String()
	if mode != SQLiteCreate {
		if _, err := os.Stat(t.Path); err != nil {
			return nil, explainFile(t.Path, err)
		}
	}
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, fault.Usagef("%s: %w", t.Name, err)
	}
	return sql.OpenDB(connector), nil
}

func (t *Target) checkSQLite(o *Options) error {
	if o.TLS != "" || o.CA != "" || o.Cert != "" || o.ServerName != "" || o.User != "" || o.PasswordFile != "" || o.Password != "" {
		return errors.New("SQLite is a file: it has no user, password or TLS; drop these --db- flags")
	}
	for name := range t.place.params {
		if !strings.HasPrefix(name, "x-") {
			return errors.New("the URL of a SQLite database takes no parameters: write sqlite:///PATH")
		}
	}
	if strings.HasSuffix(t.Path, "/") || strings.HasPrefix(filepath.Base(t.Path), ":") {
		return errors.New("it names no file: write sqlite:///PATH")
	}
	return nil
}

func explainFile(path string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fault.WithNext(errors.New("there is no file "+path+" yet"), "check the path, that both containers mount the same volume, and whether what makes the database has run")
	default:
		return err
	}
}

// Primary result codes of SQLite (https://sqlite.org/rescode.html).
const (
	sqliteReadOnly = 8
	sqliteCorrupt  = 11
	sqliteCantOpen = 14
	sqliteNotADB   = 26
)

func (t *Target) explainSQLite(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	v := verdict{}
	switch e.Code() & 0xff {
	case sqliteNotADB, sqliteCorrupt:
		v = verdict{true, "restore the file from a backup, or check that it is the right one"}
	case sqliteCantOpen, sqliteReadOnly:
		v.next = "check the folder's owner and mode (securityContext.fsGroup), and that the volume is not mounted read-only"
	}
	return v.apply(err, "SQLite says: "+e.Error())
}
