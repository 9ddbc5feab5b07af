package docker

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/initbox/initbox/e2e/debimage"
	"github.com/initbox/initbox/e2e/image"
	"github.com/initbox/initbox/e2e/internal/command"
)

// git returns the output of git about the repository's commit.
func git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command.Command{Folder: shared.root, Args: append([]string{"git", "-c", "safe.directory=*"}, args...)}.Output(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

func commitTime(t *testing.T) time.Time {
	t.Helper()
	seconds, err := strconv.ParseInt(git(t, "log", "-1", "--format=%ct"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(seconds, 0).UTC()
}

func TestConfiguration(t *testing.T) {
	c := contents(t, image.Name).Config
	if c.OS != "linux" || c.Architecture != runtime.GOARCH {
		t.Errorf("the image is for %s/%s", c.OS, c.Architecture)
	}
	if c.Config.User != "65532:65532" {
		t.Errorf("user %q: runAsNonRoot wants a number that is not 0", c.Config.User)
	}
	if !slices.Equal(c.Config.Entrypoint, []string{"/initbox"}) {
		t.Errorf("entrypoint %q", c.Config.Entrypoint)
	}
	labels := map[string]string{
		"title":     "initbox",
		"source":    "https://github.com/initbox/initbox",
		"base.name": debimage.Base,
		"revision":  git(t, "rev-parse", "HEAD"),
		"version":   git(t, "describe", "--tags", "--always", "--dirty"),
		"created":   commitTime(t).Format(time.RFC3339),
	}
	for name, want := range labels {
		if got := c.Config.Labels["org.opencontainers.image."+name]; got != want {
			t.Errorf("label %s is %q, want %q", name, got, want)
		}
	}
	if c.Config.Labels["org.opencontainers.image.description"] == "" {
		t.Error("no label description")
	}
}

func TestOneLayerOfOurs(t *testing.T) {
	base, ours := contents(t, debimage.Base), contents(t, image.Name)
	if len(ours.Layers) != len(base.Layers)+1 {
		t.Fatalf("the image has %d layers, its base %d", len(ours.Layers), len(base.Layers))
	}
	for i, l := range base.Layers {
		if ours.Layers[i].Digest != l.Digest {
			t.Errorf("layer %d is not that of the base", i)
		}
	}
	headers, bodies, err := ours.Layers[len(base.Layers)].Files()
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]int64{"initbox": 0o755, "LICENSE": 0o644, "NOTICE": 0o644}
	if len(headers) != len(modes) {
		t.Fatalf("our layer has %d entries, want the binary and its licences", len(headers))
	}
	for i, h := range headers {
		if h.Mode&0o7777 != modes[h.Name] || h.Uid != 0 || h.Gid != 0 || !h.ModTime.Equal(commitTime(t)) {
			t.Errorf("our layer has %s, mode %o, owner %d:%d, time %v", h.Name, h.Mode, h.Uid, h.Gid, h.ModTime)
		}
		want, err := os.ReadFile(filepath.Join(shared.root, h.Name))
		if h.Name == "initbox" {
			want, err = binary(t, shared.root, runtime.GOARCH), nil
		}
		if err != nil || !bytes.Equal(bodies[i], want) {
			t.Errorf("%s is not the one that make built or the repository has (%v)", h.Name, err)
		}
	}
}

func binary(t *testing.T, root, arch string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(root, "bin", "linux-"+arch, "initbox"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// The image for the other architecture is only inspected, not run.
func TestArm64(t *testing.T) {
	const name = "initbox:arm64"
	if _, err := shared.engine.Make(t.Context(), image.Build{Root: shared.root, Arch: "arm64", Args: []string{"IMAGE=" + name}}); err != nil {
		t.Fatal(err)
	}
	c := contents(t, name)
	if c.Config.Architecture != "arm64" {
		t.Errorf("the image is for %s", c.Config.Architecture)
	}
	headers, bodies, err := c.Layers[len(c.Layers)-1].Files()
	i := slices.IndexFunc(headers, func(h *tar.Header) bool { return h.Name == "initbox" })
	if err != nil || i < 0 {
		t.Fatalf("our layer has no initbox among %d entries, %v", len(bodies), err)
	}
	program, err := elf.NewFile(bytes.NewReader(bodies[i]))
	if err != nil {
		t.Fatal(err)
	}
	if program.Machine != elf.EM_AARCH64 {
		t.Errorf("the program is for %v", program.Machine)
	}
	if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the program needs %v, %v: it must be static", libraries, err)
	}
}

// Two folders with different names, umasks, times and builders make the same binary, layer and list of modules.
func TestReproducible(t *testing.T) {
	builds := []struct {
		folder, builder string
		umask           int
	}{
		{"a", "DOCKER_BUILDKIT=0", 0o022},
		{"another/place", "DOCKER_BUILDKIT=1", 0o077},
	}
	defer syscall.Umask(syscall.Umask(0o022))
	var sums, layers, lists []string
	for i, b := range builds {
		root := filepath.Join(t.TempDir(), b.folder)
		syscall.Umask(b.umask)
		git(t, "clone", "--quiet", "--no-hardlinks", shared.root, root)
		name := fmt.Sprintf("initbox:%d", i)
		_, err := shared.engine.Make(t.Context(), image.Build{
			Root: root, Arch: runtime.GOARCH, Env: []string{b.builder},
			Args: []string{"IMAGE=" + name, "DOCKER_BUILD=docker build --no-cache --quiet"},
		})
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, fmt.Sprintf("%x", sha256.Sum256(binary(t, root, runtime.GOARCH))))
		lists = append(lists, sbom(t, root))
		all := contents(t, name).Layers
		layers = append(layers, all[len(all)-1].Digest)
	}
	if sums[0] != sums[1] {
		t.Errorf("the binaries differ: %s", sums)
	}
	if layers[0] != layers[1] {
		t.Errorf("the layers differ: %s", layers)
	}
	if lists[0] != lists[1] {
		t.Errorf("the lists of modules differ:\n%s\n%s", lists[0], lists[1])
	}
}

func TestSize(t *testing.T) {
	c := contents(t, image.Name)
	over := c.Over(len(contents(t, debimage.Base).Layers))
	if line := fmt.Sprintf("has %d bytes, compressed: %d over its base", c.Pulled(), over); !strings.Contains(shared.report, line) {
		t.Errorf("make image did not say that the image %s:\n%s", line, shared.report)
	}
	tooMuch := image.Build{Root: shared.root, Arch: runtime.GOARCH, Args: []string{"IMAGE=initbox:large", fmt.Sprintf("MAX_IMAGE=%d", over-1)}}
	if _, err := shared.engine.Make(t.Context(), tooMuch); err == nil || !strings.Contains(err.Error(), "1 bytes too many") {
		t.Errorf("make image of a byte too much says %v", err)
	}
}
