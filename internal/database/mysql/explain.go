package mysql

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"

	"github.com/initbox/initbox/internal/database"
)

const (
	nextPlugin = "change the plugin of the user"
	nextUnlock = "unlock the account: ALTER USER ... ACCOUNT UNLOCK"
	nextExpiry = "change the password, which has expired: ALTER USER"
)

// verdicts has the verdicts on MySQL's and MariaDB's errors, by number
// (https://mariadb.com/kb/en/mariadb-error-code-reference/).
var verdicts = map[uint16]database.Verdict{
	1040: {Next: database.NextTooMany},
	1203: {Next: database.NextTooMany},
	1226: {Next: database.NextTooMany},
	1044: {Final: true, Next: "GRANT the user what it needs on the database, or check the name (--db-name, or the path of the URL)"},
	1045: {Is: database.WrongPassword, Final: true, Next: database.NextPassword},
	1698: {Final: true, Next: database.NextPassword},
	1049: {Final: true, Next: database.NextName},
	1129: {Next: "the server has blocked this host after many broken connections: FLUSH HOSTS (mysqladmin flush-hosts), or raise max_connect_errors"},
	1130: {Final: true, Next: "the server does not let anybody in from this address: CREATE USER with another host, such as '%'"},
	1251: {Final: true, Next: "the server and this client share no way to log in: " + nextPlugin},
	1524: {Final: true, Next: "the plugin that the user logs in with is not loaded: " + nextPlugin},
	3118: {Final: true, Next: nextUnlock},
	4151: {Final: true, Next: nextUnlock},
	1820: {Final: true, Next: nextExpiry},
	1862: {Final: true, Next: nextExpiry},
	3159: {Final: true, Next: database.NextEncrypt},
	1053: {Is: database.ConnectionLost, Next: database.NextStarting},
	1927: {Is: database.ConnectionLost}, // MariaDB: connection was killed
	1142: {Next: database.NextDenied},
	1290: {Next: database.NextReadOnly},
	1836: {Next: database.NextReadOnly},
	1064: {Is: database.SyntaxError},
	1146: {Is: database.NoSuchTable},
	1792: {Is: database.WouldWrite},
}

// excerpt matches the part of a syntax error's message that repeats the statement.
var excerpt = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s) (to use )?near '.*' at line (\d+)$`) })

func explain(err error) (database.Verdict, bool) {
	if errors.Is(err, mysql.ErrNoTLS) {
		return database.NoTLS(), true
	}
	e, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return database.Verdict{}, false
	}
	v, message := verdicts[e.Number], e.Message
	if v.Is == database.SyntaxError {
		message = excerpt().ReplaceAllString(message, " at line $2")
	}
	state := cmp.Or(strings.Trim(string(e.SQLState[:]), "\x00"), "HY000") // an error before the handshake may lack it
	v.Text = fmt.Sprintf("MySQL says: %s (error %d, SQLSTATE %s)", message, e.Number, state)
	return v, true
}
