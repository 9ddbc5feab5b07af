// Package cluster is a real Kubernetes of one node for tests.
//
// [Build] compiles its programs from their Go modules, once; containerd, runc,
// etcd and the network plugins are Debian packages ("make install-tools"). [Up]
// starts them in Linux namespaces of their own: a cluster has its own network,
// processes and mounts. Pods, Services and cluster DNS work; nothing outside of the
// cluster can be reached from it, several may live side by side, and the host
// keeps its network, its mounts and its settings. A forwarded port on the host's
// loopback makes client-go, kubectl and helm work with [Cluster.Kubeconfig] from
// anywhere on the machine.
//
// A cluster ends with [Cluster.Down], or when the process that owns it is gone,
// however it ended. What a killed owner leaves on disk, the next Up or Down of any
// cluster removes.
//
// It needs Linux and root.
package cluster
