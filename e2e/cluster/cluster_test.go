package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ownerVariable makes the test program start the cluster that it names, and then wait
// to be killed.
const ownerVariable = "INITBOX_E2E_TEST_OWNER"

func TestMain(m *testing.M) {
	if name := os.Getenv(ownerVariable); name != "" {
		_, err := Up(context.Background(), Options{Name: name, Log: os.Stderr})
		fmt.Println("up:", err)
		select {}
	}
	os.Exit(m.Run())
}

// Two clusters run side by side. One ends when its owner is killed, the other with
// Down. Neither leaves anything behind.
func TestTwoClusters(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out clusters")
	}
	theirs, ours := fmt.Sprintf("owned-%d", os.Getpid()), fmt.Sprintf("own-%d", os.Getpid())
	owner := startOwner(t, theirs)
	c, err := Up(t.Context(), Options{Name: ours, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = Remove(ours) })
	if err := ready(t, theirs); err != nil {
		t.Errorf("the first cluster, with a second one beside it: %v", err)
	}
	if _, err := Up(t.Context(), Options{Name: ours, Log: t.Output()}); err == nil || !strings.Contains(err.Error(), "is up already") {
		t.Errorf("a second cluster of the same name: %v", err)
	}

	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // it was killed
	for deadline := time.Now().Add(time.Minute); alive(filepath.Join(root, theirs)); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a cluster lives on after its owner was killed")
		}
	}
	if err := ready(t, ours); err != nil {
		t.Errorf("the second cluster, after the first one ended: %v", err)
	}
	if err := errors.Join(Remove(theirs), c.Down()); err != nil {
		t.Error(err)
	}
	for _, name := range []string{theirs, ours} {
		if left := leftovers(t, name); left != "" {
			t.Errorf("cluster %s left\n%s", name, left)
		}
	}
}

func startOwner(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerVariable+"="+name)
	owner.Stderr = t.Output()
	stdout, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = owner.Process.Kill()
		_ = owner.Wait()
		_ = Remove(name)
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "up: <nil>\n" {
		t.Fatalf("the owner of a cluster: %s (%v)", line, err)
	}
	return owner
}

// ready asks the API server of the cluster as a user does, with its kubeconfig.
func ready(t *testing.T, name string) error {
	c, err := Find(t.Context(), name, t.Output())
	if err != nil {
		return err
	}
	out, err := c.Kubectl(t.Context(), "get", "--raw", "/readyz").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// leftovers lists processes, files, mounts and cgroups of a cluster that was taken down.
func leftovers(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(root, name)
	var left []string
	for _, pattern := range []string{dir, "/sys/fs/cgroup/*" + cgroupPrefix + name, "/sys/fs/cgroup/*/" + cgroupPrefix + name} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, found...)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), dir) {
		left = append(left, "mounts")
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range commands {
		if line, _ := os.ReadFile(file); strings.Contains(string(line), dir+"/") {
			left = append(left, file+": "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return strings.Join(left, "\n")
}

// An Up that fails says why, with the log of the failed program, and leaves nothing behind.
func TestUpFails(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out clusters")
	}
	dir := t.TempDir()
	etcd := filepath.Join(dir, "etcd")
	if err := os.WriteFile(etcd, []byte("#!/bin/sh\necho no room for a database >&2; exit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	name := fmt.Sprintf("failing-%d", os.Getpid())
	_, err := Up(t.Context(), Options{Name: name, Log: t.Output()})
	if err == nil || !strings.Contains(err.Error(), "etcd ended (exit status 7)") || !strings.Contains(err.Error(), "no room for a database") {
		t.Errorf("error: %v", err)
	}
	if left := leftovers(t, name); left != "" {
		t.Errorf("left\n%s", left)
	}
}
