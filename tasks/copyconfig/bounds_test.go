package copyconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/testkit/testtask"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/internal/testkit/testvolume"
)

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestNothingIsLeftOpen(t *testing.T) {
	v := &testvolume.Volume{Dir: t.TempDir()}
	if err := v.Update(payload(6)); err != nil {
		t.Fatal(err)
	}
	plain := tree{"a": "1", "d/b": "2", "l": "-> a", "big": strings.Repeat("x", 100_000)}.write(t, t.TempDir())
	bad := tree{"a": "1", "l": "-> /etc"}.write(t, t.TempDir())
	files, goroutines := descriptors(t), runtime.NumGoroutine()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, with := range []func(*Task){
		nil, func(t *Task) { t.Prune = true }, func(t *Task) { t.AtomicDir = true }, func(t *Task) { t.memory = 1 },
		func(t *Task) { t.Owner = "nobody-of-this-name" }, func(t *Task) { t.Sources = append(t.Sources, "/nope") },
	} {
		for _, src := range []string{v.Dir, plain, bad} {
			task := copyTask(src, filepath.Join(t.TempDir(), "x/y"), with)
			testtask.Run(ended, task)
			testtask.Run(t.Context(), task, testtask.DryRun)
			testtask.Run(t.Context(), task)
			testtask.Run(t.Context(), task)
		}
	}
	if now := descriptors(t); now != files {
		t.Errorf("%d descriptors, %d before", now, files)
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
}

func TestCancelIsHeededAtOnce(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(src, "big"), make([]byte, 256<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, with := range []func(*Task){nil, func(t *Task) { t.Prune = true }, func(t *Task) { t.AtomicDir = true }} {
		const bound = 2 * time.Second
		took := testtime.Best(bound, func() time.Duration {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			at := make(chan time.Time, 1)
			time.AfterFunc(15*time.Millisecond, func() { at <- time.Now(); cancel() })
			o := testtask.Run(ctx, copyTask(src, dst, with))
			ended := time.Now()
			if o.Err == nil {
				t.Fatal("the copy had ended before: the file is too small")
			}
			if !errors.Is(o.Err, context.Canceled) {
				t.Error(o.Text())
			}
			if err := noTemps(dst); err != nil {
				t.Error(err)
			}
			return ended.Sub(<-at)
		})
		if took > bound {
			t.Errorf("it went on for %v", took)
		}
	}
	tree{}.want(t, dst)
}

func TestTemplateWithoutEnd(t *testing.T) {
	src, dst := tree{"a": "1", "b": "\n{{range 1000000000000}}{{end}}"}.write(t, t.TempDir()), t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	o := testtask.Run(ctx, copyTask(src, dst, func(t *Task) { t.Render.Mode = "template" }))
	if !errors.Is(o.Err, context.DeadlineExceeded) || !strings.HasPrefix(o.Err.Error(), src+"/b:2: the template had not ended") {
		t.Error(o.Text())
	}
	tree{}.want(t, dst)
}

func TestRunsTakeTurns(t *testing.T) {
	dst := t.TempDir()
	lock, err := unix.Open(dst, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(lock, unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	src := tree{"a": "1"}.write(t, t.TempDir())
	var o testtask.Outcome
	for timeout := range testtime.Deadlines {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		o = testtask.Run(ctx, copyTask(src, dst, nil))
		cancel()
		if o.Err == nil || strings.Contains(o.Log, "another initbox") {
			break
		}
	}
	if !errors.Is(o.Err, context.DeadlineExceeded) || !strings.Contains(o.Log, "another initbox") {
		t.Error(o.Text())
	}
	unix.Close(lock)

	// Many at once, also in a directory beneath, remove none of each other's files.
	var runs sync.WaitGroup
	for i := range 8 {
		src := make(tree)
		for n := range 60 {
			src[string(rune('a'+i))+"/sub/"+strings.Repeat("f", n+1)] = strings.Repeat("x", 5000)
			src["shared/"+strings.Repeat("g", n+1)] = strings.Repeat("x", 5000)
		}
		from, to := src.write(t, t.TempDir()), dst
		if i%2 == 1 {
			from, to = from+"/shared", dst+"/shared"
		}
		runs.Go(func() {
			for range 5 {
				if o := testtask.Run(t.Context(), copyTask(from, to, func(t *Task) { t.ModeFor = []string{"g*=060" + string(rune('0' + i))[:1]} })); o.Err != nil {
					t.Error(o.Text())
				}
			}
		})
	}
	runs.Wait()
	if err := noTemps(dst); err != nil {
		t.Error(err)
	}
}

func TestSparseAndLarge(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	f, err := os.Create(filepath.Join(src, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	const size = 3 << 30
	for _, off := range []int64{0, 1 << 30, 1<<30 + 5, size - 10} {
		if _, err := f.WriteAt([]byte("data"), off); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		t.Fatal(err)
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	if err := os.WriteFile(filepath.Join(src, "big"), big, 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, copyTask(src, dst, nil), 2)
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(dst, "sparse"), &st); err != nil || st.Size != size || st.Blocks > 1000 {
		t.Errorf("%d bytes in %d blocks: %v", st.Size, st.Blocks, err)
	}
	f, err = os.Open(filepath.Join(dst, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, off := range []int64{0, 1 << 30, 1<<30 + 5, size - 10} {
		buf := make([]byte, 5)
		if _, err := f.ReadAt(buf, off); err != nil || !bytes.HasPrefix(buf, []byte("data")) {
			t.Errorf("at %d: %q, %v", off, buf, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(dst, "big")); err != nil || !bytes.Equal(got, big) {
		t.Errorf("the large file differs: %v", err)
	}
	// The last byte counts.
	if f, err := os.OpenFile(filepath.Join(dst, "big"), os.O_WRONLY, 0); err != nil {
		t.Fatal(err)
	} else if _, err := f.WriteAt([]byte("?"), int64(len(big)-1)); errors.Join(err, f.Close()) != nil {
		t.Fatal(err)
	}
	mustRun(t, copyTask(src, dst, func(t *Task) { t.Include = []string{"big"} }), 1)
	if got, err := os.ReadFile(filepath.Join(dst, "big")); err != nil || !bytes.Equal(got, big) {
		t.Errorf("the large file differs: %v", err)
	}
	// A file of /proc has no size beforehand.
	mustRun(t, copyTask("/proc/version", dst, nil), 1)
	if got, err := os.ReadFile(filepath.Join(dst, "version")); err != nil || !bytes.HasPrefix(got, []byte("Linux")) {
		t.Errorf("%q, %v", got, err)
	}
	mustRun(t, copyTask("/proc/version", dst, nil), 0)
}

// What procfs has shows no size, be it small or large.
func TestFilesWithoutSize(t *testing.T) {
	for _, size := range []int{10, half - 100, half, 100_000} {
		dst := t.TempDir() + "/copy"
		cmd := taskCommand(t, copyTask("/proc/self/environ", dst, nil))
		own := "FILL=" + strings.Repeat("x", size)
		cmd.Env = append(cmd.Env, own)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%d bytes: %v\n%s", size, err, out)
			continue
		}
		got, err := os.ReadFile(dst)
		if want := strings.Join(cmd.Env, "\x00") + "\x00"; err != nil || len(got) > len(want) || !bytes.HasSuffix(got, []byte(own+"\x00")) {
			t.Errorf("%d bytes: %d, %v", size, len(got), err)
		}
	}
}

// fewDescriptors runs task with room for n open files.
func fewDescriptors(t *testing.T, task *Task, n uint64) testtask.Outcome {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	few := unix.Rlimit{Cur: n, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}()
	return testtask.Run(t.Context(), task)
}

func TestDescriptorsAreBounded(t *testing.T) {
	const limit = 200
	binary, large := make(tree), make(tree)
	for i := range 300 {
		binary[fmt.Sprint("f", i)] = fmt.Sprint(i, "\x00")
		large[fmt.Sprint("f", i)] = strings.Repeat("\x00", 2<<10)
	}
	render := func(t *Task) { t.Render.Mode, t.Render.MaxSize = "env", 1<<10 }
	for name, files := range map[string]tree{"binary": binary, "large": large} {
		src, dst := files.write(t, t.TempDir()), t.TempDir()
		if o := fewDescriptors(t, copyTask(src, dst, render), limit); o.Err != nil {
			t.Errorf("%s: %s", name, o.Text())
		}
		files.want(t, dst)
	}
	v := &testvolume.Volume{Dir: t.TempDir()}
	if err := v.Update(binary); err != nil {
		t.Fatal(err)
	}
	for _, with := range []func(*Task){nil, render} {
		dst := t.TempDir()
		task := copyTask(v.Dir, dst, with)
		if o := fewDescriptors(t, task, limit); o.Err != nil {
			t.Error(o.Text())
		}
		binary.want(t, dst)
		task.Destination, task.memory = t.TempDir(), 1
		if o := fewDescriptors(t, task, limit); o.Err == nil || !strings.Contains(o.Text(), "too many files are open") || o.Changes != 0 {
			t.Errorf("%d changes, %s", o.Changes, o.Text())
		}
	}
}

func TestTextsAreBounded(t *testing.T) {
	src := t.TempDir()
	for i := range 80 { // with holes, which are binary, they take no memory
		path := filepath.Join(src, fmt.Sprint("f", i))
		if err := errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	trim := func(t *Task) { t.TrimNewline, t.FSync = true, syncNever }
	mustRun(t, copyTask(src, t.TempDir(), trim), 80)
	text := strings.Repeat("x", 1<<20)
	for i := range 80 {
		if err := os.WriteFile(filepath.Join(src, fmt.Sprint("f", i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := testtask.Run(t.Context(), copyTask(src, t.TempDir(), trim))
	if o.Err == nil || o.Changes != 0 || strings.Count(o.Err.Error(), "64 MiB") != 1 {
		t.Errorf("%d changes, %s", o.Changes, o.Text())
	}
}
