package slowfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/atomicfile"
	"github.com/initbox/initbox/internal/files/fileperm"
)

// A recorder notes the operations that make a new file durable. It may miss writes:
// newer kernels pass them directly to the backing file.
type recorder struct {
	fuse.RawFileSystem
	mu     sync.Mutex
	events []string
}

func (r *recorder) note(event string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
}

func (r *recorder) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	r.note("create " + name)
	return r.RawFileSystem.Create(cancel, in, name, out)
}

func (r *recorder) Fsync(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	r.note("sync file")
	return r.RawFileSystem.Fsync(cancel, in)
}

func (r *recorder) FsyncDir(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	r.note("sync directory")
	return r.RawFileSystem.FsyncDir(cancel, in)
}

func (r *recorder) Rename(cancel <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	r.note("rename " + from + " " + to)
	return r.RawFileSystem.Rename(cancel, in, from, to)
}

// asWriter is the variable with the folder in which this binary writes when the test
// starts it again.
const asWriter = "INITBOX_TEST_WRITER"

func TestMain(m *testing.M) {
	dir := os.Getenv(asWriter)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := writeAndLook(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestFilesAreDurable lets atomicfile write to a file system that records the order
// of its operations.
func TestFilesAreDurable(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), asWriter+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWNS} // the mount goes with the process
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func writeAndLook(dir string) (err error) {
	backing, shown := filepath.Join(dir, "backing"), filepath.Join(dir, "shown")
	if err := errors.Join(os.Mkdir(backing, 0o755), os.Mkdir(shown, 0o755)); err != nil {
		return err
	}
	r := new(recorder)
	unmount, err := mount(backing, shown, func(raw fuse.RawFileSystem) fuse.RawFileSystem {
		r.RawFileSystem = raw
		return r
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unmount()) }()
	fd, err := unix.Open(shown, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	own := atomicfile.Attributes{Mode: 0o640, UID: fileperm.Keep, GID: fileperm.Keep}
	if err := atomicfile.WriteFile(fd, "f", []byte("x"), own, true); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	temp := ""
	if len(r.events) > 0 {
		temp = strings.TrimPrefix(r.events[0], "create ")
	}
	want := []string{"create " + temp, "sync file", "rename " + temp + " f", "sync directory"}
	if !slices.Equal(r.events, want) {
		return fmt.Errorf("got  %q\nwant %q", r.events, want)
	}
	return nil
}
