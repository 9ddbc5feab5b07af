// Package testvolume makes volumes as kubelet makes them from a ConfigMap or
// Secret.
package testvolume

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A Volume is a directory with the link ..data.
type Volume struct{ Dir string }

// Update replaces the content of the volume by files, a map from path to content.
// It follows the steps of kubelet's AtomicWriter.Write
// (pkg/volume/util/atomic_writer.go) in the same order.
func (v *Volume) Update(files map[string]string) error {
	old, _ := os.Readlink(filepath.Join(v.Dir, "..data"))
	version, err := os.MkdirTemp(v.Dir, time.Now().UTC().Format("..2006_01_02_15_04_05."))
	if err != nil {
		return err
	}
	if err := os.Chmod(version, 0o755); err != nil {
		return err
	}
	for path, content := range files {
		full := filepath.Join(version, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			return err
		}
	}
	next := filepath.Join(v.Dir, "..data_tmp")
	if err := os.Symlink(filepath.Base(version), next); err != nil {
		return err
	}
	if err := os.Rename(next, filepath.Join(v.Dir, "..data")); err != nil {
		return err
	}
	if err := v.links(files); err != nil || old == "" {
		return err
	}
	return os.RemoveAll(filepath.Join(v.Dir, old))
}

// links creates the links that users see, and removes those of deleted keys.
func (v *Volume) links(files map[string]string) error {
	keys := make(map[string]bool)
	for path := range files {
		key, _, _ := strings.Cut(path, "/")
		keys[key] = true
	}
	for key := range keys {
		if err := os.Symlink("..data/"+key, filepath.Join(v.Dir, key)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	entries, err := os.ReadDir(v.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "..") && !keys[e.Name()] {
			if err := os.Remove(filepath.Join(v.Dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Churn returns a volume that gets one new version after another, as fast as
// possible, until the test ends. swaps counts the versions.
func Churn(t testing.TB, version func(n int) map[string]string) (v *Volume, swaps *atomic.Int64) {
	t.Helper()
	v, swaps = &Volume{t.TempDir()}, new(atomic.Int64)
	if err := v.Update(version(0)); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(n%3) * 200 * time.Microsecond):
			}
			if err := v.Update(version(n)); err != nil {
				t.Error(err)
				return
			}
			swaps.Add(1)
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
	})
	return v, swaps
}
