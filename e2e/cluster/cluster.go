package cluster

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/initbox/initbox/e2e/debimage"
	"github.com/initbox/initbox/e2e/internal/command"
)

// A Cluster is a running cluster that [Up] started.
type Cluster struct {
	dir    string // all its files
	bin    string // the programs of Build; the node sees them in its folder bin
	tools  tools
	keeper int        // the process number on the host of process 1 of its namespaces
	owner  *os.File   // the keeper lives while this is open; nil if it needs no owner
	ended  chan error // errors of programs that ended although they should not
}

// Options say how [Up] makes a cluster.
type Options struct {
	Name    string    // identifies the cluster on this machine; also the name of its folder
	Outlive bool      // keep it running after this process ends, until [Find] and Down
	Log     io.Writer // gets a line for each thing that takes long
}

// upTimeout is for a busy machine; an idle one takes a tenth of it.
const upTimeout = 3 * time.Minute

const cgroupPrefix = "initbox-e2e-"

// Up starts a cluster and returns when it can run pods. If it fails, it leaves nothing
// behind; its error has the end of the most useful log.
func Up(ctx context.Context, o Options) (*Cluster, error) {
	t, err := findTools()
	if err != nil {
		return nil, err
	}
	bin, err := Build(ctx, o.Log)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()
	dir, held, err := create(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	defer held.Close()
	c := &Cluster{dir: dir, bin: bin, tools: t, ended: make(chan error, 16)}
	if err := c.up(ctx, held, o.Outlive); err != nil {
		return nil, errors.Join(fmt.Errorf("cluster %s: %w", o.Name, err), c.abandon(held))
	}
	return c, nil
}

func (c *Cluster) up(ctx context.Context, held *os.File, outlive bool) error {
	for _, program := range []string{"keeper", "pause"} {
		build := []string{"go", "build", "-trimpath", "-ldflags=-s -w", "-o", c.path(program), "github.com/initbox/initbox/e2e/cluster/" + program}
		if _, err := (command.Command{Env: []string{"CGO_ENABLED=0"}, Args: build}).Output(ctx); err != nil {
			return err
		}
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := c.writeFiles(listener.Addr().String()); err != nil {
		return err
	}
	if err := c.startKeeper(ctx, held, listener, outlive); err != nil {
		return err
	}
	if err := c.startControlPlane(); err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	if err := c.waitFor(ctx, "kube-apiserver", "the API server to be ready", func(ctx context.Context) error {
		return api.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}); err != nil {
		return err
	}
	if err := c.furnish(ctx); err != nil {
		return err
	}
	if err := c.startNode(); err != nil {
		return err
	}
	return c.ready(ctx, api)
}

//go:embed bootstrap.yaml
var bootstrap string

// furnish creates the objects that the node's programs and pods need.
func (c *Cluster) furnish(ctx context.Context) error {
	volumes, err := c.makeVolumes()
	if err != nil {
		return err
	}
	if err := c.write("bootstrap.yaml", bootstrap+volumes); err != nil {
		return err
	}
	_, err = command.Output(ctx, c.kubectl(), "--kubeconfig", c.Kubeconfig(), "apply", "--server-side", "-f", c.path("bootstrap.yaml"))
	return err
}

// ready returns when the cluster can run pods.
func (c *Cluster) ready(ctx context.Context, api kubernetes.Interface) error {
	pause := c.path("pause.tar")
	if err := debimage.Program(pause, pauseImage, c.path("pause")); err != nil {
		return err
	}
	if err := c.waitFor(ctx, "containerd", "containerd", func(ctx context.Context) error { return c.Load(ctx, pause) }); err != nil {
		return err
	}
	if err := c.waitFor(ctx, "coredns", "CoreDNS", c.dnsReady); err != nil {
		return err
	}
	if err := c.waitFor(ctx, "kubelet", "the node to be ready", func(ctx context.Context) error { return nodeReady(ctx, api) }); err != nil {
		return err
	}
	return c.waitFor(ctx, "kube-controller-manager", "the default service account", func(ctx context.Context) error {
		_, err := api.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// dnsReady looks for the greeting that CoreDNS prints when it is ready: its port
// cannot be reached from here.
func (c *Cluster) dnsReady(context.Context) error {
	text, err := os.ReadFile(c.path("logs/coredns.log"))
	if err == nil && !strings.Contains(string(text), "CoreDNS-") {
		err = errors.New("it does not answer yet")
	}
	return err
}

func nodeReady(ctx context.Context, api kubernetes.Interface) error {
	node, err := api.CoreV1().Nodes().Get(ctx, nodeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, cond := range node.Status.Conditions {
		if cond.Type == corev1.NodeReady {
			if cond.Status == corev1.ConditionTrue {
				return nil
			}
			return errors.New(cond.Message)
		}
	}
	return errors.New("it has not reported yet")
}

// waitFor returns when probe succeeds. It fails as soon as a program ends.
func (c *Cluster) waitFor(ctx context.Context, program, what string, probe func(context.Context) error) error {
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case err := <-c.ended:
			return err
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting for %s: %w; %s", what, err, c.lastWords(program))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// volumeCount is how many claims a cluster can bind in its life: a local volume is
// not reused.
const volumeCount = 32

// makeVolumes makes folders, owned by root, and returns their volumes.
func (c *Cluster) makeVolumes() (string, error) {
	var text strings.Builder
	for i := range volumeCount {
		dir := c.path(fmt.Sprintf("volumes/%02d", i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return "", err
		}
		fmt.Fprintf(&text, `---
apiVersion: v1
kind: PersistentVolume
metadata: {name: local-%02d}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: local
  local: {path: %s}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [%s]}]}]}}
`, i, dir, nodeName)
	}
	return text.String(), nil
}

// Find returns the cluster of that name that another process started. If it must build
// kubectl first, log gets a line.
func Find(ctx context.Context, name string, log io.Writer) (*Cluster, error) {
	dir := filepath.Join(root, name)
	if !alive(dir) {
		return nil, fmt.Errorf("no cluster %s is up", name)
	}
	t, err := findTools()
	if err != nil {
		return nil, err
	}
	bin, err := Build(ctx, log, "kubectl")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bin, tools: t}
	pid, err := os.ReadFile(c.path("keeper.pid"))
	if err != nil {
		return nil, err
	}
	c.keeper, err = strconv.Atoi(string(bytes.TrimSpace(pid)))
	return c, err
}

// Down ends everything that runs in the cluster and removes its files.
func (c *Cluster) Down() error {
	if err := end(c.dir); err != nil {
		return err
	}
	if c.owner != nil {
		c.owner.Close()
	}
	return Sweep(context.Background())
}

// Remove takes down the cluster name, if it is up, and removes what the clusters of
// killed owners left.
func Remove(name string) error { return (&Cluster{dir: filepath.Join(root, name)}).Down() }

// abandon takes down a cluster whose Up failed, perhaps before it had a keeper. The
// lock is shared with the keeper: as long as this process holds it, the cluster counts as alive.
func (c *Cluster) abandon(held *os.File) error {
	var err error
	if c.keeper != 0 {
		err = end(c.dir)
	}
	held.Close()
	return errors.Join(err, c.Down())
}

// Kubeconfig returns the path of a kubeconfig for the administrator of the cluster. It
// works from anywhere on the machine.
func (c *Cluster) Kubeconfig() string { return c.path("kubeconfig") }

// Kubectl returns a command that runs kubectl, of the cluster's version, against the cluster.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.kubectl(), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig())
	return cmd
}

func (c *Cluster) client() (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

func (c *Cluster) path(name string) string { return filepath.Join(c.dir, name) }
func (c *Cluster) kubectl() string         { return filepath.Join(c.bin, "kubectl") }
func (c *Cluster) cgroup() string          { return "/" + cgroupPrefix + filepath.Base(c.dir) }
