package copyconfig

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sealed is a content that shows whether it is whole: its last line is the
// digest of those before it.
func sealed(version int, name string, size int) string {
	body := fmt.Sprintf("version %d %s\n%s\n", version, name, strings.Repeat("x", size))
	return fmt.Sprintf("%s%x", body, sha256.Sum256([]byte(body)))
}

// broken returns why content is not a whole one of name, and its version.
func broken(name, content string) (version int, err error) {
	at := strings.LastIndexByte(content, '\n') + 1
	if fmt.Sprintf("%x", sha256.Sum256([]byte(content[:at]))) != content[at:] {
		return 0, fmt.Errorf("%s is torn: %d bytes, %.60q", name, len(content), content)
	}
	var of string
	if _, err := fmt.Sscanf(content, "version %d %s", &version, &of); err != nil || of != name {
		return 0, fmt.Errorf("%s has the content of %s", name, of)
	}
	return version, nil
}

// killTree is the source of version n: some files come and go with versions.
func killTree(n int) tree {
	tr := make(tree)
	for i := range 40 {
		name := fmt.Sprintf("d%d/f%d", i%4, i)
		if i%5 == 0 {
			name = fmt.Sprintf("top%d", i)
		}
		if i%3 == 0 && (i+n)%2 == 0 {
			continue
		}
		if i%3 == 1 {
			tr[name] = sealed(0, name, i*10) // never changes
			continue
		}
		tr[name] = sealed(n, name, (i*n*997)%70_000)
	}
	return tr
}

// always returns the files that every version has.
func always() []string {
	one, two := killTree(1), killTree(2)
	var names []string
	for name := range one {
		if _, ok := two[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

// TestKill kills copies at random instants. At no time is a file torn, lost or,
// with --atomic-dir, of another version than the others; the next run makes it
// right and leaves nothing over.
func TestKill(t *testing.T) {
	kills := 60
	switch {
	case long():
		kills = 334 // three times that
	case testing.Short():
		kills = 6
	}
	for name, with := range map[string]func(*Task){
		"plain":      nil,
		"prune":      func(t *Task) { t.Prune = true },
		"atomic-dir": func(t *Task) { t.AtomicDir = true },
	} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			src, dst := filepath.Join(base, "src"), filepath.Join(base, "dst")
			killTree(0).write(t, src)
			task := copyTask(src, dst, with)
			mustRun(t, task, -1)
			if err := os.WriteFile(filepath.Join(dst, "mine"), []byte(sealed(0, "mine", 9)), 0o644); err != nil {
				t.Fatal(err)
			}
			r := &reader{dst: dst, versions: task.AtomicDir, stop: make(chan struct{})}
			r.done.Go(r.watch)
			k := &killer{task: task, longest: 20 * time.Millisecond}
			hit := 0
			n := 1
			for ; hit < kills && n < 3*kills && r.failure() == nil; n++ {
				if err := os.RemoveAll(src); err != nil {
					t.Fatal(err)
				}
				now := killTree(n).write(t, src)
				if k.kill(t, rand.N(k.longest)) {
					hit++
				}
				mustRun(t, copyTask(now, dst, with), -1)
				checkKilled(t, task, n)
			}
			close(r.stop)
			r.done.Wait()
			if err := r.failure(); err != nil {
				t.Error(err)
			}
			t.Logf("%d of %d runs were killed at work, %d looks at the destination", hit, n-1, r.looks)
			if hit < kills || r.looks == 0 {
				t.Error("the runs end before they are killed, or nobody has looked")
			}
		})
	}
}

// checkKilled checks that the destination is right after the run that followed a kill.
func checkKilled(t *testing.T, task *Task, n int) {
	t.Helper()
	mustRun(t, task, 0)
	if err := noTemps(task.Destination); err != nil {
		t.Fatal(err)
	}
	want := killTree(n)
	want["mine"] = sealed(0, "mine", 9)
	got, err := readTree(task.Destination)
	if err != nil {
		t.Fatal(err)
	}
	if task.AtomicDir {
		version := strings.TrimPrefix(got[dataLink], "-> ")
		seen := make(tree)
		for path, content := range got {
			if rel, ok := strings.CutPrefix(path, version+"/"); ok {
				seen[rel] = content
			} else if !strings.HasPrefix(content, "-> ") {
				seen[path] = content
			}
		}
		got = seen
	}
	if !task.Prune && !task.AtomicDir { // what earlier versions had stays
		for path := range got {
			if _, ok := want[path]; !ok {
				delete(got, path)
			}
		}
	}
	if diff := want.diff(got); diff != "" {
		t.Fatalf("after kill %d:\n%s", n, diff)
	}
}

// A killer starts copies and kills them.
type killer struct {
	task    *Task
	longest time.Duration // that a copy takes
}

// kill ends a copy after a delay; false if it had ended by then.
func (k *killer) kill(t *testing.T, after time.Duration) bool {
	t.Helper()
	cmd := taskCommand(t, k.task)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "begin\n" {
		t.Fatalf("%q: %v", line, err)
	}
	begin := time.Now()
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, out)
		close(ended)
	}()
	select {
	case <-ended:
		k.longest = (k.longest + time.Since(begin)) / 2 // aim earlier
	case <-time.After(after):
		k.longest += k.longest / 20
	}
	_ = cmd.Process.Kill()
	err = cmd.Wait()
	return err != nil
}

// A reader looks at the destination all the time.
type reader struct {
	dst      string
	versions bool
	stop     chan struct{}
	done     sync.WaitGroup
	mu       sync.Mutex
	err      error
	looks    int
}

func (r *reader) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *reader) watch() {
	names := always()
	for {
		select {
		case <-r.stop:
			return
		default:
		}
		err := r.look(names)
		if err == nil && r.versions {
			err = r.lookAtVersion()
		}
		r.mu.Lock()
		r.looks++
		r.err = err
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// look reads each file by its path.
func (r *reader) look(names []string) error {
	for _, name := range names {
		var data []byte
		err := fs.ErrNotExist
		// Whoever resolves ..data while the old version goes may find nothing,
		// as in a volume of kubelet; the next look must find it.
		for try := 0; errors.Is(err, fs.ErrNotExist) && (try == 0 || r.versions && try < 20); try++ {
			data, err = os.ReadFile(filepath.Join(r.dst, name))
		}
		if err != nil {
			return fmt.Errorf("lost: %w", err)
		}
		if _, err := broken(name, string(data)); err != nil {
			return err
		}
	}
	return nil
}

// lookAtVersion reads all files through one look at ..data.
func (r *reader) lookAtVersion() error {
	root, err := os.OpenRoot(filepath.Join(r.dst, dataLink))
	if err != nil {
		return ignoreGone(err)
	}
	defer root.Close()
	seen, count := 0, 0
	err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := root.ReadFile(path)
		if err != nil {
			return err
		}
		version, err := broken(path, string(data))
		if err != nil {
			return err
		}
		if count++; version != 0 && seen != 0 && seen != version {
			return fmt.Errorf("a mix: %s is of version %d, others of %d", path, version, seen)
		}
		seen = max(seen, version)
		return nil
	})
	if err != nil {
		return ignoreGone(err)
	}
	if now, err := os.Stat(filepath.Join(r.dst, dataLink)); err != nil {
		return ignoreGone(err)
	} else if held, err := root.Stat("."); err == nil && os.SameFile(now, held) && count != len(killTree(seen)) {
		return fmt.Errorf("version %d has %d files", seen, count)
	}
	return nil
}

// ignoreGone forgives that the version that was looked at is the old one by now.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
