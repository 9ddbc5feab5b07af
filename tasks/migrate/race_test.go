package migrate

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
)

// scale returns full where the long tests were asked for.
func scale(full, normal, short int) int {
	switch {
	case os.Getenv("INITBOX_TEST_LONG") != "":
		return full
	case testing.Short():
		return short
	}
	return normal
}

// racing has migrations of all sorts, each of which fails if it runs twice.
func (s *site) racing(migrations int) {
	s.t.Helper()
	s.counting(1, migrations)
	for v := 5; v <= migrations; v += 10 {
		s.write(fmt.Sprintf("%d_step.up.sql", v), fmt.Sprintf(
			"INSERT INTO ran VALUES (%d);\nCREATE INDEX CONCURRENTLY ran_%[1]d ON ran (version);\nCREATE TABLE t%[1]d (x int);", v))
		s.write(fmt.Sprintf("%d_step.up.sql", v+2), fmt.Sprintf(
			"BEGIN;\nINSERT INTO ran VALUES (%d);\nCOMMIT;\nBEGIN;\nCREATE TABLE t%[1]d (x int);\nCOMMIT;", v+2))
	}
}

// migrated checks that each of so many migrations was applied, once.
func (s *site) migrated(migrations int) {
	s.t.Helper()
	s.at(fmt.Sprintf("%d|f", migrations))
	s.wantSQL("SELECT count(*), count(DISTINCT version), max(version) FROM ran", fmt.Sprintf("%d|%[1]d|%[1]d", migrations))
	s.wantSQL("SELECT count(*), count(DISTINCT version), bool_and(kind = 'applied') FROM schema_migrations_history", fmt.Sprintf("%d|%[1]d|t", migrations))
	s.wantSQL(`SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^t\d+$'`, fmt.Sprint(migrations))
	s.wantSQL(`SELECT count(*) FROM pg_class WHERE relkind = 'i' AND relname ~ '^ran_\d+$'`, fmt.Sprint((migrations+5)/10))
}

// race starts many processes at the same time, kills some of them within a while,
// and starts those again.
func race(t *testing.T, processes, killed int, within time.Duration, start func(args ...string) *process) {
	t.Helper()
	var group sync.WaitGroup
	for i := range processes {
		p := start()
		group.Go(func() {
			if i >= killed {
				p.wait(t)
				return
			}
			time.Sleep(rand.N(within))
			p.kill()
			start().wait(t)
		})
	}
	group.Wait()
}

// killAtAnyInstant kills a process within a while, again and again until one gets
// through, then begins anew with what fresh returns, until there were enough kills.
func killAtAnyInstant(t *testing.T, kills int, within time.Duration, fresh func() (start func(args ...string) *process, check func())) {
	t.Helper()
	for kills > 0 {
		start, check := fresh()
		for alive := true; alive && kills > 0; kills-- {
			p := start()
			ended := make(chan struct{})
			go func() { _ = p.cmd.Wait(); close(ended) }()
			select {
			case <-ended:
				alive = false
			case <-time.After(rand.N(within)):
				_ = p.cmd.Process.Kill()
				<-ended
			}
		}
		start().wait(t)
		check()
	}
}

// A raceable is a site on one kind of server.
type raceable interface {
	racing(migrations int)
	migrated(migrations int)
	start(args ...string) *process
	run(set ...func(*Task)) result
}

func raceOn(t *testing.T, processes, migrations int, fresh func(*testing.T) raceable) {
	for name, killed := range map[string]int{"all live": 0, "some are killed": (processes + 4) / 5} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			s.racing(migrations)
			race(t, processes, killed, 1500*time.Millisecond, s.start)
			s.migrated(migrations)
			s.run().did(t, 0)
		})
	}
}

func killOn(t *testing.T, kills, migrations int, fresh func(*testing.T) raceable) {
	s := fresh(t)
	s.racing(migrations)
	began := time.Now()
	s.start().wait(t)
	whole := time.Since(began)
	s.migrated(migrations)
	killAtAnyInstant(t, kills, whole, func() (func(...string) *process, func()) {
		s := fresh(t)
		s.racing(migrations)
		return s.start, func() { s.migrated(migrations) }
	})
}
