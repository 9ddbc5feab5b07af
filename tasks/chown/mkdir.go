package chown

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/fileperm"
	"github.com/initbox/initbox/tasks"
)

const (
	// pathDir holds a directory without reading it.
	pathDir = unix.O_PATH | unix.O_DIRECTORY
	// madeMode is the mode of what --mkdir makes, whatever the umask says, so
	// that the application can enter the parents of its directory.
	madeMode = 0o755
)

// deepest opens the last directory on the way to p that is there, links
// included, and returns the names that are missing below it.
func deepest(p string) (*root, []string, error) {
	r := &root{path: "."}
	if strings.HasPrefix(p, "/") {
		r.path = "/"
	}
	var err error
	if r.pin, err = dirfd.Open(unix.AT_FDCWD, r.path, pathDir, 0); err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", r.path, err)
	}
	names := strings.FieldsFunc(p, func(c rune) bool { return c == '/' })
	for i, name := range names {
		next, err := dirfd.Open(r.pin, name, pathDir, 0)
		if err == unix.ENOENT && !slices.Contains(names[i:], "..") {
			return r, names[i:], nil
		}
		unix.Close(r.pin)
		r.pin, r.path = next, path.Join(r.path, name)
		switch {
		case err == unix.ENOENT: // ".." might lead from there to where nobody has looked
			return nil, nil, tasks.Usagef("%s goes up with \"..\" from %s, which does not exist: write the path without", p, r.path)
		case err == unix.ENOTDIR:
			return nil, nil, fmt.Errorf("make %s: %s is there but no directory", p, r.path)
		case err != nil:
			return nil, nil, fmt.Errorf("open %s: %w", r.path, err)
		}
	}
	return r, nil, nil
}

// mkdir makes the directories names, one in the other, below r, and lets r be the
// last of them. A dry-run only says so, and describes what it would be.
func (j *job) mkdir(ctx context.Context, r *root, names []string) error {
	for _, name := range names {
		if err := j.mkdirIn(ctx, r, name); err != nil {
			return err
		}
	}
	if !j.env.DryRun {
		return dirfd.Statx(r.pin, "", statMask, &r.st)
	}
	r.missing = true
	inherited := r.st.Mode & fileperm.SetGID
	if inherited == 0 {
		r.st.Gid = j.creds.groups[0]
	}
	r.st.Uid, r.st.Mode = j.creds.uid, unix.S_IFDIR|madeMode|inherited
	return nil
}

// mkdirIn makes the directory name in r and goes there.
func (j *job) mkdirIn(ctx context.Context, r *root, name string) error {
	made := path.Join(r.path, name)
	r.path = made
	if j.env.DryRun && !j.announced.first("mkdir "+made) {
		return nil
	}
	return j.env.Do(ctx, "mkdir", made, func() error {
		next, err := j.makeDir(r.pin, name)
		if err == nil {
			unix.Close(r.pin)
			r.pin = next
		}
		return err
	})
}

// makeDir makes the directory name in at. It opens it without following links, so
// that the directory that is given away is the one that was made.
func (j *job) makeDir(at int, name string) (int, error) {
	made := dirfd.Mkdir(at, name, madeMode)
	if made != nil && made != unix.EEXIST {
		return -1, made
	}
	// If it exists, somebody else was faster, or it is a link that leads nowhere.
	fd, err := dirfd.Open(at, name, pathDir|unix.O_NOFOLLOW, 0)
	if err != nil || made != nil {
		return fd, err
	}
	mode, err := modeOf(fd)
	if err == nil && mode&madeMode != madeMode { // the umask has taken some
		err = j.chmod(fd, mode|madeMode)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
