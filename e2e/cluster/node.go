package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/initbox/initbox/e2e/internal/command"
)

// startKeeper starts process 1 of the cluster's namespaces. The keeper holds the lock
// and serves listener. Unless the cluster is to outlive this process, the keeper ends
// when this process ends.
func (c *Cluster) startKeeper(ctx context.Context, held *os.File, listener *net.TCPListener, outlive bool) error {
	socket, err := listener.File()
	if err != nil {
		return err
	}
	defer socket.Close()
	log, err := os.Create(c.path("logs/keeper.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(c.path("keeper"), apiServer, c.bin, c.path("bin"))
	cmd.Stderr = log
	cmd.ExtraFiles = []*os.File{socket, held}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET}
	if !outlive {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		c.owner = w
		cmd.ExtraFiles = append(cmd.ExtraFiles, r)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a process in namespaces of its own: %w: is this root, with CAP_SYS_ADMIN?", err)
	}
	c.keeper = cmd.Process.Pid
	if err := c.write("keeper.pid", strconv.Itoa(c.keeper)+"\n"); err != nil {
		return err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	go func() { _ = cmd.Wait() }()
	if err != nil || strings.TrimSpace(line) != "ready" {
		return fmt.Errorf("the cluster's first process ended: %s", c.lastWords("keeper"))
	}
	return c.network(ctx)
}

// network gives the node its address. The bridge without ports holds the address, and
// is the route of packets to Services before they are redirected.
func (c *Cluster) network(ctx context.Context) error {
	for _, args := range []string{
		"link set lo up",
		"link add node0 type bridge",
		"addr add " + nodeIP + "/32 dev node0",
		"link set node0 up",
		"route add default dev node0",
	} {
		if _, err := command.Output(ctx, c.onNode(c.tools.ip, strings.Fields(args)...)...); err != nil {
			return err
		}
	}
	_, err := command.Output(ctx, c.onNode("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")...)
	return err
}

// Command returns a command that runs on the cluster's node, with its network,
// processes and mounts.
func (c *Cluster) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	line := c.onNode(name, args...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Env = append(os.Environ(), "PATH="+command.SearchPath()) // containerd looks for runc, kube-proxy for iptables
	return cmd
}

// onNode returns the command line that runs a command on the node.
func (c *Cluster) onNode(name string, args ...string) []string {
	enter := []string{c.tools.nsenter, "--target", strconv.Itoa(c.keeper), "--mount", "--net", "--pid", "--", name}
	return append(enter, args...)
}

// start runs a program on the node until the cluster ends. Its output goes to a log.
func (c *Cluster) start(program string, args ...string) error {
	name := filepath.Base(program)
	log, err := os.Create(c.path("logs/" + name + ".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := c.Command(context.Background(), program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		err := cmd.Wait()
		c.ended <- fmt.Errorf("%s ended (%v): %s", name, err, c.lastWords(name))
	}()
	return nil
}

// lastWords returns the end of a program's log.
func (c *Cluster) lastWords(name string) string {
	path := c.path("logs/" + name + ".log")
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return path + " ends with\n" + strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// startControlPlane starts what the API server needs, and the API server.
func (c *Cluster) startControlPlane() error {
	const etcdURL = "http://127.0.0.1:2379"
	pki := c.path("pki")
	return errors.Join(
		c.start(c.tools.containerd, "--config", c.path("containerd.toml")),
		c.start(c.tools.etcd, "--data-dir", c.path("etcd"), "--unsafe-no-fsync",
			"--listen-client-urls", etcdURL, "--advertise-client-urls", etcdURL, "--listen-peer-urls", "http://127.0.0.1:2380"),
		c.start(c.path("bin/kube-apiserver"), "--etcd-servers", etcdURL,
			"--bind-address", nodeIP, "--advertise-address", nodeIP,
			"--tls-cert-file", pki+"/kube-apiserver.crt", "--tls-private-key-file", pki+"/kube-apiserver.key",
			"--client-ca-file", pki+"/ca.crt", "--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction",
			"--kubelet-client-certificate", pki+"/kube-apiserver.crt", "--kubelet-client-key", pki+"/kube-apiserver.key",
			"--kubelet-certificate-authority", pki+"/ca.crt", "--kubelet-preferred-address-types", "InternalIP",
			"--service-account-issuer", "https://kubernetes.default.svc",
			"--service-account-key-file", pki+"/sa.pub", "--service-account-signing-key-file", pki+"/sa.key",
			"--service-cluster-ip-range", svcCIDR, "--allow-privileged"),
	)
}

// startNode starts the programs that need the API server. None of them changes a
// setting of the host's kernel.
func (c *Cluster) startNode() error {
	kubeconfig := func(user string) string { return c.path(user + ".kubeconfig") }
	return errors.Join(
		c.start(c.path("bin/kube-controller-manager"), "--kubeconfig", kubeconfig("kube-controller-manager"),
			"--use-service-account-credentials", "--service-account-private-key-file", c.path("pki/sa.key"),
			"--root-ca-file", c.path("pki/ca.crt"), "--bind-address", "127.0.0.1", "--leader-elect=false"),
		c.start(c.path("bin/kube-scheduler"), "--kubeconfig", kubeconfig("kube-scheduler"), "--bind-address", "127.0.0.1", "--leader-elect=false"),
		c.start(c.path("bin/kubelet"), "--config", c.path("kubelet.yaml"), "--kubeconfig", kubeconfig("kubelet"),
			"--root-dir", c.path("kubelet"), "--cert-dir", c.path("pki"), "--hostname-override", nodeName, "--node-ip", nodeIP),
		c.start(c.path("bin/kube-proxy"), "--kubeconfig", kubeconfig("kube-proxy"), "--hostname-override", nodeName,
			"--proxy-mode", "iptables", "--cluster-cidr", podCIDR, "--bind-address", nodeIP, "--oom-score-adj", "0",
			"--conntrack-max-per-core", "0", "--conntrack-tcp-timeout-established", "0", "--conntrack-tcp-timeout-close-wait", "0"),
		c.start(c.path("bin/coredns"), "-conf", c.path("Corefile")),
	)
}
