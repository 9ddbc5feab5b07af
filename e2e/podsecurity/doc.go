// Package podsecurity finds every pod that examples/ creates, with helm and kubectl
// where a chart or a kustomization must be rendered. It checks each pod against the Pod
// Security Standards, with the code of the API server, and against the further promises
// of our examples.
//
// It needs no cluster.
package podsecurity
