package chown

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/tasks"
)

// A root is one path of the task, resolved.
type root struct {
	path    string // as the user wrote it
	pin     int    // holds it, opened with O_PATH
	st      unix.Statx_t
	missing bool // a dry-run would have to make it: pin holds a directory above it
}

// openRoot opens p, and makes it if it is missing and --mkdir says so.
func (j *job) openRoot(ctx context.Context, p string) (*root, error) {
	r, missing, err := j.find(p)
	if err != nil || len(missing) == 0 {
		return r, err
	}
	if err := j.mkdir(ctx, r, missing); err != nil {
		unix.Close(r.pin)
		return nil, err
	}
	r.path = p
	return r, nil
}

// find resolves p once, links included, for whoever named it meant where they
// lead. With --mkdir it may be a directory above p, with the names that are
// missing below it. It refuses p before any of them is made.
func (j *job) find(p string) (r *root, missing []string, err error) {
	r = &root{path: p}
	r.pin, err = dirfd.Open(unix.AT_FDCWD, p, unix.O_PATH, 0)
	switch {
	case err == unix.ENOENT && j.task.Mkdir:
		if r, missing, err = deepest(p); err != nil {
			return nil, nil, err
		}
	case err == unix.ENOENT:
		return nil, nil, tasks.WithNext(tasks.Usagef("%s does not exist, or is a link that leads nowhere", p),
			"look whether the volume is mounted there (volumeMounts), or let --mkdir make the directory")
	case err == unix.ENOTDIR, err == unix.ELOOP:
		return nil, nil, tasks.WithNext(tasks.Usagef("%s does not exist: %w on the way there", p, err), "look at each directory of the path, and where links lead")
	case err != nil:
		return nil, nil, fmt.Errorf("open %s: %w", p, err)
	}
	if err = dirfd.Statx(r.pin, "", statMask, &r.st); err != nil {
		err = fmt.Errorf("look at %s: %w", r.path, err)
	} else if !j.task.Force {
		err = protect(r, missing)
	}
	if err != nil {
		unix.Close(r.pin)
		return nil, nil, err
	}
	return r, missing, nil
}

// refused tries whether the root may change before the walk begins, for it only
// does when that is over. It sets what the root has already, which asks for the
// same permission and takes an NFS server to say what it thinks of root.
func (j *job) refused(r *root) error {
	if isFile(&r.st) {
		return nil // the change comes at once, and would find less special bits
	}
	var err error
	if j.settings.wantsOwner(&r.st) {
		err = dirfd.Chown(r.pin, r.st.Uid, r.st.Gid)
	} else if err = dirfd.Chmod(r.pin, uint32(r.st.Mode)&0o7777); err != nil {
		err = &opError{opMode, err}
	}
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, unix.EROFS):
		return err
	case kindOf(r.pin) == unix.FUSE_SUPER_MAGIC:
		return nil // its daemon decides, whatever capabilities we have
	}
	return j.foreseen(r)
}

// foreseen knows what the kernel will say to a change that the attempt did not
// have to ask for: an owner may always set what is there.
func (j *job) foreseen(r *root) error {
	if j.settings.wantsOwner(&r.st) && !j.creds.may(j.settings, &r.st) {
		return unix.EPERM
	}
	if j.settings.mode(r.st.Mode) != uint32(r.st.Mode)&0o7777 {
		if err := error(&opError{opMode, unix.EPERM}); j.creds.lacks(j.settings, opMode, err, &r.st) != "" {
			return err
		}
	}
	return nil
}
