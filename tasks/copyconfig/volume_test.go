package copyconfig

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testvolume"
)

// payload is the version n of a ConfigMap, with a set of keys of its own.
func payload(n int) tree {
	p := tree{"always": fmt.Sprint("version ", n), "sub/deep": fmt.Sprint("version ", n)}
	for i := range 1 + n%7 {
		p[fmt.Sprint("key-", (n+i)%9)] = fmt.Sprint("version ", n)
	}
	return p
}

func TestVolumeOfKubelet(t *testing.T) {
	v := &testvolume.Volume{Dir: t.TempDir()}
	if err := v.Update(payload(3)); err != nil {
		t.Fatal(err)
	}
	dst := t.TempDir()
	task := copyTask(v.Dir, dst, func(t *Task) { t.Prune = true })
	mustRun(t, task, -1)
	payload(3).want(t, dst)
	mustRun(t, task, 0)
	if err := v.Update(payload(5)); err != nil {
		t.Fatal(err)
	}
	mustRun(t, task, -1)
	payload(5).want(t, dst)

	// One file, or a directory in it; a volume inside of a directory.
	for _, c := range []struct {
		sources []string
		want    tree
	}{
		{[]string{v.Dir + "/always"}, tree{"always": "version 5"}},
		{[]string{v.Dir + "/sub"}, tree{"deep": "version 5"}},
		{[]string{v.Dir + "/sub/deep", v.Dir + "/always"}, tree{"deep": "version 5", "always": "version 5"}},
		{[]string{v.Dir + "/..data"}, payload(5)},
	} {
		dst := t.TempDir()
		task := New()
		task.Sources, task.Destination = c.sources, dst+"/"
		mustRun(t, task, -1)
		c.want.want(t, dst)
	}
	outer := tree{"x": "1"}.write(t, t.TempDir())
	inner := &testvolume.Volume{Dir: filepath.Join(outer, "conf")}
	if err := os.Mkdir(inner.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := inner.Update(tree{"k": "v"}); err != nil {
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
			v, done := testvolume.Churn(t, func(n int) map[string]string { return payload(n) })
			for n := 0; n < copies || done.Load() < int64(swaps); n++ {
				if t.Failed() {
					break
				}
				copyOne(t, v, with)
			}
		})
	}
}

// copyOne copies v and checks that the result is one version.
func copyOne(t *testing.T, v *testvolume.Volume, with func(*Task)) {
	t.Helper()
	dst, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dst)
	mustRun(t, copyTask(v.Dir, dst, func(t *Task) {
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
