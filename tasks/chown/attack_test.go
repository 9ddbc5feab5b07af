package chown

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/fileperm"
	"github.com/initbox/initbox/internal/testkit/testtask"
	"github.com/initbox/initbox/internal/testkit/testtime"
)

// TestAttack lets several goroutines, which stand for a hostile container that
// owns the volume, swap directories and files of the tree with links to a tree
// beside it while chown runs. Nothing beside the tree may change.
func TestAttack(t *testing.T) {
	base := t.TempDir()
	tree, victim := filepath.Join(base, "tree"), filepath.Join(base, "victim")
	var victims []string
	for i := range 20 {
		victims = append(victims, fmt.Sprintf("d%d/f%d", i%5, i))
		plant(t, tree, victims[i])
		plant(t, victim, victims[i])
	}
	before := times(t, victim, append(victims, ".", "d0", "d1"))

	var stop atomic.Bool
	var swaps atomic.Int64
	ended := make(chan struct{})
	enemy := newAttacker(t, tree, victim)
	for trick := range 3 {
		go func() {
			defer func() { ended <- struct{}{} }()
			for i := trick; !stop.Load(); i++ {
				swaps.Add(enemy.play(trick, i%len(enemy.dirs)))
			}
		}()
	}
	rounds, changes, until := 0, int64(0), time.Now().Add(attackTime())
	few := func() bool { return swaps.Load() < 1000 || changes < 1000 }
	for latest := until.Add(testtime.Patience); time.Now().Before(until) || few() && time.Now().Before(latest); rounds++ {
		o := testtask.Run(t.Context(), attackTask(tree, rounds))
		changes += o.Changes
		if after := times(t, victim, append(victims, ".", "d0", "d1")); after != before {
			t.Errorf("round %d has changed the tree beside:\n%s\n%s", rounds, before, after)
			break
		}
	}
	stop.Store(true)
	for range 3 {
		<-ended
	}
	t.Logf("%d rounds made %d changes during %d swaps", rounds, changes, swaps.Load())
	if few() {
		t.Errorf("%d swaps and %d changes are no attack", swaps.Load(), changes)
	}
}

// TestAttackByHardLink lets a file of the tree be swapped with another name of a
// file beside it: with --hardlinks=skip that one must keep its owner, whatever
// the entry was when the walk looked at its name.
func TestAttackByHardLink(t *testing.T) {
	needRoot(t)
	base := t.TempDir()
	tree, victim := filepath.Join(base, "tree"), filepath.Join(base, "victim")
	plant(t, tree, "f")
	plant(t, base, "victim")
	if err := os.Link(victim, filepath.Join(base, "trap")); err != nil {
		t.Fatal(err)
	}
	at, in := openDir(t, base), openDir(t, tree)
	defer unix.Close(at)
	defer unix.Close(in)
	var stop atomic.Bool
	var swaps atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for !stop.Load() {
			if unix.Renameat2(at, "trap", in, "f", unix.RENAME_EXCHANGE) == nil {
				swaps.Add(1)
			}
		}
	}()
	changes, until := int64(0), time.Now().Add(attackTime())
	few := func() bool { return swaps.Load() < 1000 || changes < 1000 }
	for round, latest := 0, until.Add(testtime.Patience); time.Now().Before(until) || few() && time.Now().Before(latest); round++ {
		task := newTask(tree)
		task.Owner, task.Hardlinks = fileperm.Owner{UID: 2000 + uint32(round), GID: 3000}.String(), linksSkip
		changes += testtask.Run(t.Context(), task).Changes
		if st := lstat(t, victim); st.Uid != 0 || st.Gid != 0 {
			t.Errorf("round %d has given the file beside to %d:%d", round, st.Uid, st.Gid)
			break
		}
	}
	stop.Store(true)
	<-ended
	t.Logf("%d changes during %d swaps", changes, swaps.Load())
	if few() {
		t.Errorf("%d swaps and %d changes are no attack", swaps.Load(), changes)
	}
}

// An attacker works by descriptors himself, or he would fall for his own links.
type attacker struct {
	victim string
	tree   int
	dirs   [5]int
}

func newAttacker(t *testing.T, tree, victim string) *attacker {
	a := &attacker{victim: victim, tree: openDir(t, tree)}
	t.Cleanup(func() { unix.Close(a.tree) })
	for i := range a.dirs {
		a.dirs[i] = openDir(t, filepath.Join(tree, fmt.Sprint("d", i)))
		t.Cleanup(func() { unix.Close(a.dirs[i]) })
	}
	return a
}

// play plays one of three tricks with directory d and undoes it: it swaps the
// directory with a link to the victim's, or a file in it, or moves a link about.
// It returns how many swaps it made; those that other tricks have spoilt do not
// count.
func (a *attacker) play(trick, d int) (swaps int64) {
	at, place, target := a.tree, fmt.Sprint("d", d), fmt.Sprint("d", d)
	switch trick {
	case 1:
		at, place, target = a.dirs[d], fmt.Sprint("f", d), fmt.Sprint("d", d, "/f", d)
	case 2:
		at, place, target = a.dirs[d], "gone", "."
	}
	trap := fmt.Sprint("trap", d, trick)
	_ = unix.Symlinkat(filepath.Join(a.victim, target), at, trap) // it may be there from the last time
	for range 20 {
		if trick == 2 {
			if unix.Renameat(at, trap, at, place) == nil && unix.Renameat(at, place, at, trap) == nil {
				swaps++
			}
			continue
		}
		for range 2 {
			if unix.Renameat2(at, trap, at, place, unix.RENAME_EXCHANGE) == nil {
				swaps++
			}
		}
	}
	return swaps
}

// attackTask asks for another owner or mode in each round, so that all of the
// tree must change, and tries all ways to change it.
func attackTask(tree string, round int) *Task {
	task := newTask(tree)
	task.Jobs = 1 + round%8
	task.PreserveSpecial = round%3 == 0
	if os.Geteuid() == 0 {
		task.Owner = fileperm.Owner{UID: 2000 + uint32(round), GID: 3000 + uint32(round)}.String()
	}
	if round%2 == 0 || os.Geteuid() != 0 {
		task.FileMode, task.DirMode = fmt.Sprintf("06%02o", round%64), fmt.Sprintf("07%02o", round%64)
	}
	return task
}

// attackTime is short where people wait.
func attackTime() time.Duration {
	if os.Getenv("INITBOX_TEST_LONG") != "" {
		return 40 * time.Second
	}
	return 3 * time.Second
}
