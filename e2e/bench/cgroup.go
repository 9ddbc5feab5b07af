package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// A cgroup limits the CPU of the commands that run within it.
type cgroup struct{ dir string }

// newCgroup makes one, of version 1 or 2, as the kernel's file system is mounted.
func newCgroup(quota, period time.Duration) (*cgroup, error) {
	us := func(d time.Duration) string { return strconv.FormatInt(d.Microseconds(), 10) }
	for _, v := range []struct {
		root   string
		limits map[string]string
	}{
		{"/sys/fs/cgroup/cpu", map[string]string{"cpu.cfs_period_us": us(period), "cpu.cfs_quota_us": us(quota)}},
		{"/sys/fs/cgroup", map[string]string{"cpu.max": us(quota) + " " + us(period)}},
	} {
		g := &cgroup{filepath.Join(v.root, fmt.Sprintf("initbox-bench-%d", os.Getpid()))}
		if err := os.Mkdir(g.dir, 0o755); err != nil {
			continue
		}
		var err error
		for name, value := range v.limits {
			// Without O_CREATE, which in a tmpfs would make a file that limits nothing.
			f, openErr := os.OpenFile(filepath.Join(g.dir, name), os.O_WRONLY, 0)
			if err = openErr; err != nil {
				break
			}
			_, err = f.WriteString(value)
			if err = errors.Join(err, f.Close()); err != nil {
				break
			}
		}
		if err == nil {
			return g, nil
		}
		_ = g.remove()
	}
	return nil, fmt.Errorf("no cgroup with a CPU limit can be made below /sys/fs/cgroup (root?)")
}

// within returns a command that joins the group and becomes argv. Its shell has
// already paid for its own start outside the group.
func (g *cgroup) within(argv []string) []string {
	join := `echo $$ >"$1" && shift && exec "$@"`
	return append([]string{"sh", "-c", join, "sh", filepath.Join(g.dir, "cgroup.procs")}, argv...)
}

// remove waits until the last process has left the group.
func (g *cgroup) remove() (err error) {
	for range 50 {
		if err = os.Remove(g.dir); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}
