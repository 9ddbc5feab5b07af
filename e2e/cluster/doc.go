// Package cluster is a real Kubernetes of one node for tests.
//
// [Build] compiles its programs from their Go modules, once; containerd, runc,
// etcd and the network plugins are Debian packages ("make install-tools"). [Up]
// starts them in new Linux namespaces: a cluster has its own network, processes and
// mounts. Pods, Services and cluster DNS work. A cluster cannot reach anything outside
// of it, several clusters may run side by side, and the host keeps its network, its
// mounts and its settings. Through a forwarded port on the host's loopback, client-go,
// kubectl and helm work with [Cluster.Kubeconfig] from anywhere on the machine.
//
// A cluster ends with [Cluster.Down], or when the process that owns it ends, in
// whatever way. The next Up or Down of any cluster removes what a killed owner left
// on disk.
//
// It needs Linux and root.
package cluster
