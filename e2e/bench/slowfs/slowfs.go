// Package slowfs shows a directory at another place with a delay added to every
// file-system operation, as on a network volume. The kernel caches neither names nor
// attributes of it, so every operation takes the delay.
package slowfs

import (
	"fmt"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Mount shows backing at mountpoint and adds delay to each operation. unmount ends
// that.
func Mount(backing, mountpoint string, delay time.Duration) (unmount func() error, err error) {
	return mount(backing, mountpoint, func(raw fuse.RawFileSystem) fuse.RawFileSystem { return &slow{raw, delay} })
}

// mount shows backing at mountpoint with each operation passed through around.
func mount(backing, mountpoint string, around func(fuse.RawFileSystem) fuse.RawFileSystem) (unmount func() error, err error) {
	root, err := fs.NewLoopbackRoot(backing)
	if err != nil {
		return nil, err
	}
	none := time.Duration(0)
	raw := fs.NewNodeFS(root, &fs.Options{EntryTimeout: &none, AttrTimeout: &none, NegativeTimeout: &none})
	server, err := fuse.NewServer(around(raw), mountpoint, &fuse.MountOptions{
		Name: "slowfs", FsName: backing, DirectMount: true, AllowOther: true,
		// Otherwise the names of a directory would come with attributes, which the kernel must not keep.
		DisableReadDirPlus: true,
		MaxWrite:           1 << 20,
		MaxBackground:      256,
	})
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", mountpoint, err)
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return nil, fmt.Errorf("mount %s: %w", mountpoint, err)
	}
	return server.Unmount, nil
}
