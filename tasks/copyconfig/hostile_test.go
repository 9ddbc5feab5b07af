package copyconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/internal/testkit/testtask"
	"github.com/initbox/initbox/internal/testkit/testtime"
)

func TestLinks(t *testing.T) {
	outside := tree{"secret": "s"}.write(t, t.TempDir())
	src := tree{
		"a": "1", "d/b": "2", "file": "-> a", "up": "-> d/../a", "dir": "-> d", "d/back": "-> ../a",
	}.write(t, t.TempDir())
	dst := t.TempDir()
	mustRun(t, copyTask(src, dst, nil), -1)
	tree{"a": "1", "d/b": "2", "file": "1", "up": "1", "dir/b": "2", "dir/back": "1", "d/back": "1"}.want(t, dst)

	for name, target := range map[string]string{
		"outside": "../" + filepath.Base(outside) + "/secret", "absolute": outside + "/secret", "dangling": "nope",
		"loop": ".", "self": "self", "root": "/",
	} {
		src := tree{"sub/a": "1", "sub/self": "-> " + target}.write(t, t.TempDir())
		dst := filepath.Join(t.TempDir(), "dst")
		o := testtask.Run(t.Context(), copyTask(src, dst, nil))
		if o.Err == nil || o.Changes != 0 || !strings.Contains(o.Text(), "--exclude") || !strings.Contains(o.Text(), "sub/self") {
			t.Errorf("%s: %d changes, %s", name, o.Changes, o.Text())
		}
		mustRun(t, copyTask(src, dst, func(t *Task) { t.Exclude = []string{"self"} }), -1)
	}
	// A file that the user names may be a link to anywhere.
	file := tree{"l": "-> " + outside + "/secret", "m": "-> l", "plain": "p"}.write(t, t.TempDir())
	dst = t.TempDir()
	mustRun(t, copyTask(file+"/l", dst, func(t *Task) {
		t.Sources, t.ModeFor = append(t.Sources, file+"/m", file+"/plain", outside+"/secret"), []string{"m=0600"}
	}), 4)
	tree{"l": "s", "m": "s", "plain": "p", "secret": "s"}.want(t, dst)
	for name, want := range map[string]uint32{"l": 0o644, "m": 0o600} {
		if mode, _, _ := modeOf(t, dst+"/"+name); mode != want {
			t.Errorf("%s has %o", name, mode)
		}
	}
	mustRun(t, copyTask(file+"/m", dst+"/renamed", nil), 1)
}

func TestSpecialFilesAreNeverOpened(t *testing.T) {
	src, dst := tree{"a": "1"}.write(t, t.TempDir()), tree{"x": ""}.write(t, t.TempDir())
	if err := errors.Join(unix.Mkfifo(filepath.Join(src, "fifo"), 0o644), unix.Mkfifo(filepath.Join(dst, "a"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if o := mustRun(t, copyTask(src, dst, nil), 1); !strings.Contains(o.Log, "passed over") {
		t.Error(o.Text())
	}
	tree{"a": "1", "x": ""}.want(t, dst)
	if o := testtask.Run(t.Context(), copyTask(src+"/fifo", dst, nil)); !errors.Is(o.Err, mount.ErrSpecial) {
		t.Error(o.Text())
	}
}

func TestIntoItself(t *testing.T) {
	src := tree{"a": "1", "d/b": "2"}.write(t, t.TempDir())
	for _, dst := range []string{"", "/d", "/new/x", "/d/../d"} {
		if o := testtask.Run(t.Context(), copyTask(src, src+dst, nil)); o.Err == nil || o.Changes != 0 {
			t.Errorf("%s: %d changes, %v", dst, o.Changes, o.Err)
		}
	}
	mustRun(t, copyTask(src+"/a", src, nil), 0)
	mustRun(t, copyTask(src+"/a", src+"/d/", nil), 1)
}

func TestAwkwardNames(t *testing.T) {
	tr := tree{"a\nb": "1", "\xff\xfe": "2", "d \t/\x01": "3", "-rf": "4", strings.Repeat("n", 255): "5", "{{x}}": "6"}
	src, dst := tr.write(t, t.TempDir()), t.TempDir()
	task := copyTask(src, dst, func(t *Task) { t.Prune = true })
	mustRun(t, task, -1)
	tr.want(t, dst)
	mustRun(t, task, 0)
	for name := range tr {
		if err := os.Remove(filepath.Join(src, name)); err != nil {
			t.Fatal(err)
		}
	}
	tree{"last": ""}.write(t, src)
	if o := mustRun(t, task, -1); strings.Contains(o.Summary[0], "\n") {
		t.Errorf("%q", o.Summary)
	}
	tree{"last": "", "d \t/": ""}.want(t, dst)
}

func TestDeepTree(t *testing.T) {
	levels := 1500 // more than PATH_MAX takes, several times
	if long() {
		levels = 4000
	}
	src, dst := t.TempDir(), t.TempDir()
	at, err := unix.Open(src, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range levels {
		next := -1
		if err = unix.Mkdirat(at, "level", 0o755); err == nil {
			next, err = unix.Openat(at, "level", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		unix.Close(at)
		if at = next; err != nil {
			t.Fatal(err)
		}
	}
	f, err := unix.Openat(at, "bottom", unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(f)
	unix.Close(at)
	task := copyTask(src, dst, func(t *Task) { t.FSync = syncNever })
	mustRun(t, task, int64(levels)+1)
	mustRun(t, task, 0)
}

// An attacker swaps directories and files for links, in the source and in the
// destination, while they are copied. Nothing outside may be read or changed.
func TestAttacker(t *testing.T) {
	duration := 3 * time.Second
	if long() {
		duration = 30 * time.Second
	}
	outside := tree{"sub/f": "SECRET", "sub/g": "SECRET", "f": "SECRET"}.write(t, t.TempDir())
	before := fingerprint(t, outside)
	src, dst := t.TempDir(), t.TempDir()
	calm := tree{"f": "good", "sub/f": "good", "sub/deeper/g": "good"}.write(t, t.TempDir())
	stop := make(chan struct{})
	var attackers sync.WaitGroup
	for _, dir := range []string{src, dst} {
		attackers.Go(func() { attack(dir, outside, stop) })
	}
	modes := []func(*Task){
		nil, func(t *Task) { t.Prune = true }, func(t *Task) { t.InPlace = true }, func(t *Task) { t.Mode, t.DirMode = "0600", "0700" },
		func(t *Task) { t.AtomicDir = true },
	}
	runs, good := 0, 0
	contest := func() bool { return good > 0 && good < runs }
	for end := time.Now().Add(duration); time.Now().Before(end) || !contest() && time.Now().Before(end.Add(testtime.Patience)); runs++ {
		from := src
		if runs%2 == 0 {
			from = calm // so that many runs come as far as the destination
		}
		o := testtask.Run(t.Context(), copyTask(from, dst, modes[runs%len(modes)]))
		if o.Err == nil {
			good++
		}
		if leaked := secretsIn(dst); leaked != "" {
			t.Fatalf("%s has the secret after\n%s", leaked, o.Text())
		}
	}
	close(stop)
	attackers.Wait()
	if after := fingerprint(t, outside); after != before {
		t.Errorf("the tree outside has changed\nbefore %s\nafter  %s", before, after)
	}
	t.Logf("%d runs, %d of them without an error", runs, good)
	if !contest() {
		t.Error("the attack was no contest")
	}
}

// attack makes f, sub and sub/f of dir now files and directories, now links to
// those of outside.
func attack(dir, outside string, stop chan struct{}) {
	p := func(name string) string { return filepath.Join(dir, name) }
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		// Failures are part of the game: the copy changes the same names.
		_ = os.Mkdir(p("real"), 0o755)
		_ = os.WriteFile(p("real/f"), []byte(fmt.Sprint("good ", n)), 0o644)
		_ = os.Rename(p("real"), p("sub"))
		_ = os.WriteFile(p("plain"), []byte("good"), 0o644)
		_ = os.Rename(p("plain"), p("f"))
		time.Sleep(time.Duration(n%5) * 300 * time.Microsecond)
		_ = os.Rename(p("sub"), p("away"))
		_ = os.Symlink(outside+"/sub", p("sub"))
		_ = os.Symlink(outside+"/f", p("link"))
		_ = os.Rename(p("link"), p("f"))
		time.Sleep(time.Duration(n%3) * 200 * time.Microsecond)
		_ = os.Remove(p("sub"))
		_ = os.Symlink(outside+"/sub/g", p("away/g"))
		_ = os.Rename(p("away"), p("sub"))
		time.Sleep(time.Duration(n%4) * 200 * time.Microsecond)
		_ = os.RemoveAll(p("sub"))
	}
}

// fingerprint is all that can be known of a tree.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %o %d:%d %d %d %v; ", path, st.Mode, st.Uid, st.Gid, st.Nlink, st.Size, st.Ctim)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// secretsIn returns a regular file beneath dir that has the secret in it.
func secretsIn(dir string) (leaked string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil
		}
		defer unix.Close(fd)
		// The attacker may have swapped a directory under this look.
		if real, err := os.Readlink(fmt.Sprint("/proc/self/fd/", fd)); err != nil || !strings.HasPrefix(real, dir) {
			return nil
		}
		buf := make([]byte, 64)
		if n, _ := unix.Read(fd, buf); strings.Contains(string(buf[:max(n, 0)]), "SECRET") {
			leaked = path
		}
		return nil
	})
	return leaked
}
