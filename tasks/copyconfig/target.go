package copyconfig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/atomicfile"
	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/fileperm"
	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/tasks"
)

// A target is the directory that is copied into.
type target struct {
	path     string // of the directory
	name     string // of the only file in it, "" to keep the name
	fd       int    // -1 if it is missing, in a dry run
	lockless bool   // the file system has no locks, so another run may be at work
}

func (t *target) close() {
	if t.fd >= 0 {
		unix.Close(t.fd)
		t.fd = -1
	}
}

// findTarget tells a directory from the name of a file as cp(1) does.
func (r *run) findTarget(operands []operand) (*target, error) {
	path := r.Destination
	base := filepath.Base(path)
	isDir := strings.HasSuffix(path, "/") || len(operands) != 1 || operands[0].name == "" || base == "." || base == ".."
	if !isDir {
		info, err := os.Stat(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, explain(fmt.Errorf("destination: %w", err))
		}
		isDir = err == nil && info.IsDir()
	}
	if isDir {
		return &target{path: filepath.Clean(path), fd: -1}, nil
	}
	if r.AtomicDir {
		return nil, tasks.Usagef("--atomic-dir publishes a directory, and the destination %s is the name of a file: write %s/ for a directory", shown(path), shown(path))
	}
	return &target{path: filepath.Dir(path), name: base, fd: -1}, nil
}

// openTarget opens t, makes it and its parents if they are missing, and waits
// for its lock. Links in its path are followed: it is what the user wrote.
func (r *run) openTarget(ctx context.Context, t *target) error {
	fd, err := r.makePath(ctx, t.path)
	switch {
	case errors.Is(err, unix.ENOTDIR):
		return tasks.Usagef("destination %s is not a directory, or something on the way to it is not: %w", shown(t.path), err)
	case err != nil:
		return explain(fmt.Errorf("destination %s: %w", shown(t.path), err))
	}
	t.fd = fd
	if r.env.DryRun {
		return nil
	}
	if t.lockless, err = r.lock(ctx, fd, func() string { return t.path }); err != nil {
		t.close()
	}
	return err
}

// lock makes runs with the same directory take turns. lockless says that it cannot.
func (r *run) lock(ctx context.Context, fd int, path func() string) (lockless bool, err error) {
	err = dirfd.Lock(ctx, fd, func() {
		r.env.Doing("waiting for another initbox to leave " + shown(path()))
		r.env.Log.Info("another initbox copies into the directory, waiting", "path", shown(path()))
	})
	if errors.Is(err, dirfd.ErrNoLocks) {
		return true, nil
	}
	if err != nil {
		return false, explain(fmt.Errorf("lock %s: %w", shown(path()), err))
	}
	return false, nil
}

// makePath opens the directory path and makes what is missing of it; in a dry run
// it returns -1 then.
func (r *run) makePath(ctx context.Context, path string) (int, error) {
	fd, err := dirfd.Open(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
		return fd, err
	}
	parent, err := r.makePath(ctx, filepath.Dir(path))
	if err != nil {
		return -1, err
	}
	if parent >= 0 {
		defer unix.Close(parent)
	}
	return r.makeDir(ctx, parent, filepath.Base(path), path)
}

// makeDir makes the directory name in dir, unless somebody has meanwhile, and
// opens it. dir is -1 if it was not made either, in a dry run.
func (r *run) makeDir(ctx context.Context, dir int, name, path string) (int, error) {
	if r.env.DryRun {
		return -1, r.env.Do(ctx, "create", path+"/", nil)
	}
	lockless, err := r.lock(ctx, dir, func() string { return filepath.Dir(path) })
	if err != nil {
		return -1, err
	}
	if fd, err := dirfd.OpenDir(dir, name); err == nil {
		return fd, nil
	}
	if err := r.sweep(ctx, dir, filepath.Dir(path), lockless); err != nil {
		return -1, err
	}
	sync := r.wantsSync(dir)
	err = r.env.Do(ctx, "create", path+"/", func() error {
		return atomicfile.Mkdir(dir, name, r.newDir(), sync)
	})
	if err == nil && sync {
		err = dirfd.Sync(dir)
	}
	if err != nil {
		return -1, err
	}
	return dirfd.OpenDir(dir, name)
}

// newDir are the attributes of directories that are made.
func (r *run) newDir() atomicfile.Attributes {
	a := r.attributes(r.conf.dirMode.Apply(0o755, true))
	// A setgid bit stays that one has from its parent, as the fsGroup of a volume relies on.
	a.Inherit = r.conf.dirMode.Apply(0o755|fileperm.SetGID, true)&fileperm.SetGID != 0
	return a
}

func (r *run) attributes(mode uint32) atomicfile.Attributes {
	return atomicfile.Attributes{Mode: mode, UID: r.owner.UID, GID: r.owner.GID, Own: r.owner != fileperm.Owner{UID: fileperm.Keep, GID: fileperm.Keep}}
}

// sweep removes what runs that were killed have left in dir, which is locked.
func (r *run) sweep(ctx context.Context, dir int, path string, lockless bool) error {
	fd, err := dirfd.OpenDir(dir, "")
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	names, err := dirfd.Names(fd)
	if err != nil {
		return err
	}
	return r.removeTemps(ctx, dir, func() string { return path }, names, lockless)
}

// removeTemps removes those of names that are temporary.
func (r *run) removeTemps(ctx context.Context, dir int, path func() string, names []string, lockless bool) error {
	for _, name := range names {
		if !atomicfile.IsTemp(name) || lockless && !abandoned(dir, name) {
			continue
		}
		err := r.env.Do(ctx, "remove", shown(join(path(), name)), func() error { return atomicfile.RemoveAll(dir, name) })
		if err != nil {
			return explain(err)
		}
	}
	return nil
}

// refuseNesting refuses to copy a directory into itself: each run would find more to copy.
func (r *run) refuseNesting(operands []operand, t *target) error {
	at, err := existing(t.path)
	if err != nil {
		return explain(fmt.Errorf("destination: %w", err))
	}
	defer func() { unix.Close(at) }()
	var last mount.ID
	for {
		var st unix.Stat_t
		if err := dirfd.Fstat(at, &st); err != nil {
			return err
		}
		id := mount.ID{Dev: st.Dev, Ino: st.Ino}
		for _, o := range operands {
			if o.name == "" && o.dir.Is(id) {
				return tasks.Usagef("destination %s is in the source %s: a directory cannot be copied into itself", shown(r.Destination), shown(o.path))
			}
		}
		if id == last {
			return nil
		}
		last = id
		up, err := dirfd.Open(at, "..", unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			return nil // what we may not look into, we have not read either
		}
		unix.Close(at)
		at = up
	}
}

// existing opens path, or what there is on the way to it.
func existing(path string) (int, error) {
	for {
		fd, err := dirfd.Open(unix.AT_FDCWD, path, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err == nil || path == filepath.Dir(path) {
			return fd, err
		}
		path = filepath.Dir(path)
	}
}

// abandoned reports whether a temporary file is so old that no run can still be
// at it, for file systems that have no locks.
func abandoned(dir int, name string) bool {
	var st unix.Stat_t
	return dirfd.Stat(dir, name, &st) == nil && time.Since(time.Unix(st.Mtim.Unix())) > 10*time.Minute
}
