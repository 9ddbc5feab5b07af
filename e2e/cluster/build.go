package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/initbox/initbox/e2e/internal/command"
)

// The versions that [Build] makes.
const (
	kubernetesVersion = "1.36.3"
	coreDNSVersion    = "1.15.0"
)

// A source is a Go module with the programs that a cluster needs of it.
type source struct {
	module, version string
	programs        map[string]string // name: package, relative to the module
}

var sources = []source{
	{"k8s.io/kubernetes", "v" + kubernetesVersion, map[string]string{
		"kube-apiserver": "cmd/kube-apiserver", "kube-controller-manager": "cmd/kube-controller-manager",
		"kube-scheduler": "cmd/kube-scheduler", "kubelet": "cmd/kubelet", "kube-proxy": "cmd/kube-proxy", "kubectl": "cmd/kubectl",
	}},
	{"github.com/coredns/coredns", "v" + coreDNSVersion, map[string]string{"coredns": "."}},
}

// Build builds the named programs of Kubernetes and CoreDNS, or all of them, below
// [os.UserCacheDir], unless they exist, and returns their folder. All of them take
// about 8 minutes on two cores; log gets a line about that.
func Build(ctx context.Context, log io.Writer, programs ...string) (bin string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "initbox-test", "kubernetes-"+kubernetesVersion+"-coredns-"+coreDNSVersion)
	bin = filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	for _, s := range sources {
		missing := s.missing(bin, programs)
		if len(missing) == 0 {
			continue
		}
		fmt.Fprintf(log, "building %s of %s %s, once; this takes minutes\n", strings.Join(missing, ", "), s.module, s.version)
		if err := s.build(ctx, filepath.Join(dir, filepath.Base(s.module)), bin, missing); err != nil {
			return "", fmt.Errorf("build %s: %w", s.module, err)
		}
	}
	return bin, nil
}

// Kubectl returns the path of a kubectl of a fixed version, whatever the machine has.
func Kubectl(ctx context.Context, log io.Writer) (path string, err error) {
	bin, err := Build(ctx, log, "kubectl")
	return filepath.Join(bin, "kubectl"), err
}

// missing returns the wanted programs of s that are not in bin. An empty wanted means all.
func (s source) missing(bin string, wanted []string) (names []string) {
	for name := range s.programs {
		if len(wanted) > 0 && !slices.Contains(wanted, name) {
			continue
		}
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// build compiles programs in a new module, which requires only s. It moves each program
// to bin when it is complete, so that an interrupted build continues later.
func (s source) build(ctx context.Context, work, bin string, programs []string) error {
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o755)); err != nil {
		return err
	}
	g := goTool{work}
	if err := g.run(ctx, "mod", "init", "build"); err != nil {
		return err
	}
	if err := g.require(ctx, s); err != nil {
		return err
	}
	packages := make([]string, len(programs))
	for i, name := range programs {
		packages[i] = filepath.Join(s.module, s.programs[name])
	}
	// All in one command, so that it loads the module graph only once.
	args := append([]string{"build", "-trimpath", "-ldflags=" + s.ldflags(), "-o", work + "/"}, packages...)
	if err := g.run(ctx, args...); err != nil {
		return err
	}
	for _, name := range programs {
		if err := os.Rename(filepath.Join(work, name), filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	return nil
}

// ldflags strip the programs, and set the version of those of Kubernetes, which helm
// compares with the demands of charts.
func (s source) ldflags() string {
	flags := "-s -w"
	major, minor, _ := strings.Cut(strings.TrimPrefix(s.version, "v"), ".")
	minor, _, _ = strings.Cut(minor, ".")
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags += fmt.Sprintf(" -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s -X %[1]s.gitTreeState=clean", pkg, s.version, major, minor)
	}
	return flags
}

// A goTool runs the go command in the module of a folder.
type goTool struct{ dir string }

// require makes s the only requirement of the module. Modules that s takes from its
// own tree, as version v0.0.0, are replaced with their published versions: Kubernetes
// 1.x.y comes with k8s.io/api 0.x.y, and so on.
func (g goTool) require(ctx context.Context, s source) error {
	out, err := g.output(ctx, "mod", "download", "-json", s.module+"@"+s.version)
	if err != nil {
		return err
	}
	var downloaded struct{ GoMod string }
	if err := json.Unmarshal([]byte(out), &downloaded); err != nil {
		return err
	}
	if out, err = g.output(ctx, "mod", "edit", "-json", downloaded.GoMod); err != nil {
		return err
	}
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal([]byte(out), &mod); err != nil {
		return err
	}
	edit := []string{"mod", "edit", "-require=" + s.module + "@" + s.version}
	for _, r := range mod.Require {
		if r.Version == "v0.0.0" {
			published := "v0." + strings.TrimPrefix(s.version, "v1.")
			edit = append(edit, "-replace="+r.Path+"="+r.Path+"@"+published)
		}
	}
	return g.run(ctx, edit...)
}

func (g goTool) run(ctx context.Context, args ...string) error {
	_, err := g.output(ctx, args...)
	return err
}

func (g goTool) output(ctx context.Context, args ...string) (string, error) {
	env := []string{"CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOWORK=off"}
	return command.Command{Folder: g.dir, Env: env, Args: append([]string{"go"}, args...)}.Output(ctx)
}
