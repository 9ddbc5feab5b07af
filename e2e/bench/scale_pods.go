package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
)

// The costs that grow with the number of pods.

func (b *bench) scaleWaiters(ctx context.Context) ([]*curve, error) {
	rate := &curve{what: "wait-tcp, pods that wait for one port: attempts per second, at most", thing: "pods", unit: perSecond}
	slow := &curve{what: fmt.Sprintf("the same, %v after the last start", b.hold()), thing: "pods", unit: perSecond}
	last := &curve{what: "the same, port open until the last is through", thing: "pods", unit: seconds}
	for _, n := range b.sizes(1, 10, 100, 1_000, 2_000) {
		s, err := gather(ctx, n, b.hold(), b.waiter().wait)
		if err != nil {
			return nil, err
		}
		rate.add(n, s[0])
		slow.add(n, s[1])
		last.add(n, s[2])
	}
	return []*curve{rate, slow, last}, nil
}

// scaleWaitDB counts the logins of pods that wait for a migration nobody applies.
func (b *bench) scaleWaitDB(ctx context.Context) (curves []*curve, err error) {
	tb := new(helper)
	defer tb.cleanup(&err)
	root := tb.folder()
	postgres := testdb.StartPostgres(tb, nil)
	dir, err := (migrator{name: "wait", file: "%d_step.up.sql", content: "%s"}).write(root, 1)
	if err != nil {
		return nil, err
	}
	period := time.Duration(b.pick(10, 2)) * time.Second
	c := &curve{what: fmt.Sprintf("wait-db --source, migration missing: logins per second, first %v", period), thing: "pods", unit: perSecond}
	sessions := func(database string) (float64, error) {
		text := postgres.SQL(tb, database, "SELECT sessions FROM pg_stat_database WHERE datname = current_database()")
		return strconv.ParseFloat(strings.TrimSpace(text), 64)
	}
	for _, n := range b.sizes(1, 10, 50) {
		database := postgres.NewDatabase(tb)
		before, err := sessions(database)
		if err != nil {
			return nil, err
		}
		wait, cancel := context.WithTimeout(ctx, period)
		failures, _, _ := runReplicas(wait, n, []string{b.initbox, "wait-db", "--source", dir, "--database", postgres.URL(database)})
		cancel()
		if failures < n {
			return nil, fmt.Errorf("wait-db ended, but nobody migrated %s", database)
		}
		after, err := sessions(database)
		if err != nil {
			return nil, err
		}
		c.add(n, (after-before)/period.Seconds())
	}
	return []*curve{c}, nil
}

func (b *bench) scaleMigrate(ctx context.Context) (curves []*curve, err error) {
	tb := new(helper)
	defer tb.cleanup(&err)
	root := tb.folder()
	for _, s := range servers(tb) {
		m := b.migrators(s, peerBinaries{})[0]
		apply := &curve{what: "migrate on " + s.name + ", all of them", thing: "migrations", unit: seconds, slope: true}
		noop := &curve{what: "migrate on " + s.name + ", nothing to do", thing: "migrations", unit: seconds, slope: true}
		for _, n := range b.sizes(1, 10, 100, 500) {
			dir, err := m.write(root, n)
			if err != nil {
				return nil, err
			}
			var database string
			times, err := again(ctx, 3, func(int) []string {
				database = s.New(tb)
				return m.argv(dir, database)
			})
			if err != nil {
				return nil, err
			}
			apply.add(n, times...)
			if times, err = again(ctx, 5, func(int) []string { return m.argv(dir, database) }); err != nil {
				return nil, err
			}
			noop.add(n, times...)
		}
		pods := &curve{what: fmt.Sprintf("migrate on %s, %d files, replicas that start at once", s.name, fewMigrations), thing: "replicas", unit: seconds, slope: true}
		dir, err := m.write(root, fewMigrations)
		if err != nil {
			return nil, err
		}
		for _, n := range b.sizes(1, 10, 20, 40, 80) {
			_, took, err := runReplicas(ctx, n, m.argv(dir, s.New(tb)))
			if err != nil {
				return nil, err
			}
			pods.add(n, in(took))
		}
		curves = append(curves, apply, noop, pods)
	}
	return curves, nil
}
