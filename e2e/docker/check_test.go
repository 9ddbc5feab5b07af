package docker

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/initbox/initbox/e2e/debimage"
	"github.com/initbox/initbox/e2e/internal/command"
)

// make check needs Go, git and make, and no right that a container lacks. The network is for modules that no test asked
// for before; Go and its caches are those of this machine.
func TestCheckNeedsOnlyGo(t *testing.T) {
	load(t, debimage.Bare)
	clone := filepath.Join(open(t), "initbox")
	git(t, "clone", "--quiet", "--no-hardlinks", shared.root, clone)
	run := []string{
		"run", "--rm", "--network", "host", "--workdir", clone, "--volume", clone + ":" + clone,
		"--volume", "/etc/ssl/certs:/etc/ssl/certs:ro", "--env", "HOME=/tmp", "--env", "GOTOOLCHAIN=local",
	}
	for _, name := range []string{"GOROOT", "GOMODCACHE", "GOCACHE"} {
		folder, err := command.Output(t.Context(), "go", "env", name)
		if err != nil {
			t.Fatal(err)
		}
		folder = strings.TrimSpace(folder)
		run = append(run, "--volume", folder+":"+folder, "--env", name+"="+folder)
		if name == "GOROOT" {
			run = append(run, "--env", "PATH="+folder+"/bin:/usr/bin")
		}
	}
	r, err := shared.engine.Client(append(run, debimage.Bare, "make", "check")...).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r.Stdout)
	if r.Code != 0 {
		t.Errorf("exit code %d\n%s", r.Code, r.Stderr)
	}
}
