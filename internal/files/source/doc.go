// Package source reads directories that others may change meanwhile: volumes of
// ConfigMaps and Secrets, which kubelet replaces while the pod runs, and
// directories that are shared with other containers.
//
// A volume of kubelet is a directory with the link ..data, which leads to the
// directory of the present version beside it. It is opened once, through that
// link, and read from that descriptor; all its files come from one version then.
// Kubelet removes the old version after it has moved the link, so what was read
// is whole if and only if the link has not moved in between: [Set.Current].
//
// Everywhere, links are followed only beneath the directory that was opened, and
// names that begin with two dots are passed over, as they belong to kubelet.
package source
