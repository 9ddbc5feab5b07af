package chown

import "sync"

// said is what a dry-run has said it would do, as far as a run would do it once
// and then find it done: a directory that two paths need, a file with two names.
type said struct {
	mu   sync.Mutex
	keys map[any]bool
}

// An inode is a file whatever its names.
type inode struct {
	major, minor uint32
	ino          uint64
}

// first reports whether key is new.
func (s *said) first(key any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[key] {
		return false
	}
	if s.keys == nil {
		s.keys = map[any]bool{}
	}
	s.keys[key] = true
	return true
}
