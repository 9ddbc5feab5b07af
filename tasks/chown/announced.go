package chown

import "sync"

// announced is what a dry-run has said it would do, as far as a run would do it once
// and then find it done: a directory that two paths need, a file with two names.
type announced struct{ keys sync.Map }

// An inode is a file whatever its names.
type inode struct {
	major, minor uint32
	ino          uint64
}

// first reports whether key is new.
func (a *announced) first(key any) bool {
	_, loaded := a.keys.LoadOrStore(key, nil)
	return !loaded
}
