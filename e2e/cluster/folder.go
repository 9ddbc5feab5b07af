package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/testkit/testdir"
)

// root holds a folder for each cluster. It is not /run, which is in memory on most
// machines and too small for images, and not the user's cache, whose path is too long
// for the address of a unix socket.
const root = "/var/cache/initbox-e2e"

// create makes the folder of the cluster name and returns its lock, held. The keeper
// will hold the lock: a folder with a free lock was left by a cluster that has ended.
func create(ctx context.Context, name string) (dir string, held *os.File, err error) {
	dir = filepath.Join(root, name)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", nil, err
	}
	unlock, err := lock(ctx, filepath.Join(root, ".lock"))
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	if err := sweep(); err != nil {
		return "", nil, fmt.Errorf("remove what clusters left: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return "", nil, fmt.Errorf("the cluster %s is up already: take it down first, or give this one another name", name)
		}
		return "", nil, err
	}
	held, err = testdir.Hold(dir)
	return dir, held, err
}

// Sweep removes the folders and cgroups of clusters that have ended.
func Sweep(ctx context.Context) error {
	unlock, err := lock(ctx, filepath.Join(root, ".lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	return sweep()
}

// sweep is Sweep for a caller that holds the lock of root.
func sweep() error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if dir := filepath.Join(root, e.Name()); e.IsDir() && !alive(dir) {
			errs = append(errs, remove(dir))
		}
	}
	return errors.Join(errs...)
}

// alive reports whether the cluster of dir has a keeper.
func alive(dir string) bool { return testdir.Held(dir) }

// end kills the keeper of dir, and with it everything in its cluster, and returns when
// all of that has ended.
func end(dir string) error {
	if !alive(dir) {
		return nil // another process may have its number by now
	}
	text, err := os.ReadFile(filepath.Join(dir, "keeper.pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("keeper %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		return fmt.Errorf("end keeper %d: %w", pid, err)
	}
	ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if n, err := unix.Poll(ended, 1000); n == 1 && err == nil {
			return nil
		}
	}
	return fmt.Errorf("keeper %d does not end, although it was killed", pid)
}

// remove deletes the files of a cluster whose keeper has ended. Right after a kill,
// the kernel may still be ending the other processes.
func remove(dir string) error {
	cgroups, err := filepath.Glob("/sys/fs/cgroup/*/" + cgroupPrefix + filepath.Base(dir))
	if err != nil {
		return err
	}
	cgroups = append(cgroups, "/sys/fs/cgroup/"+cgroupPrefix+filepath.Base(dir))
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := os.RemoveAll(dir)
		for _, cgroup := range cgroups {
			err = errors.Join(err, removeCgroup(cgroup))
		}
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// removeCgroup removes a cgroup and the cgroups below it. Their files cannot be
// removed; they vanish with the cgroup.
func removeCgroup(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeCgroup(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if err == nil {
		err = os.Remove(dir)
	}
	return err
}

// lock takes the lock file path, waiting for it until ctx is done.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := dirfd.Lock(ctx, int(f.Fd()), func() {}); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s, which another process may hold: %w", path, err)
	}
	return func() { f.Close() }, nil
}
