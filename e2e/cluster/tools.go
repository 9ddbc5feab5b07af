package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/initbox/initbox/e2e/internal/command"
)

// tools are the programs that a cluster takes from the machine.
type tools struct {
	containerd, ctr, etcd, nsenter, ip string
	cni                                string // the folder of the network plugins
}

// findTools looks for everything at once, so that one error names everything that is missing.
func findTools() (tools, error) {
	var t tools
	if os.Geteuid() != 0 {
		return t, errors.New("a cluster needs namespaces, mounts and cgroups: run this as root, or name a cluster that is there with " + KubeconfigVariable)
	}
	var missing []string
	find := func(name string) string {
		path, err := command.LookPath(name)
		if err != nil {
			missing = append(missing, name)
		}
		return path
	}
	t.containerd, t.ctr, t.etcd, t.nsenter, t.ip = find("containerd"), find("ctr"), find("etcd"), find("nsenter"), find("ip")
	find("runc")
	find("iptables")
	for _, dir := range []string{"/usr/lib/cni", "/opt/cni/bin"} {
		if _, err := os.Stat(filepath.Join(dir, "ptp")); err == nil {
			t.cni = dir
		}
	}
	if t.cni == "" {
		missing = append(missing, "/usr/lib/cni/ptp")
	}
	if len(missing) > 0 {
		return t, fmt.Errorf("no %s on this machine: make install-tools installs the packages", strings.Join(missing, ", "))
	}
	return t, nil
}
