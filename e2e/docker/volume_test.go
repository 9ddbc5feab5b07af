package docker

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestCopyConfigIntoAVolume(t *testing.T) {
	source := folder(t, 0, 0, 0o755, map[string]string{"app.conf": "port = ${PORT}\n"})
	target := folder(t, 12345, 0, 0o755, nil)
	options := append([]string{"--network", "none", "--env", "PORT=8080", "--volume", source + ":/config:ro", "--volume", target + ":/etc/app"}, hardened...)
	args := []string{"copy-config", "--render", "env", "--mode", "0640", "/config", "/etc/app"}
	want(t, initbox(t, options, args...), 0, "copy-config: done in")
	if got := read(t, filepath.Join(target, "app.conf")); got != "port = 8080" {
		t.Errorf("the copy holds %q", got)
	}
	owner(t, filepath.Join(target, "app.conf"), 12345, 0, 0o640)
	want(t, initbox(t, options, args...), 0, "0 changes")
}

// A named volume is empty and belongs to root, so only root can fill it.
func TestCopyConfigIntoANamedVolume(t *testing.T) {
	source := folder(t, 0, 0, 0o755, map[string]string{"app.conf": "a"})
	name := docker(t, "volume", "create")
	t.Cleanup(func() {
		if _, err := shared.engine.Docker(context.Background(), "volume", "rm", name); err != nil {
			t.Error(err)
		}
	})
	options := []string{"--network", "none", "--read-only", "--cap-drop", "ALL", "--volume", source + ":/config:ro", "--volume", name + ":/etc/app"}
	want(t, initbox(t, options, "copy-config", "/config", "/etc/app"), 1, "/etc/app", "permission denied", "65532")
	want(t, initbox(t, append(options, "--user", "0"), "copy-config", "/config", "/etc/app"), 0, "copy-config: done in")
}

func TestCopyConfigIntoAReadOnlyRoot(t *testing.T) {
	source := folder(t, 0, 0, 0o755, map[string]string{"app.conf": "a"})
	options := append([]string{"--network", "none", "--volume", source + ":/config:ro"}, hardened...)
	r := initbox(t, options, "copy-config", "--timeout", "2s", "/config", "/etc/app/")
	if r.Code == 0 {
		t.Fatal("a copy into a read-only file system succeeded")
	}
	want(t, r, r.Code, "read-only file system")
}

func TestChown(t *testing.T) {
	data := folder(t, 0, 0, 0o755, map[string]string{"a": "a"})
	private := folder(t, 2000, 2000, 0o700, map[string]string{"b": "b"})
	options := []string{
		"--network", "none", "--read-only", "--user", "0", "--security-opt", "no-new-privileges", "--volume", data + ":/data", "--volume", private + ":/private",
		"--cap-drop", "ALL",
	}
	args := []string{"chown", "1000:1000", "/data", "/private"}

	// Without the capabilities nothing may be touched; the message says what is missing.
	r := initbox(t, options, args...)
	if r.Code == 0 {
		t.Error("chown succeeded without a capability")
	}
	want(t, r, r.Code, "root lacks the capability", "CHOWN", "securityContext")
	owner(t, data, 0, 0, 0o755)
	owner(t, private, 2000, 2000, 0o700)

	able := append(options, "--cap-add", "CHOWN", "--cap-add", "DAC_OVERRIDE")
	want(t, initbox(t, able, args...), 0, "chown: done in", "4 changes")
	for _, path := range []string{data, filepath.Join(data, "a"), private, filepath.Join(private, "b")} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		owner(t, path, 1000, 1000, info.Mode().Perm())
	}
	want(t, initbox(t, able, args...), 0, "0 changes")
}

func owner(t *testing.T, path string, uid, gid uint32, mode os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	if st.Uid != uid || st.Gid != gid || info.Mode().Perm() != mode {
		t.Errorf("%s is %d:%d %v, want %d:%d %v", path, st.Uid, st.Gid, info.Mode().Perm(), uid, gid, mode)
	}
}
