//go:build integration

package migrate

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
)

// A mysite is a site on MariaDB.
type mysite struct {
	site
	my    *testdb.MySQL
	holds int // session of hold
}

func newMySite(t *testing.T, files ...string) *mysite {
	t.Helper()
	return newMySiteOn(t, servers.MySQL(t), files...)
}

func newMySiteOn(t *testing.T, my *testdb.MySQL, files ...string) *mysite {
	t.Helper()
	s := &mysite{site: site{t: t, db: my.NewDatabase(t), dir: t.TempDir()}, my: my}
	s.url = my.URL(s.db)
	s.write(files...)
	return s
}

func (s *mysite) sql(sql string) string {
	s.t.Helper()
	return strings.TrimSpace(s.my.SQL(s.t, s.db, sql))
}

// wantSQL compares the rows of a query, columns parted by blanks and rows by commas.
func (s *mysite) wantSQL(query, want string) {
	s.t.Helper()
	if got := strings.NewReplacer("\t", " ", "\n", ",").Replace(s.sql(query)); got != want {
		s.t.Errorf("%s\ngot  %s\nwant %s", query, got, want)
	}
}

// clean fails the test unless the database is at a version, in order.
func (s *mysite) clean(version string) {
	s.t.Helper()
	s.wantSQL("SELECT version, dirty FROM schema_migrations", version+" 0")
	s.wantSQL("SELECT COUNT(*) FROM schema_migrations_progress", "0")
}

// running counts the statements with text in them that the server runs.
func (s *mysite) running(text string) string {
	s.t.Helper()
	return s.sql("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND COMMAND = 'Query' AND INFO LIKE '%" + text + "%' AND ID <> CONNECTION_ID()")
}

// through puts a proxy between the site and its server.
func (s *mysite) through(serve func(client net.Conn)) {
	s.t.Helper()
	l := testnet.Listen(s.t, "127.0.0.1")
	testnet.Serve(s.t, l, serve)
	s.url = strings.Replace(s.url, s.my.Addr(), l.Addr().String(), 1)
}

// readPacket reads what a client or server says at once: three bytes of length, a
// number, and what the length announces.
func readPacket(from io.Reader) ([]byte, error) {
	packet := make([]byte, 4)
	if _, err := io.ReadFull(from, packet); err != nil {
		return nil, err
	}
	packet = append(packet, make([]byte, binary.LittleEndian.Uint32(packet)&0xffffff)...)
	_, err := io.ReadFull(from, packet[4:])
	return packet, err
}

// runPast runs the site while another session holds what a query locks, until the
// run has said so.
func (s *mysite) runPast(query string) result {
	s.t.Helper()
	const inTheWay = "other sessions were in the way"
	release := s.hold(query)
	l := new(testlog.Buffer)
	l.When(inTheWay, release)
	r := s.runWith(bounded(s.t, patience), l, false, func(t *Task) { t.StatementLockTimeout = time.Second })
	if !strings.Contains(r.log, inTheWay) {
		s.t.Errorf("no word of the lock:\n%s", r.log)
	}
	return r
}

// background runs the site and returns what it will have done.
func (s *mysite) background(ctx context.Context) <-chan result {
	ended := make(chan result, 1)
	go func() { ended <- s.runWith(ctx, new(testlog.Buffer), false) }()
	return ended
}

// everyKind is a file in which every kind of statement has a part, and none may
// run twice. It counts each in the table counted.
const everyKind = `CREATE TABLE counted (what varchar(30), n int);
CREATE TABLE a (x int AUTO_INCREMENT PRIMARY KEY, y int) ENGINE=InnoDB;
INSERT INTO counted VALUES ('insert', 1);
SET @n = 7;
INSERT INTO counted VALUES ('variable', @n);
ALTER TABLE a ADD COLUMN z int;
ALTER TABLE a ADD INDEX (z);
START TRANSACTION;
INSERT INTO counted VALUES ('in transaction', 1);
UPDATE counted SET n = n + 1 WHERE what = 'in transaction';
COMMIT;
CREATE VIEW v AS SELECT what FROM counted;
DELIMITER $$
CREATE PROCEDURE p(IN t varchar(30))
BEGIN
  IF t <> '' THEN
    INSERT INTO counted VALUES (t, 1);
  END IF;
END$$
CREATE TRIGGER r BEFORE INSERT ON a FOR EACH ROW
BEGIN
  SET NEW.z = 5; -- ; in a comment
END$$
DELIMITER ;
CALL p('procedure');
INSERT INTO a (y) VALUES (1);
BEGIN;
INSERT INTO counted VALUES ('rolled back', 1);
ROLLBACK;
SET @s = 'ALTER TABLE a ADD COLUMN w int';
PREPARE s FROM @s;
EXECUTE s;
DEALLOCATE PREPARE s;
CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN SELECT 1; END;
ALTER TABLE a RENAME TO b;
CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 3;
LOCK TABLES b WRITE;
/*!40000 ALTER TABLE b DISABLE KEYS */;
INSERT INTO b (y) VALUES (2);
UNLOCK TABLES;
DROP PROCEDURE p;
INSERT INTO counted VALUES ('last', -2);
INSERT INTO counted VALUES ('last of all', 1);
UPDATE counted SET n = n + 3 WHERE what = 'last';
`

// checkEveryKind holds the outcome of everyKind.
func (s *mysite) checkEveryKind() {
	s.t.Helper()
	s.wantSQL("SELECT what, n FROM counted ORDER BY what", "in transaction 2,insert 1,last 1,last of all 1,procedure 1,variable 7")
	s.wantSQL("SELECT y, z, w FROM b ORDER BY y", "1 5 NULL,2 5 NULL")
	s.wantSQL("SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'b' AND COLUMN_NAME = 'z'", "1")
	s.wantSQL("SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()", "f")
	s.wantSQL("SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()", "e")
}

// cli runs golang-migrate's command line on the site.
func (s *mysite) cli(args ...string) {
	s.t.Helper()
	if out, err := s.command(args...).CombinedOutput(); err != nil {
		s.t.Errorf("golang-migrate %v: %v\n%s", args, err, out)
	}
}

func (s *mysite) command(args ...string) *exec.Cmd {
	s.t.Helper()
	url := "mysql://" + testdb.Admin + ":" + testdb.AdminPassword + "@tcp(" + s.my.Addr() + ")/" + s.db
	return exec.Command(golangMigrate.get(s.t), append([]string{"-source", "file://" + s.dir, "-database", url + "?multiStatements=true"}, args...)...)
}
