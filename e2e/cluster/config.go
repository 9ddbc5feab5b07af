package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Addresses in a cluster's own network. Nothing outside of it sees them, so all
// clusters have the same.
const (
	nodeName  = "node1"
	nodeIP    = "10.250.0.1"
	podCIDR   = "10.244.0.0/16"
	svcCIDR   = "10.96.0.0/16"
	apiSvcIP  = "10.96.0.1"
	dnsIP     = "10.96.0.10"
	apiServer = nodeIP + ":6443"
)

const pauseImage = "localhost/pause:1"

// The users of the API server's clients. RBAC has built-in roles for all except
// CoreDNS, whose role is in bootstrap.yaml.
var users = []identity{
	{file: "admin", user: "initbox-e2e", group: "system:masters"},
	{file: "kube-controller-manager", user: "system:kube-controller-manager"},
	{file: "kube-scheduler", user: "system:kube-scheduler"},
	{file: "kube-proxy", user: "system:kube-proxy"},
	{file: "kubelet", user: "system:node:" + nodeName, group: "system:nodes"},
	{file: "coredns", user: "system:coredns"},
}

var servers = []identity{
	{file: "kube-apiserver", user: "kube-apiserver", group: "system:masters", ips: []string{nodeIP, apiSvcIP, "127.0.0.1"},
		names: []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}},
	{file: "kubelet-server", user: nodeName, names: []string{nodeName}, ips: []string{nodeIP}},
}

// writeFiles writes every file that the cluster's programs read. outer is the address
// of the API server outside of the cluster's network.
func (c *Cluster) writeFiles(outer string) error {
	for _, dir := range []string{"bin", "pki", "cni", "logs", "kubelet", "volumes"} {
		if err := os.MkdirAll(c.path(dir), 0o755); err != nil {
			return err
		}
	}
	ca, err := newAuthority(c.path("pki"))
	if err != nil {
		return fmt.Errorf("certificate authority: %w", err)
	}
	errs := []error{writeServiceAccountKeys(c.path("pki"))}
	for _, id := range users {
		errs = append(errs, ca.issue(id), c.write(id.file+".kubeconfig", c.kubeconfig(id.file, apiServer)))
	}
	for _, id := range servers {
		errs = append(errs, ca.issue(id))
	}
	return errors.Join(append(errs,
		c.write("kubeconfig", c.kubeconfig("admin", outer)),
		c.write("containerd.toml", c.containerdConfig()),
		c.write("cni/10-pods.conflist", c.cniConfig()),
		c.write("kubelet.yaml", c.kubeletConfig()),
		c.write("Corefile", c.corefile()),
	)...)
}

func (c *Cluster) write(name, text string) error {
	return os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600)
}

func (c *Cluster) kubeconfig(user, server string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: "https://%[3]s", certificate-authority: %[1]s/ca.crt}}]
users: [{name: %[2]s, user: {client-certificate: %[1]s/%[2]s.crt, client-key: %[1]s/%[2]s.key}}]
contexts: [{name: e2e, context: {cluster: e2e, user: %[2]s}}]
current-context: e2e
`, c.path("pki"), user, server)
}

// restrict_oom_score_adj: in a container, containerd may not have the right to lower it.
func (c *Cluster) containerdConfig() string {
	return fmt.Sprintf(`version = 2
root = "%[1]s/containerd"
state = "%[1]s/containerd-state"
[grpc]
  address = "%[1]s/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "%[2]s"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "%[3]s"
    conf_dir = "%[1]s/cni"
`, c.dir, pauseImage, c.tools.cni)
}

// A routed pair of interfaces for each pod: unlike with a bridge, kube-proxy's rules
// apply to traffic between pods without the kernel module br_netfilter.
func (c *Cluster) cniConfig() string {
	return fmt.Sprintf(`{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "ptp", "ipMasq": true, "ipam": {"type": "host-local", "dataDir": "%s/ipam",
   "ranges": [[{"subnet": "%s"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
`, c.dir, podCIDR)
}

// Only containers have cgroups, pods do not (cgroupsPerQOS): inside a container, or on
// a developer's machine, cgroups seldom allow more. kubelet never removes an image,
// because none can be pulled again.
func (c *Cluster) kubeletConfig() string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://%[1]s/containerd.sock
podLogsDir: %[1]s/podlogs
cgroupDriver: cgroupfs
cgroupRoot: %[2]s
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
tlsCertFile: %[1]s/pki/kubelet-server.crt
tlsPrivateKeyFile: %[1]s/pki/kubelet-server.key
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %[1]s/pki/ca.crt}}
authorization: {mode: Webhook}
clusterDNS: [%[3]s]
clusterDomain: cluster.local
resolvConf: /dev/null
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: "10Mi"}
eventRecordQPS: 0
`, c.dir, c.cgroup(), dnsIP)
}

// Names outside of the cluster do not exist, just as a misspelt name does not exist
// in a cluster that asks the name servers of the internet.
func (c *Cluster) corefile() string {
	return fmt.Sprintf(`cluster.local in-addr.arpa {
  bind %[1]s
  errors
  kubernetes {
    kubeconfig %[2]s/coredns.kubeconfig e2e
  }
}
. {
  bind %[1]s
  errors
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`, nodeIP, c.dir)
}
