//go:build integration

package migrate

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/tasks"
)

// sleeping counts the server's statements that still sleep.
func (s *site) sleeping() string {
	s.t.Helper()
	return s.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()")
}

func TestCancel(t *testing.T) {
	for name, file := range map[string]string{
		"one transaction": "CREATE TABLE a (x int);\nSELECT pg_sleep(60);\nCREATE TABLE b (x int)",
		"on its own":      "-- initbox:no-transaction\nCALL sleep()",
	} {
		t.Run(name, func(t *testing.T) {
			endsWithinASecond(t, func() time.Duration {
				s := newSite(t, "1_sleep.up.sql", file, "2_next.up.sql", "CREATE TABLE c (x int)")
				s.sql("CREATE PROCEDURE sleep() LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); END'")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan result, 1)
				go func() { ended <- s.runWith(ctx, new(testlog.Buffer), false) }()
				eventually(t, "the statement runs", func() bool {
					return s.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query ~ 'pg_sleep|sleep\\(\\)' AND pid <> pg_backend_pid()") == "1"
				})
				cancelled := time.Now()
				cancel()
				r := <-ended
				took := time.Since(cancelled)
				r.wants(t, tasks.Failed)
				s.wantSQL("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()", "0")
				s.wantSQL("SELECT to_regclass('a') IS NULL AND to_regclass('c') IS NULL", "t")
				s.wantSQL("SELECT count(*) FROM schema_migrations WHERE NOT dirty", "0")
				return took
			})
		})
	}
}

// A process that gets SIGTERM ends within a second, and so does its statement.
func TestSIGTERM(t *testing.T) {
	endsWithinASecond(t, func() time.Duration {
		s := newSite(t, "1_sleep.up.sql", "SELECT pg_sleep(60)")
		p := s.start()
		eventually(t, "the statement runs", func() bool { return s.sleeping() == "1" })
		took := p.stop(t)
		if n := s.sleeping(); n != "0" {
			t.Errorf("%s statements still run", n)
		}
		return took
	})
}

// The statement of a killed process ends by itself.
func TestKilledStatementEnds(t *testing.T) {
	s := newSite(t, "1_sleep.up.sql", "SELECT pg_sleep(60)")
	p := s.start()
	eventually(t, "the statement runs", func() bool { return s.sleeping() == "1" })
	p.kill()
	began := time.Now()
	eventually(t, "the statement ends", func() bool { return s.sleeping() == "0" })
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestServerRestarts(t *testing.T) {
	pg := testdb.StartPostgres(t, &testdb.PostgresSetup{Settings: []string{"synchronous_commit=on"}})
	for name, stop := range map[string]func(){"in good order": func() { pg.Stop(t) }, "by a crash": func() { pg.Kill(t) }} {
		t.Run(name, func(t *testing.T) {
			s := newSiteOn(t, pg)
			s.counting(1, 6)
			s.write("3_step.up.sql", "INSERT INTO ran VALUES (3); SELECT pg_sleep(x) FROM nap; CREATE TABLE t3 (x int)")
			s.sql("CREATE TABLE nap AS SELECT 60 AS x")
			l, ended := new(testlog.Buffer), make(chan result, 1)
			go func() { ended <- s.runWith(t.Context(), l, false) }()
			eventually(t, "the statement runs", func() bool { return s.sleeping() == "1" })
			s.sql("UPDATE nap SET x = 0") // for the next time
			stop()
			pg.Start(t)
			r := <-ended
			r.did(t, 6)
			r.warns(t, "connection lost")
			s.at("6|f")
			s.wantSQL("SELECT version FROM ran ORDER BY 1", "1 2 3 4 5 6")
		})
	}
}

func TestNetworkIsCut(t *testing.T) {
	s := newSite(t)
	s.counting(1, 6)
	s.write("3_step.up.sql", "INSERT INTO ran VALUES (3); SELECT pg_sleep(2); CREATE TABLE t3 (x int)")
	proxy := testdb.NewProxy(t, s.pg.Addr(), "")
	s.url = strings.Replace(s.url, s.pg.Addr(), proxy.Addr(), 1)
	l, ended := new(testlog.Buffer), make(chan result, 1)
	go func() { ended <- s.runWith(t.Context(), l, false) }()
	before := ""
	for range 3 {
		eventually(t, "the statement runs", func() bool {
			pid := s.sql("SELECT max(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()")
			if pid == "" || pid == before {
				return false
			}
			before = pid
			return true
		})
		proxy.Cut()
	}
	r := <-ended
	r.did(t, 6)
	r.warns(t, "connection lost")
	s.at("6|f")
	s.wantSQL("SELECT version FROM ran ORDER BY 1", "1 2 3 4 5 6")
}

// The task ends even if the network drops every packet.
func TestNetworkStalls(t *testing.T) {
	s := newSite(t, "1_sleep.up.sql", "SELECT pg_sleep(60)")
	proxy := testdb.NewProxy(t, s.pg.Addr(), "")
	s.url = strings.Replace(s.url, s.pg.Addr(), proxy.Addr(), 1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan result, 1)
	go func() { ended <- s.runWith(ctx, new(testlog.Buffer), false) }()
	eventually(t, "the statement runs", func() bool { return s.sleeping() == "1" })
	proxy.Stall(true)
	cancel()
	select {
	case r := <-ended:
		r.wants(t, tasks.Failed)
	case <-time.After(10 * time.Second):
		t.Fatal("it still runs")
	}
}

// A lock of the application makes the migration wait, not the application.
func TestStatementLockTimeout(t *testing.T) {
	s := newSite(t, "1_t.up.sql", "CREATE TABLE t (x int)")
	s.run().did(t, 1)
	s.write("2_t.up.sql", "CREATE TABLE u (x int);\nALTER TABLE t ADD COLUMN y int")
	release := s.hold("LOCK TABLE t IN ACCESS SHARE MODE")
	l, ended := new(testlog.Buffer), make(chan result, 1)
	go func() {
		ended <- s.runWith(t.Context(), l, false, func(t *Task) { t.StatementLockTimeout = 100 * time.Millisecond })
	}()
	eventually(t, "it tries again", func() bool { return strings.Contains(l.String(), "trying again") })
	s.wantSQL("SELECT to_regclass('u') IS NULL", "t")
	release()
	r := <-ended
	r.did(t, 1)
	r.warns(t, "2_t.up.sql, line 2 (statement 2): canceling statement due to lock timeout (55P03)")
	s.at("2|f")
}

// hold runs sql in a transaction that stays open until release is called.
func (s *site) hold(sql string) (release func()) {
	s.t.Helper()
	cmd := exec.Command("psql", "-XAtq", s.url)
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(in, "SET application_name = 'the application'; BEGIN; %s; SELECT 'held';\n", sql)
	for said := ""; !strings.Contains(said, "held"); {
		b := make([]byte, 100)
		n, err := out.Read(b)
		if err != nil {
			s.t.Fatal(err)
		}
		said += string(b[:n])
	}
	var once bool
	release = func() {
		if !once {
			once = true
			in.Close()
			_ = cmd.Wait()
		}
	}
	s.t.Cleanup(release)
	return release
}

// The error names the holder of the lock, and the wait is bounded.
func TestLockTimeout(t *testing.T) {
	s := newSite(t)
	s.counting(1, 2)
	for _, name := range []string{"/" + s.db, s.db} { // golang-migrate's command line and library
		release := s.hold(fmt.Sprintf("SELECT pg_advisory_lock(%s)", advisoryID(t, name)))
		const words = "another run has the lock of the migrations: the application (process "
		r := explained(words, func(timeout time.Duration) result {
			return s.run(func(t *Task) { t.LockTimeout = timeout })
		})
		r.wants(t, tasks.Failed, words)
		r.warns(t, `holder="the application (process `)
		release()
	}
	s.run().did(t, 2)
}

func TestNoTransaction(t *testing.T) {
	s := newSite(t,
		"1_t.up.sql", "CREATE TABLE t (x int); INSERT INTO t SELECT generate_series(1, 100)",
		"2_index.up.sql", "CREATE INDEX CONCURRENTLY t_x ON t (x);\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"T_u\" ON t USING btree (x);\nCREATE INDEX CONCURRENTLY ON t (x, x);\nVACUUM t;\nDROP INDEX CONCURRENTLY t_x",
		"3_own.up.sql", "BEGIN;\nINSERT INTO t VALUES (200);\nCOMMIT;\nBEGIN ISOLATION LEVEL SERIALIZABLE;\nINSERT INTO t VALUES (201);\nEND;\nSTART TRANSACTION;\nINSERT INTO t VALUES (202);\nROLLBACK;",
		"4_call.up.sql", "-- initbox:no-transaction\nDO 'BEGIN FOR i IN 300..302 LOOP INSERT INTO t VALUES (i); COMMIT; END LOOP; END';\nUPDATE t SET x = -x WHERE x = 300",
		"5_session.up.sql", "SET search_path = nowhere;\nSET ROLE pg_monitor;\nSELECT set_config('statement_timeout', '1ms', false);",
		"6_after.up.sql", "SELECT pg_sleep(0.1); CREATE TABLE after (x int)",
	)
	s.run().did(t, 6)
	s.at("6|f")
	s.wantSQL("SELECT x FROM t WHERE x > 100 OR x < 0 ORDER BY x", "-300 200 201 301 302")
	s.wantSQL("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass", "2")
	s.wantSQL("SELECT to_regclass('public.after') IS NOT NULL", "t")
}

// A statement that fails half-way through a file that is no transaction: the next
// run goes on there, with the file corrected.
func TestNoTransactionResumes(t *testing.T) {
	s := newSite(t, "1_t.up.sql", "CREATE TABLE t (x int);\nINSERT INTO t VALUES (1), (1);\nVACUUM t;\nCREATE UNIQUE INDEX CONCURRENTLY u ON t (x);\nINSERT INTO t VALUES (2)")
	for range 2 {
		s.run().wants(t, tasks.Failed, "1_t.up.sql, line 4 (statement 4): could not create unique index \"u\" (23505)")
		s.wantSQL("SELECT version, dirty FROM schema_migrations", "1|t")
		s.wantSQL("SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid AND relname = 'u'", "1")
	}
	s.write("1_t.up.sql", "CREATE TABLE t (y int)")
	s.run().wants(t, tasks.Final, "1_t.up.sql: statement 1 was changed after it had been run")
	s.write("1_t.up.sql", "CREATE TABLE t (x int);\nINSERT INTO t VALUES (1), (1);\nVACUUM t;\nDELETE FROM t;\nCREATE UNIQUE INDEX CONCURRENTLY u ON t (x);\nINSERT INTO t VALUES (2)")
	s.run().did(t, 1)
	s.at("1|f")
	s.wantSQL("SELECT x FROM t", "2")
}

// What an index without a name, or a REINDEX, leaves behind when it fails is removed
// by the next try.
func TestInvalidIndexIsRemoved(t *testing.T) {
	s := newSite(t, "1_t.up.sql", "CREATE TABLE t (x int);\nINSERT INTO t VALUES (1), (1);\nVACUUM t;\nCREATE UNIQUE INDEX CONCURRENTLY ON t (x)")
	invalid := func() {
		t.Helper()
		for range 2 {
			s.run().wants(t, tasks.Failed, "could not create unique index", "(23505)")
			s.wantSQL("SELECT count(*) FROM pg_index WHERE NOT indisvalid", "1")
		}
	}
	invalid()
	s.sql("DELETE FROM t")
	s.run().did(t, 1)
	s.at("1|f")
	s.write("2_t.up.sql", "REINDEX (CONCURRENTLY) INDEX t_x_idx")
	s.sql("UPDATE pg_index SET indisunique = false WHERE indrelid = 't'::regclass; INSERT INTO t VALUES (1), (1); UPDATE pg_index SET indisunique = true WHERE indrelid = 't'::regclass")
	invalid()
	s.sql("DELETE FROM t")
	s.run().did(t, 1)
	s.at("2|f")
	s.wantSQL("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass", "1")
}

// Many replicas start on an empty database, and some of them are killed.
func TestRace(t *testing.T) {
	raceOn(t, scale(50, 50, 4), scale(50, 50, 20), func(t *testing.T) raceable { return newSite(t) })
}

// A process is killed at random instants until one gets through.
func TestKilledAtAnyInstant(t *testing.T) {
	killOn(t, scale(200, 40, 4), 20, func(t *testing.T) raceable { return newSite(t) })
}
