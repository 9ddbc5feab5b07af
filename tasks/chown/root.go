package chown

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/dirfd"
	"github.com/initbox/initbox/tasks"
)

// A root is one path of the task, resolved.
type root struct {
	path string // as the user wrote it
	pin  int    // holds it, opened with O_PATH
	st   unix.Statx_t
}

// openRoot resolves p once, links included, for whoever named it meant where
// they lead. It returns nil without an error if p is missing and would have been
// made, were this no dry-run.
func (j *job) openRoot(ctx context.Context, p string) (*root, error) {
	pin, err := dirfd.Open(unix.AT_FDCWD, p, unix.O_PATH, 0)
	if err == unix.ENOENT && j.task.Mkdir {
		if pin, err = j.mkdir(ctx, p); pin < 0 && err == nil {
			return nil, nil
		}
	}
	switch {
	case err == unix.ENOENT:
		return nil, tasks.WithNext(fmt.Errorf("%s does not exist, or is a link that leads nowhere", p),
			"look whether the volume is mounted there (volumeMounts), or let --mkdir make the directory")
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", p, err)
	}
	r := &root{path: p, pin: pin}
	if err := dirfd.Statx(pin, "", statMask, &r.st); err != nil {
		unix.Close(pin)
		return nil, fmt.Errorf("look at %s: %w", p, err)
	}
	if !j.task.Force {
		if err := protect(r); err != nil {
			unix.Close(pin)
			return nil, err
		}
	}
	return r, nil
}

// mkdir makes the directory p and its parents and opens it. In a dry-run it
// returns -1. What it makes it opens without following links, so that the
// directory that is given away is the one that was made.
func (j *job) mkdir(ctx context.Context, p string) (int, error) {
	at, here := unix.AT_FDCWD, "."
	if strings.HasPrefix(p, "/") {
		here = "/"
	}
	at, err := dirfd.Open(at, here, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return -1, err
	}
	made := here
	for name := range strings.SplitSeq(strings.Trim(p, "/"), "/") {
		if name == "" {
			continue
		}
		made = path.Join(made, name)
		next, err := j.step(ctx, at, name, made)
		unix.Close(at)
		if err != nil || next < 0 {
			return -1, err
		}
		at = next
	}
	return at, nil
}

// step opens the directory name in at, or makes it.
func (j *job) step(ctx context.Context, at int, name, made string) (int, error) {
	const flags = unix.O_PATH | unix.O_DIRECTORY
	next, err := dirfd.Open(at, name, flags, 0)
	switch {
	case err == unix.ENOTDIR:
		return -1, fmt.Errorf("make %s: it is there but no directory", made)
	case err != unix.ENOENT:
		return next, err
	}
	err = j.env.Do(ctx, "mkdir", made, func() error {
		err := unix.Mkdirat(at, name, 0o755)
		if err == unix.EEXIST {
			return nil // somebody else was faster, or it is a link that leads nowhere, which the next step refuses
		}
		return err
	})
	if err != nil || j.env.DryRun {
		return -1, err
	}
	next, err = dirfd.Open(at, name, flags|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, fmt.Errorf("make %s: %w", made, err)
	}
	return next, nil
}

// refused tries whether the root may change before the walk begins, for it only
// does when that is over. It sets what the root has already, which asks for the
// same permission and takes an NFS server to say what it thinks of root.
func (j *job) refused(r *root) error {
	if isFile(&r.st) {
		return nil // the change comes at once, and would find less special bits
	}
	var err error
	op := ""
	if j.plan.wantsOwner(&r.st) {
		err = dirfd.Chown(r.pin, r.st.Uid, r.st.Gid)
	} else {
		op, err = opMode, dirfd.Chmod(r.pin, uint32(r.st.Mode)&0o7777)
	}
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, unix.EROFS):
		return &opError{op, err}
	case kindOf(r.pin) == unix.FUSE_SUPER_MAGIC:
		return nil // its daemon decides, whatever capabilities we have
	}
	return j.foreseen(r)
}

// foreseen knows what the kernel will say to a change that the attempt did not
// have to ask for: an owner may always set what is there.
func (j *job) foreseen(r *root) error {
	if j.plan.wantsOwner(&r.st) && !j.creds.may(j.plan, &r.st) {
		return unix.EPERM
	}
	if j.plan.mode(r.st.Mode) != uint32(r.st.Mode)&0o7777 {
		if err := error(&opError{opMode, unix.EPERM}); j.creds.lacks(j.plan, opMode, err, &r.st) != "" {
			return err
		}
	}
	return nil
}
