package chown

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/tasks"
)

var (
	// kernelDirs are made up by the kernel; no volume is mounted in them.
	kernelDirs = []string{"/proc", "/sys"}
	// imageTrees come with the image, with all that is in them.
	imageTrees = []string{"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/usr"}
	// imageDirs come with the image; what is in them need not.
	imageDirs = []string{
		"/home", "/media", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp",
		"/var", "/var/cache", "/var/lib", "/var/log", "/var/run", "/var/spool", "/var/tmp",
	}
)

// protect refuses the directories of the system in the image itself. A volume
// that is mounted over one of them, or below it, is what people chown. What is
// meant is r, or the names that are missing below it.
func protect(r *root, missing []string) error {
	real, where := realPath(r), r.path
	if len(missing) > 0 {
		below := filepath.Join(missing...)
		real, where = filepath.Join(real, below), filepath.Join(where, below)
	}
	volume := real != "/dev" && real != "/" && !sameMount(r, "/") && !sameMount(r, "/dev")
	if real == "/" || within(real, kernelDirs) || !volume && (within(real, imageTrees) || slices.Contains(imageDirs, real)) {
		if real != where {
			where = fmt.Sprintf("%s, which is %s,", where, real)
		}
		err := tasks.Usagef("%s belongs to the system of the image, not to a volume", where)
		return tasks.WithNext(err, "name the directory that your application needs, mount a volume there, or insist with --force")
	}
	return nil
}

// realPath asks the kernel, which cannot be wrong about links.
func realPath(r *root) string {
	if p, err := os.Readlink(dirfd.ProcPath(r.pin)); err == nil {
		return p
	}
	if p, err := filepath.EvalSymlinks(r.path); err == nil {
		if p, err = filepath.Abs(p); err == nil {
			return p
		}
	}
	return filepath.Clean(r.path)
}

func sameMount(r *root, path string) bool {
	var st unix.Statx_t
	err := dirfd.Statx(unix.AT_FDCWD, path, statMask, &st)
	return err == nil && dirfd.MountOf(&st) == dirfd.MountOf(&r.st)
}

func within(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return path == d || strings.HasPrefix(path, d+"/") })
}
