package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// Numbers of files: a young project, and a project of some years.
const (
	fewMigrations  = 50
	manyMigrations = 500
	someMigrations = 5 // in brief, instead of many
	replicas       = 20
)

// migrate measures all migrations on an empty database, a second run, which finds
// nothing to do, and replicas that start at the same time.
func (b *bench) migrate(ctx context.Context) (rows []row, err error) {
	tb := new(helper)
	defer tb.cleanup(&err)
	peers, err := buildPeers()
	if err != nil {
		return nil, err
	}
	root := tb.folder()
	for _, s := range servers(tb) {
		tools := b.migrators(s, peers)
		for _, files := range []int{fewMigrations, b.pick(manyMigrations, someMigrations)} {
			apply, again, err := b.migrations(tb, s, tools, root, files)
			if err != nil {
				return nil, err
			}
			more, err := measured(ctx, apply, again)
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
		race, err := b.race(tb, s, tools, root)
		if err != nil {
			return nil, err
		}
		more, err := race.measure(ctx)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// migrations compares the tools with a number of files. Each round of apply has new
// databases; again uses the databases of the last round.
func (b *bench) migrations(tb *helper, s server, tools []migrator, root string, files int) (apply, again comparison, err error) {
	what := fmt.Sprintf("migrate on %s, %d files", s.name, files)
	full, noop := metric{name: "all of them", unit: seconds}, metric{name: "nothing to do", unit: seconds}
	if files == fewMigrations {
		noop.targets = []target{{0.6, peerMigrate}}
	} else {
		full.targets = []target{{1.0 / 3, peerMigrate}}
	}
	apply = comparison{what: what, rounds: b.pick(5, 1), metrics: []metric{full}}
	again = comparison{what: what, rounds: b.pick(20, 1), metrics: []metric{noop}}
	for _, m := range tools {
		dir, err := m.write(root, files)
		if err != nil {
			return apply, again, err
		}
		var database string
		apply.contenders = append(apply.contenders, contender{m.name, m.missing, func(ctx context.Context, _ int) (sample, error) {
			database = s.New(tb)
			return timed(ctx, m.argv(dir, database)...)
		}})
		again.contenders = append(again.contenders, contender{m.name, m.missing, func(ctx context.Context, _ int) (sample, error) {
			return timed(ctx, m.argv(dir, database)...)
		}})
	}
	return apply, again, nil
}

// race compares replicas that start at the same time with an empty database, as the
// pods of a Deployment do.
func (b *bench) race(tb *helper, s server, tools []migrator, root string) (comparison, error) {
	c := comparison{
		what: fmt.Sprintf("%d replicas migrate %s at once, %d files", replicas, s.name, fewMigrations), rounds: b.pick(5, 1),
		metrics: []metric{
			{name: "replicas that fail, in the worst round", of: 0, percent: 100, unit: number, targets: []target{{0, ""}}},
			{name: "until the last has ended", of: 1, unit: seconds},
		},
	}
	for k, m := range tools {
		dir, err := m.write(root, fewMigrations)
		if err != nil {
			return c, err
		}
		c.contenders = append(c.contenders, contender{m.name, m.missing, func(ctx context.Context, _ int) (sample, error) {
			failures, took, err := runReplicas(ctx, replicas, m.argv(dir, s.New(tb)))
			if k == 0 && failures > 0 { // a peer's failure is a result, ours a defect
				return nil, err
			}
			return sample{float64(failures), in(took)}, nil
		}})
	}
	return c, nil
}

// runReplicas runs n processes of a command at the same time and returns the error of
// those that failed.
func runReplicas(ctx context.Context, n int, argv []string) (failures int, took time.Duration, err error) {
	start := time.Now()
	ended := make(chan error, n)
	for range n {
		go func() {
			out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%s: %w\n%s", argv[0], err, out)
			}
			ended <- err
		}()
	}
	for range n {
		if one := <-ended; one != nil {
			failures++
			err = errors.Join(err, one)
		}
	}
	return failures, time.Since(start), err
}
