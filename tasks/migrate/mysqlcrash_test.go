//go:build integration

package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/tasks"
)

// racing has migrations each of which fails, or counts twice, if any of its
// statements runs twice.
func (s *mysite) racing(migrations int) {
	s.t.Helper()
	s.counting(1, migrations)
	for v := 3; v <= migrations; v += 4 {
		s.write(fmt.Sprintf("%d_step.up.sql", v), fmt.Sprintf("CREATE TABLE t%d (x int);\nINSERT INTO ran (version) VALUES (%[1]d);\n"+
			"ALTER TABLE t%[1]d ADD COLUMN y int, ADD INDEX (x);\nBEGIN;\nINSERT INTO t%[1]d VALUES (1, 2);\nINSERT INTO t%[1]d VALUES (1, 2);\nCOMMIT;\nRENAME TABLE t%[1]d TO u%[1]d", v))
	}
}

// migrated checks that each statement of so many migrations ran once.
func (s *mysite) migrated(migrations int) {
	s.t.Helper()
	s.clean(fmt.Sprint(migrations))
	s.wantSQL("SELECT COUNT(*), COUNT(DISTINCT version), MAX(version) FROM ran", fmt.Sprintf("%d %[1]d %[1]d", migrations))
	s.wantSQL("SELECT COUNT(*), COUNT(DISTINCT version) FROM schema_migrations_history WHERE kind = 'applied'", fmt.Sprintf("%d %[1]d", migrations))
	special := (migrations + 1) / 4
	s.wantSQL("SELECT SUM(TABLE_NAME RLIKE '^t[0-9]+$'), SUM(TABLE_NAME RLIKE '^u[0-9]+$') FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
		fmt.Sprintf("%d %d", migrations-special, special))
	for v := 3; v <= migrations; v += 4 {
		s.wantSQL(fmt.Sprintf("SELECT COUNT(*), SUM(y) FROM u%d", v), "2 4")
	}
}

func TestMySQLRace(t *testing.T) {
	raceOn(t, scale(50, 10, 4), scale(50, 20, 10), func(t *testing.T) raceable { return newMySite(t) })
}

// A process is killed at random instants until one gets through.
func TestMySQLKilledAtAnyInstant(t *testing.T) {
	killOn(t, scale(200, 25, 4), 8, func(t *testing.T) raceable { return newMySite(t) })
}

// A cutter hands a connection on until a client's command of some number, then
// resets it: before the command reaches the server, or behind it, so that the
// answer is lost. It cuts once.
type cutter struct {
	to       string
	at       int64
	before   bool
	commands atomic.Int64
}

func (c *cutter) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer server.Close()
	var lost atomic.Bool
	var group sync.WaitGroup
	group.Go(func() {
		buf := make([]byte, 32<<10)
		for {
			n, err := server.Read(buf)
			if err != nil || lost.Load() {
				return
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	})
	c.forward(server, client, &lost)
	if lost.Load() {
		_ = client.(*net.TCPConn).SetLinger(0)
		client.Close()
	}
	_ = server.(*net.TCPConn).CloseWrite() // it runs what it has got
	group.Wait()
}

// forward hands on packets, whose number is 0 for a command.
func (c *cutter) forward(server io.Writer, client io.Reader, lost *atomic.Bool) {
	for {
		packet, err := readPacket(client)
		if err != nil {
			return
		}
		cut := packet[3] == 0 && c.commands.Add(1) == c.at
		if cut {
			lost.Store(true)
		}
		if cut && c.before {
			return
		}
		if _, err := server.Write(packet); err != nil || cut {
			return
		}
	}
}

// cut runs the site with its connection lost at some command.
func (s *mysite) cut(at int64, before bool) (commands int64) {
	s.t.Helper()
	c := &cutter{to: s.my.Addr(), at: at, before: before}
	s.through(c.serve)
	r := s.run()
	if r.err != nil {
		s.t.Fatalf("cut at command %d (before: %v): %v\n%s", at, before, r.err, r.log)
	}
	return c.commands.Load()
}

// Every instant that there is: the connection is lost at each command of a run, on
// both sides of it, and the run goes on by itself with nothing done twice.
func TestMySQLCutAtEveryCommand(t *testing.T) {
	run := func(at int64, before bool) (commands int64) {
		s := newMySite(t, "1_every.up.sql", everyKind, "2_next.up.sql", "INSERT INTO counted VALUES ('z next', 1)")
		commands = s.cut(at, before)
		s.clean("2")
		s.sql("DELETE FROM counted WHERE what = 'z next'")
		s.checkEveryKind()
		if t.Failed() {
			t.Fatalf("cut at command %d (before: %v)", at, before)
		}
		return commands
	}
	all := run(0, false)
	step := int64(scale(1, 20, 60))
	for at := 1 + rand.Int64N(step); at <= all; at += step {
		run(at, false)
		run(at, true)
	}
	t.Logf("%d commands", all)
}

func TestMySQLCancel(t *testing.T) {
	endsWithinASecond(t, func() time.Duration {
		s := newMySite(t, "1_sleep.up.sql", "CREATE TABLE a (x int);\nINSERT INTO a VALUES (1);\nINSERT INTO a SELECT SLEEP(60);\nINSERT INTO a VALUES (3);")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := s.background(ctx)
		eventually(t, "the statement runs", func() bool { return s.running("SLEEP(60)") == "1" })
		cancelled := time.Now()
		cancel()
		r := <-ended
		took := time.Since(cancelled)
		r.wants(t, tasks.Failed, "1_sleep.up.sql, line 3 (statement 3): interrupted")
		if n := s.running("SLEEP(60)"); n != "0" {
			t.Errorf("%s statements still run", n)
		}
		s.wantSQL("SELECT x FROM a", "1")
		s.write("1_sleep.up.sql", "CREATE TABLE a (x int);\nINSERT INTO a VALUES (1);\nINSERT INTO a SELECT 2;\nINSERT INTO a VALUES (3);")
		s.run().did(t, 1)
		s.wantSQL("SELECT x FROM a ORDER BY x", "1,2,3")
		return took
	})
}

func TestMySQLSIGTERM(t *testing.T) {
	endsWithinASecond(t, func() time.Duration {
		s := newMySite(t, "1_sleep.up.sql", "SELECT SLEEP(60)")
		p := s.start()
		eventually(t, "the statement runs", func() bool { return s.running("SLEEP(60)") == "1" })
		took := p.stop(t)
		if n := s.running("SLEEP(60)"); n != "0" {
			t.Errorf("%s statements still run", n)
		}
		return took
	})
}

// Nobody starts while the server still runs the statement of a process that is gone.
func TestMySQLOrphan(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nCREATE TABLE b AS SELECT SLEEP(2) AS x;\nINSERT INTO b VALUES (1)")
	p := s.start()
	eventually(t, "the statement runs", func() bool { return s.running("SLEEP(2)") == "1" })
	p.kill()
	s.run().did(t, 1)
	s.wantSQL("SELECT x FROM b", "0,1")
	s.clean("1")
}

func TestMySQLServerRestarts(t *testing.T) {
	my := testdb.StartMySQL(t, &testdb.MySQLSetup{Args: []string{"--innodb-flush-log-at-trx-commit=1", "--innodb-flush-method=fsync"}})
	for name, stop := range map[string]func(){"in good order": func() { my.Stop(t) }, "by a crash": func() { my.Kill(t) }} {
		t.Run(name, func(t *testing.T) {
			s := newMySiteOn(t, my)
			s.racing(6)
			s.write("4_step.up.sql", "INSERT INTO ran VALUES (4);\nINSERT INTO ran SELECT 4 FROM ran WHERE version = 1 AND SLEEP(2) > 0;\nCREATE TABLE t4 (x int)")
			ended := s.background(t.Context())
			eventually(t, "the statement runs", func() bool { return s.running("SLEEP(2)") == "1" })
			stop()
			my.Start(t)
			r := <-ended
			r.did(t, 6)
			if !strings.Contains(r.log, "connection lost") {
				t.Errorf("no word of the lost connection:\n%s", r.log)
			}
			s.migrated(6)
		})
	}
}

// A network that swallows everything does not keep the task from ending.
func TestMySQLNetworkStalls(t *testing.T) {
	s := newMySite(t, "1_sleep.up.sql", "SELECT SLEEP(60)")
	proxy := testdb.NewProxy(t, s.my.Addr(), "")
	s.url = strings.Replace(s.url, s.my.Addr(), proxy.Addr(), 1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := s.background(ctx)
	eventually(t, "the statement runs", func() bool { return s.running("SLEEP(60)") == "1" })
	proxy.Stall(true)
	cancel()
	stalled := time.Now()
	select {
	case r := <-ended:
		t.Logf("ended after %v", time.Since(stalled))
		r.wants(t, tasks.Failed)
	case <-time.After(10 * time.Second):
		t.Fatal("it still runs")
	}
}

// A transaction of the application makes the migration step back, and the
// application's queries do not queue up behind it.
func TestMySQLStatementLockTimeout(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int); INSERT INTO a VALUES (1)")
	s.run().did(t, 1)
	s.write("2_a.up.sql", "CREATE TABLE b (x int);\nALTER TABLE a ADD COLUMN y int;\nCREATE TABLE c (x int)")
	db, err := sql.Open("mysql", testdb.Admin+":"+testdb.AdminPassword+"@tcp("+s.my.Addr()+")/"+s.db)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	application, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := application.Exec("SELECT * FROM a"); err != nil {
		t.Fatal(err)
	}
	l := new(testlog.Buffer)
	l.When("other sessions were in the way", func() { _ = application.Rollback() })
	r := s.runWith(bounded(t, patience), l, false, func(t *Task) { t.StatementLockTimeout = time.Second })
	r.did(t, 1)
	if !strings.Contains(r.log, "other sessions were in the way") || !strings.Contains(r.log, "2_a.up.sql, line 2 (statement 2)") {
		t.Errorf("no word of the lock:\n%s", r.log)
	}
	s.clean("2")
}

// Whoever waits is told who has the lock; the locks are those of golang-migrate.
func TestMySQLLock(t *testing.T) {
	golangMigrate.get(t) // built before the lock is taken
	s := newMySite(t, "1_a.up.sql", "SELECT SLEEP(60)")
	p := s.start()
	eventually(t, "the statement runs", func() bool { return s.running("SLEEP(60)") == "1" })
	r := explained("whose statement has been running for", func(timeout time.Duration) result {
		return s.run(func(t *Task) { t.LockTimeout = timeout })
	})
	r.wants(t, tasks.Failed, "another run has the lock of the migrations", " with 1_a.up.sql (connection ", " as "+testdb.Admin+" from ", "whose statement has been running for")
	other := s.command("up")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "golang-migrate waits for the same lock", func() bool { return s.running("GET_LOCK(") == "1" })
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
	_ = other.Wait() // it finds the version dirty
	s.wantSQL("SELECT version, dirty FROM schema_migrations", "1 1")
}

// Both at the same time.
func TestMySQLRaceWithGolangMigrate(t *testing.T) {
	s := newMySite(t)
	s.counting(1, 20)
	golangMigrate.get(t) // built before the race
	s.run(func(t *Task) { t.To = "1" }).did(t, 1)
	var group sync.WaitGroup
	for i := range 6 {
		if i%2 == 0 {
			p := s.start()
			group.Go(func() { p.wait(t) })
		} else {
			group.Go(func() { s.cli("up") })
		}
	}
	group.Wait()
	s.wantSQL("SELECT version, dirty FROM schema_migrations", "20 0")
	s.wantSQL("SELECT COUNT(*), COUNT(DISTINCT version) FROM ran", "20 20")
}
