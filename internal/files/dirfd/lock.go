package dirfd

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNoLocks says that the file system of a directory has no locks.
var ErrNoLocks = errors.New("the file system has no locks for directories")

// Lock takes the lock of the file or directory fd, waiting until ctx is done.
// Closing fd, or the end of the process, releases it. waiting is called once
// if another process holds it.
func Lock(ctx context.Context, fd int, waiting func()) error {
	pause := 2 * time.Millisecond
	for first := true; ; first = false {
		err := retryEINTR(func() error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
		switch err {
		case nil:
			return nil
		case unix.EWOULDBLOCK:
		case unix.EBADF, unix.ENOLCK, unix.ENOSYS, unix.EOPNOTSUPP, unix.EINVAL, unix.EIO:
			return ErrNoLocks // NFS locks only what is open for writing, which no directory can be
		default:
			return err
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, 50*time.Millisecond)
	}
}
