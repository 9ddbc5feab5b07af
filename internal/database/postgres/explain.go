package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/initbox/initbox/internal/database"
)

// verdicts has the verdicts by SQLSTATE
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
var verdicts = map[string]database.Verdict{
	"28P01": {Is: database.WrongPassword, Final: true, Next: database.NextPassword},
	"28000": {Final: true, Next: "the server does not let this user in from here: look at its pg_hba.conf, at --db-tls, and at the role's LOGIN"},
	"3D000": {Final: true, Next: database.NextName},
	"0A000": {Final: true, Next: "check the version of the server"},
	"53300": {Next: database.NextTooMany},
	"57P01": {Next: database.NextStarting},
	"57P02": {Next: database.NextStarting},
	"57P03": {Next: database.NextStarting},
	"25006": {Is: database.WouldWrite, Next: database.NextReadOnly},
	"42501": {Next: database.NextDenied},
	"42601": {Is: database.SyntaxError},
	"42P01": {Is: database.NoSuchTable},
}

func explain(err error) (database.Verdict, bool) {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if err != nil && database.Root(err).Error() == "server refused TLS connection" { // pgconn has no value for it
			return database.NoTLS(), true
		}
		return database.Verdict{}, false
	}
	v := verdicts[e.Code]
	v.Text = fmt.Sprintf("PostgreSQL says: %s (SQLSTATE %s)", e.Message, e.Code)
	switch {
	case e.Code == "0A000" && !strings.HasPrefix(e.Message, "unsupported frontend protocol"):
		v.Final, v.Next = false, ""
	case e.Code == "28000" && strings.HasSuffix(e.Message, "no encryption"):
		v.Next = database.NextEncrypt + "; or let its pg_hba.conf have a line for this user without"
	case strings.HasPrefix(e.Code, "08"), strings.HasPrefix(e.Code, "57P"):
		v.Is = database.ConnectionLost
	}
	return v, true
}
