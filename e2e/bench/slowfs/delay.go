package slowfs

import (
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// slow delays every operation that the kernel waits for, so not Forget.
type slow struct {
	fuse.RawFileSystem
	delay time.Duration
}

func (s *slow) wait() fuse.RawFileSystem {
	time.Sleep(s.delay)
	return s.RawFileSystem
}

func (s *slow) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	return s.wait().Lookup(cancel, header, name, out)
}

func (s *slow) GetAttr(cancel <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	return s.wait().GetAttr(cancel, input, out)
}

func (s *slow) SetAttr(cancel <-chan struct{}, input *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	return s.wait().SetAttr(cancel, input, out)
}

func (s *slow) Mknod(cancel <-chan struct{}, input *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	return s.wait().Mknod(cancel, input, name, out)
}

func (s *slow) Mkdir(cancel <-chan struct{}, input *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return s.wait().Mkdir(cancel, input, name, out)
}

func (s *slow) Unlink(cancel <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return s.wait().Unlink(cancel, header, name)
}

func (s *slow) Rmdir(cancel <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return s.wait().Rmdir(cancel, header, name)
}

func (s *slow) Rename(cancel <-chan struct{}, input *fuse.RenameIn, oldName string, newName string) fuse.Status {
	return s.wait().Rename(cancel, input, oldName, newName)
}

func (s *slow) Link(cancel <-chan struct{}, input *fuse.LinkIn, filename string, out *fuse.EntryOut) fuse.Status {
	return s.wait().Link(cancel, input, filename, out)
}

func (s *slow) Symlink(cancel <-chan struct{}, header *fuse.InHeader, pointedTo string, linkName string, out *fuse.EntryOut) fuse.Status {
	return s.wait().Symlink(cancel, header, pointedTo, linkName, out)
}

func (s *slow) Readlink(cancel <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	return s.wait().Readlink(cancel, header)
}

func (s *slow) Access(cancel <-chan struct{}, input *fuse.AccessIn) fuse.Status {
	return s.wait().Access(cancel, input)
}

func (s *slow) GetXAttr(cancel <-chan struct{}, header *fuse.InHeader, attr string, dest []byte) (uint32, fuse.Status) {
	return s.wait().GetXAttr(cancel, header, attr, dest)
}

func (s *slow) ListXAttr(cancel <-chan struct{}, header *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	return s.wait().ListXAttr(cancel, header, dest)
}

func (s *slow) SetXAttr(cancel <-chan struct{}, input *fuse.SetXAttrIn, attr string, data []byte) fuse.Status {
	return s.wait().SetXAttr(cancel, input, attr, data)
}

func (s *slow) RemoveXAttr(cancel <-chan struct{}, header *fuse.InHeader, attr string) fuse.Status {
	return s.wait().RemoveXAttr(cancel, header, attr)
}

func (s *slow) Create(cancel <-chan struct{}, input *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	return s.wait().Create(cancel, input, name, out)
}

func (s *slow) Tmpfile(cancel <-chan struct{}, input *fuse.CreateIn, out *fuse.CreateOut) fuse.Status {
	return s.wait().Tmpfile(cancel, input, out)
}

func (s *slow) Open(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return s.wait().Open(cancel, input, out)
}

func (s *slow) Read(cancel <-chan struct{}, input *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	return s.wait().Read(cancel, input, buf)
}

func (s *slow) Lseek(cancel <-chan struct{}, in *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	return s.wait().Lseek(cancel, in, out)
}

func (s *slow) GetLk(cancel <-chan struct{}, input *fuse.LkIn, out *fuse.LkOut) fuse.Status {
	return s.wait().GetLk(cancel, input, out)
}

func (s *slow) SetLk(cancel <-chan struct{}, input *fuse.LkIn) fuse.Status {
	return s.wait().SetLk(cancel, input)
}

func (s *slow) SetLkw(cancel <-chan struct{}, input *fuse.LkIn) fuse.Status {
	return s.wait().SetLkw(cancel, input)
}

func (s *slow) Release(cancel <-chan struct{}, input *fuse.ReleaseIn) {
	s.wait().Release(cancel, input)
}

func (s *slow) Write(cancel <-chan struct{}, input *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	return s.wait().Write(cancel, input, data)
}

func (s *slow) Writev(cancel <-chan struct{}, input *fuse.WriteIn, data [][]byte) (uint32, fuse.Status) {
	return s.wait().Writev(cancel, input, data)
}

func (s *slow) CopyFileRange(cancel <-chan struct{}, input *fuse.CopyFileRangeIn) (uint32, fuse.Status) {
	return s.wait().CopyFileRange(cancel, input)
}

func (s *slow) Ioctl(cancel <-chan struct{}, input *fuse.IoctlIn, inbuf []byte, output *fuse.IoctlOut, outbuf []byte) fuse.Status {
	return s.wait().Ioctl(cancel, input, inbuf, output, outbuf)
}

func (s *slow) Flush(cancel <-chan struct{}, input *fuse.FlushIn) fuse.Status {
	return s.wait().Flush(cancel, input)
}

func (s *slow) Fsync(cancel <-chan struct{}, input *fuse.FsyncIn) fuse.Status {
	return s.wait().Fsync(cancel, input)
}

func (s *slow) Fallocate(cancel <-chan struct{}, input *fuse.FallocateIn) fuse.Status {
	return s.wait().Fallocate(cancel, input)
}

func (s *slow) OpenDir(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return s.wait().OpenDir(cancel, input, out)
}

func (s *slow) ReadDir(cancel <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return s.wait().ReadDir(cancel, input, out)
}

func (s *slow) ReadDirPlus(cancel <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return s.wait().ReadDirPlus(cancel, input, out)
}

func (s *slow) ReleaseDir(input *fuse.ReleaseIn) { s.wait().ReleaseDir(input) }

func (s *slow) FsyncDir(cancel <-chan struct{}, input *fuse.FsyncIn) fuse.Status {
	return s.wait().FsyncDir(cancel, input)
}

func (s *slow) StatFs(cancel <-chan struct{}, input *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	return s.wait().StatFs(cancel, input, out)
}
