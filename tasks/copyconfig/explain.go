package copyconfig

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/atomicfile"
	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/tasks"
)

// explain adds the next step to a failure in the destination.
func explain(err error) error {
	if err == nil || tasks.NextOf(err) != "" || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if next := nextStep(err); next != "" {
		return tasks.WithNext(err, next)
	}
	return err
}

func nextStep(err error) string {
	var owner *atomicfile.OwnerError
	var mode *atomicfile.ModeError
	switch {
	case errors.Is(err, mount.ErrChanged):
		return ""
	case errors.As(err, &owner) && errors.Is(err, unix.EINVAL):
		return "the user namespace of the pod has no such owner: choose a number that /proc/self/uid_map covers"
	case errors.As(err, &owner) && (owner.UID == math.MaxUint32 || int(owner.UID) == os.Geteuid()): // only the group changes
		return fmt.Sprintf("UID %d may give files only to its own groups: make %d one of them with fsGroup or supplementalGroups (securityContext of the pod); "+
			"an NFS server that squashes root refuses it always", os.Geteuid(), owner.GID)
	case errors.As(err, &owner):
		return fmt.Sprintf("UID %d may not give files to others: leave --owner out and run with that UID (runAsUser), "+
			"or run as root with the capability CHOWN (runAsUser: 0, capabilities: {add: [CHOWN]}); an NFS server that squashes root refuses it always", os.Geteuid())
	case errors.Is(err, atomicfile.ErrDropped):
		return fmt.Sprintf("UID %d may set the setgid bit only for its own groups: add the group with fsGroup or supplementalGroups (securityContext), "+
			"or run as root with the capability FSETID (runAsUser: 0, capabilities: {add: [FSETID]}), or choose a mode without it", os.Geteuid())
	case errors.As(err, &mode) && errors.Is(err, unix.EPERM):
		return fmt.Sprintf("UID %d may not change the mode of what belongs to others: run as root with the capabilities FOWNER and FSETID (runAsUser: 0, capabilities: {add: [FOWNER, FSETID]}), "+
			"or choose a mode without setuid and setgid", os.Geteuid())
	case errors.Is(err, errLinks), errors.Is(err, errNotFile):
		return "remove it, or copy without --in-place"
	case errors.Is(err, errNotDir), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return "remove what is there, or choose another destination"
	case errors.Is(err, unix.EISDIR):
		return "a directory is where the file must be: remove it, or leave the file out with --exclude"
	case errors.Is(err, unix.EROFS):
		return "the destination is on a read-only file system: mount an emptyDir there, without readOnly; " +
			"where the file itself is a mount (subPath), mount its directory, or write into it with --in-place"
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EXDEV):
		return "the file is a mount of its own (subPath) and cannot be replaced: write into it with --in-place, or mount the directory"
	case errors.Is(err, unix.ETXTBSY):
		return "the file is a program that runs: copy without --in-place, which replaces it"
	case errors.Is(err, errTorn):
		return "the volume is full, and the file is neither old nor new until a run succeeds: make room in the volume and run again, or copy without --in-place"
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return "the volume is full, the old files are whole: raise the emptyDir's sizeLimit or the claim's size (old and new files need space together)"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fmt.Sprintf("UID %d may not write there: set fsGroup in the pod's securityContext, or run as the owner of the volume (runAsUser)", os.Geteuid())
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return tooManyFiles
	case errors.Is(err, unix.ENAMETOOLONG):
		return "the volume takes no name of this length: leave the file out with --exclude"
	}
	return ""
}

const tooManyFiles = "too many files are open: lower --jobs, copy parts with --include, or raise the limit (ulimit -n)"

// explainSource adds the next step to a failure in a source.
func explainSource(err error) error {
	if err == nil || tasks.NextOf(err) != "" || errors.Is(err, mount.ErrChanged) {
		return err
	}
	switch {
	case errors.Is(err, mount.ErrOutside):
		return tasks.WithNext(err, "name what it leads to as a source of its own, or leave the link out with --exclude")
	case errors.Is(err, mount.ErrLoop), errors.Is(err, mount.ErrSpecial), errors.Is(err, unix.EFBIG):
		return tasks.WithNext(err, "leave it out with --exclude")
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENOTDIR):
		return tasks.WithNext(err, "leave it out with --exclude, or try again if it was replaced meanwhile")
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return tasks.WithNext(err, tooManyFiles)
	}
	return err
}

// source is the path of f in its source, for messages.
func (f *file) source() string { return shown(f.dir.Path(f.base)) }

// wantsSync reports whether files in the directory fd are to be written to the disk.
func (r *run) wantsSync(fd int) bool {
	if r.FSync != syncAuto {
		return r.FSync == syncAlways
	}
	var st unix.Statfs_t
	if unix.Fstatfs(fd, &st) != nil {
		return true
	}
	return int64(st.Type) != unix.TMPFS_MAGIC && int64(st.Type) != unix.RAMFS_MAGIC
}
