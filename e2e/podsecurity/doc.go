// Package podsecurity finds every pod that examples/ makes, rendered by helm and
// kubectl where that is what makes it, and judges it by the Pod Security Standards,
// with the code of the API server, and by what our examples promise beyond them.
//
// It needs no cluster.
package podsecurity
