// Package dirfd works on files by the descriptor of their directory and their
// name, so that no path is resolved twice and no link that somebody plants
// meanwhile leads elsewhere. Descriptors are plain numbers, as in
// golang.org/x/sys/unix: a walk opens too many files for an os.File each.
//
// All calls are made again when a signal interrupts them, which the Go runtime
// provokes on FUSE and NFS, and all descriptors are closed on exec.
package dirfd
