package copyconfig

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A volume is a ConfigMap or Secret as kubelet mounts it.
type volume struct{ dir string }

// update brings a version, by the steps of kubelet's AtomicWriter.Write (in
// pkg/volume/util/atomic_writer.go), in its order.
func (v *volume) update(payload tree) error {
	old, _ := os.Readlink(filepath.Join(v.dir, "..data"))
	version, err := os.MkdirTemp(v.dir, time.Now().UTC().Format("..2006_01_02_15_04_05."))
	if err != nil {
		return err
	}
	if err := os.Chmod(version, 0o755); err != nil {
		return err
	}
	for path, content := range payload {
		full := filepath.Join(version, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			return err
		}
	}
	next := filepath.Join(v.dir, "..data_tmp")
	if err := os.Symlink(filepath.Base(version), next); err != nil {
		return err
	}
	if err := os.Rename(next, filepath.Join(v.dir, "..data")); err != nil {
		return err
	}
	if err := v.links(payload); err != nil || old == "" {
		return err
	}
	return os.RemoveAll(filepath.Join(v.dir, old))
}

// links makes the links that users see, and removes those of keys that are gone.
func (v *volume) links(payload tree) error {
	keys := make(map[string]bool)
	for path := range payload {
		key, _, _ := strings.Cut(path, "/")
		keys[key] = true
	}
	for key := range keys {
		if err := os.Symlink("..data/"+key, filepath.Join(v.dir, key)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "..") && !keys[e.Name()] {
			if err := os.Remove(filepath.Join(v.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// payload is the version n of a ConfigMap, with a set of keys of its own.
func payload(n int) tree {
	p := tree{"always": fmt.Sprint("version ", n), "sub/deep": fmt.Sprint("version ", n)}
	for i := range 1 + n%7 {
		p[fmt.Sprint("key-", (n+i)%9)] = fmt.Sprint("version ", n)
	}
	return p
}

func TestVolumeOfKubelet(t *testing.T) {
	v := &volume{t.TempDir()}
	if err := v.update(payload(3)); err != nil {
		t.Fatal(err)
	}
	dst := t.TempDir()
	task := copyTask(v.dir, dst, func(t *Task) { t.Prune = true })
	mustRun(t, task, -1)
	payload(3).want(t, dst)
	mustRun(t, task, 0)
	if err := v.update(payload(5)); err != nil {
		t.Fatal(err)
	}
	mustRun(t, task, -1)
	payload(5).want(t, dst)

	// One file, or a directory in it; a volume inside of a directory.
	for _, c := range []struct {
		sources []string
		want    tree
	}{
		{[]string{v.dir + "/always"}, tree{"always": "version 5"}},
		{[]string{v.dir + "/sub"}, tree{"deep": "version 5"}},
		{[]string{v.dir + "/sub/deep", v.dir + "/always"}, tree{"deep": "version 5", "always": "version 5"}},
		{[]string{v.dir + "/..data"}, payload(5)},
	} {
		dst := t.TempDir()
		task := New()
		task.Sources, task.Destination = c.sources, dst+"/"
		mustRun(t, task, -1)
		c.want.want(t, dst)
	}
	outer := tree{"x": "1"}.write(t, t.TempDir())
	inner := &volume{filepath.Join(outer, "conf")}
	if err := os.Mkdir(inner.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := inner.update(tree{"k": "v"}); err != nil {
		t.Fatal(err)
	}
	dst = t.TempDir()
	mustRun(t, copyTask(outer, dst, nil), -1)
	tree{"x": "1", "conf/k": "v"}.want(t, dst)
}

// Kubelet brings version after version while they are copied. Each copy must be
// one version, with all of its keys.
func TestNoMixOfVersions(t *testing.T) {
	swaps, copies := 500, 30
	if long() {
		swaps = 10_000
	}
	for name, with := range map[string]func(*Task){
		"in memory": nil,
		"held open": func(t *Task) { t.memory = 1 },
		"rendered":  func(t *Task) { t.Render.Mode = "env" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &volume{t.TempDir()}
			if err := v.update(payload(0)); err != nil {
				t.Fatal(err)
			}
			var done atomic.Int64
			stop, ended := make(chan struct{}), make(chan error, 1)
			go func() {
				for n := 1; ; n++ {
					select {
					case <-stop:
						ended <- nil
						return
					case <-time.After(time.Duration(n%3) * 200 * time.Microsecond):
					}
					if err := v.update(payload(n)); err != nil {
						ended <- err
						return
					}
					done.Add(1)
				}
			}()
			for n := 0; n < copies || done.Load() < int64(swaps); n++ {
				if t.Failed() || len(ended) > 0 {
					break
				}
				copyOne(t, v, with)
			}
			close(stop)
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
		})
	}
}

// copyOne copies v and checks that the result is one version.
func copyOne(t *testing.T, v *volume, with func(*Task)) {
	t.Helper()
	dst, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dst)
	mustRun(t, copyTask(v.dir, dst, func(t *Task) {
		t.FSync = syncNever
		if with != nil {
			with(t)
		}
	}), -1)
	got, err := readTree(dst)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscanf(got["always"], "version %d", &n); err != nil {
		t.Fatalf("%v: %v", got, err)
	}
	if diff := payload(n).diff(got); diff != "" {
		t.Errorf("a mix with version %d (%v):\n%s", n, slices.Sorted(maps.Keys(got)), diff)
	}
}
