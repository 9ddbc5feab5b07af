package copyconfig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/testkit/testtask"
	"github.com/initbox/initbox/internal/testkit/testvolume"
)

// scenarios run in a process of their own, with mounts of its own. Each gets a
// directory that is writable and empty.
var scenarios = map[string]func(dir string) error{
	"full disk":           fullDisk,
	"full disk, holes":    fullDiskHoles,
	"read-only":           readOnlyDestination,
	"read-only root":      readOnlyRoot,
	"mounted file":        mountedFile,
	"unprivileged":        unprivileged,
	"unprivileged owner":  unprivilegedOwner,
	"unprivileged volume": unprivilegedVolume,
	"from tmpfs":          fromTmpfs,
}

// plant makes files.
func plant(dir string, files tree) error {
	for path, content := range files {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// holds returns how dir differs from want.
func holds(dir string, want tree) error {
	got, err := readTree(dir)
	if err != nil {
		return err
	}
	if diff := want.diff(got); diff != "" {
		return errors.New(diff)
	}
	return noTemps(dir)
}

// refused returns an error unless o failed and said all of words.
func refused(o testtask.Outcome, words ...string) error {
	if o.Err == nil {
		return errors.New("it succeeded: " + o.Text())
	}
	for _, w := range words {
		if !strings.Contains(o.Text(), w) {
			return fmt.Errorf("no %q in %s", w, o.Text())
		}
	}
	return nil
}

func private() error { return unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, "") }

// paths returns the source and destination of a scenario, which it makes.
func paths(dir string) (src, dst string, err error) {
	src, dst = filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	return src, dst, errors.Join(os.Mkdir(src, 0o755), os.Mkdir(dst, 0o755))
}

func fullDisk(dir string) error {
	src, dst, err := paths(dir)
	if err == nil {
		err = errors.Join(private(), unix.Mount("tmpfs", dst, "tmpfs", 0, "size=256k,mode=0755"))
	}
	if err != nil {
		return err
	}
	old := tree{"a": strings.Repeat("old", 1000), "b": strings.Repeat("old", 20_000), "c": "small"}
	next := tree{"a": strings.Repeat("new", 1000), "b": strings.Repeat("new", 30_000), "c": strings.Repeat("new", 80_000)}
	if err := errors.Join(plant(dst, old), plant(src, next)); err != nil {
		return err
	}
	for i, with := range []func(*Task){
		nil, func(t *Task) { t.Prune = true }, func(t *Task) { t.AtomicDir = true },
		func(t *Task) { t.InPlace, t.Include = true, []string{"c"} },
	} {
		name := fmt.Sprint("way ", i)
		o := testtask.Run(context.Background(), copyTask(src, dst, with))
		if err := refused(o, "no space left", "the volume is full", "dst"); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		got, err := readTree(dst)
		if err != nil {
			return err
		}
		for path, content := range old {
			if got[path] != content && got[path] != next[path] {
				return fmt.Errorf("%s: %s is neither old nor new", name, path)
			}
			old[path] = got[path] // what fitted in may be new
		}
		if err := noTemps(dst); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// fullDiskHoles writes in place over a file that has its size, but not the space
// for it.
func fullDiskHoles(dir string) error {
	src, dst, err := paths(dir)
	if err != nil {
		return err
	}
	if err := private(); err != nil {
		return err
	}
	for _, size := range []int{20_000, 200_000} { // read at once, and not
		old := tree{"filler": strings.Repeat("f", 256<<10-size/2-4096), "holes": "old" + strings.Repeat("\x00", size-3)}
		if err := errors.Join(unix.Mount("tmpfs", dst, "tmpfs", 0, "size=256k,mode=0755"), plant(dst, tree{"filler": old["filler"], "holes": "old"}),
			os.Truncate(filepath.Join(dst, "holes"), int64(size)), plant(src, tree{"holes": strings.Repeat("n", size)})); err != nil {
			return err
		}
		o := testtask.Run(context.Background(), copyTask(src, dst, func(t *Task) { t.InPlace = true }))
		if err := errors.Join(refused(o, "no space left", "the volume is full, the old files are whole"), holds(dst, old)); err != nil {
			return fmt.Errorf("%d bytes: %w", size, err)
		}
		if err := os.Remove(filepath.Join(dst, "filler")); err != nil {
			return err
		}
		if o := testtask.Run(context.Background(), copyTask(src, dst, func(t *Task) { t.InPlace = true })); o.Err != nil {
			return errors.New(o.Text())
		}
		if err := errors.Join(holds(dst, tree{"holes": strings.Repeat("n", size)}), unix.Unmount(dst, 0)); err != nil {
			return err
		}
	}
	return nil
}

func readOnlyDestination(dir string) error {
	src, dst, err := paths(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(plant(src, tree{"a": "1"}), plant(dst, tree{"a": "1"}), private(),
		unix.Mount(dst, dst, "", unix.MS_BIND, ""), unix.Mount("", dst, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")); err != nil {
		return err
	}
	if o := testtask.Run(context.Background(), copyTask(src, dst, nil)); o.Err != nil || o.Changes != 0 {
		return fmt.Errorf("nothing is to do, yet: %s", o.Text())
	}
	if err := plant(src, tree{"a": "2"}); err != nil {
		return err
	}
	for _, with := range []func(*Task){nil, func(t *Task) { t.AtomicDir = true }, func(t *Task) { t.InPlace = true }, func(t *Task) { t.Prune = true }} {
		if err := refused(testtask.Run(context.Background(), copyTask(src, dst, with)), "read-only", "mount an emptyDir"); err != nil {
			return err
		}
	}
	return refused(testtask.Run(context.Background(), copyTask(src, dst+"/new", nil)), "read-only", "mount an emptyDir")
}

func readOnlyRoot(dir string) error {
	src, dst, err := paths(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(plant(src, tree{"a": "1", "d/b": "2"}), private(), unix.Mount("tmpfs", dst, "tmpfs", 0, "mode=0755"),
		unix.Mount("/", "/", "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o644); !errors.Is(err, unix.EROFS) {
		return fmt.Errorf("the root is not read-only: %v", err)
	}
	task := copyTask(src, dst, func(t *Task) { t.Prune = true })
	if o := testtask.Run(context.Background(), task); o.Err != nil {
		return errors.New(o.Text())
	}
	if o := testtask.Run(context.Background(), task); o.Err != nil || o.Changes != 0 {
		return errors.New(o.Text())
	}
	return holds(dst, tree{"a": "1", "d/b": "2"})
}

// mountedFile is a subPath mount of one file.
func mountedFile(dir string) error {
	src, dst, err := paths(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(plant(src, tree{"a": "longer than before"}), plant(dst, tree{"a": "old"}), plant(dir, tree{"real": "real"}), private(),
		unix.Mount(filepath.Join(dir, "real"), filepath.Join(dst, "a"), "", unix.MS_BIND, "")); err != nil {
		return err
	}
	if err := refused(testtask.Run(context.Background(), copyTask(src, dst, nil)), "busy", "--in-place", "subPath"); err != nil {
		return err
	}
	if err := holds(dst, tree{"a": "real"}); err != nil {
		return err
	}
	task := copyTask(src, dst, func(t *Task) { t.InPlace = true })
	if o := testtask.Run(context.Background(), task); o.Err != nil || o.Changes != 1 {
		return errors.New(o.Text())
	}
	if o := testtask.Run(context.Background(), task); o.Err != nil || o.Changes != 0 {
		return errors.New(o.Text())
	}
	return holds(dst, tree{"a": "longer than before"})
}

// unprivileged is a user with no capability who owns the destination.
func unprivileged(dir string) error {
	src, dst, err := paths(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(plant(src, tree{"a": "new", "d/b": "new"}), plant(dst, tree{"a": "old", "d/b": "old"}),
		os.Chmod(filepath.Join(dst, "a"), 0o400), os.Chmod(filepath.Join(dst, "d/b"), 0)); err != nil {
		return err
	}
	for _, with := range []func(*Task){nil, func(t *Task) { t.Prune, t.Mode = true, "0400" }, func(t *Task) { t.InPlace = true },
		func(t *Task) { t.Owner = fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()) }} {
		task := copyTask(src, dst, with)
		if o := testtask.Run(context.Background(), task); o.Err != nil || o.Changes == 0 && task.Owner == "" {
			return errors.New(o.Text())
		}
		if o := testtask.Run(context.Background(), task); o.Err != nil || o.Changes != 0 {
			return errors.New(o.Text())
		}
		if err := holds(dst, tree{"a": "new", "d/b": "new"}); err != nil {
			return err
		}
		if err := errors.Join(plant(src, tree{"a": "newer", "d/b": "n"}), plant(src, tree{"a": "new", "d/b": "new"})); err != nil {
			return err
		}
	}
	return refused(testtask.Run(context.Background(), copyTask(src, "/proc/initbox", nil)))
}

// unprivilegedVolume has a file that the user may not read.
func unprivilegedVolume(dir string) error {
	v := testvolume.Volume{Dir: filepath.Join(dir, "volume")}
	if err := errors.Join(os.Mkdir(v.Dir, 0o755), v.Update(map[string]string{"a": "1", "password": "2"}),
		os.Chmod(filepath.Join(v.Dir, "password"), 0)); err != nil {
		return err
	}
	return refused(testtask.Run(context.Background(), copyTask(v.Dir, filepath.Join(dir, "dst"), nil)),
		fmt.Sprintf("read %s/password: UID %d may not read it", v.Dir, os.Getuid()), "set fsGroup")
}

// unprivilegedOwner may not give files away, nor write where it has no right.
func unprivilegedOwner(dir string) error {
	src, dst, err := paths(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(plant(src, tree{"a": "new"}), plant(dst, tree{"a": "old"})); err != nil {
		return err
	}
	o := testtask.Run(context.Background(), copyTask(src, dst, func(t *Task) { t.Owner = "12345" }))
	if err := refused(o, "not permitted", "CHOWN", "runAsUser"); err != nil {
		return err
	}
	o = testtask.Run(context.Background(), copyTask(src, dst, func(t *Task) { t.Owner = ":12345" }))
	if err := refused(o, "not permitted", "make 12345 one of them", "supplementalGroups"); err != nil {
		return err
	}
	if err := errors.Join(holds(dst, tree{"a": "old"}), os.Chmod(dst, 0o555)); err != nil {
		return err
	}
	if err := refused(testtask.Run(context.Background(), copyTask(src, dst, nil)), "permission denied", "fsGroup"); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(src, "a"), 0); err != nil {
		return err
	}
	return refused(testtask.Run(context.Background(), copyTask(src, dst, nil)), "src/a: UID 65533 may not read it", "defaultMode")
}

// fromTmpfs is a Secret into an emptyDir: the kernel cannot copy between the two.
func fromTmpfs(dir string) error {
	src, dst, err := paths(dir)
	if err == nil {
		err = errors.Join(private(), unix.Mount("tmpfs", src, "tmpfs", 0, "size=16m,mode=0755"))
	}
	if err != nil {
		return err
	}
	files := tree{"small": "1", "large": strings.Repeat("0123456789abcdef", 300_000)}
	if err := plant(src, files); err != nil {
		return err
	}
	if o := testtask.Run(context.Background(), copyTask(src, dst, nil)); o.Err != nil || o.Changes != 2 {
		return errors.New(o.Text())
	}
	return holds(dst, files)
}
