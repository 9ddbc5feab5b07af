package copyconfig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/atomicfile"
	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/tasks"
)

// --atomic-dir lays the destination out as kubelet does a volume:
//
//	..2026_11_22_17_05_25.1234567890/   the files of one version
//	..data -> ..2026_11_22_17_05_25.1234567890
//	app.conf -> ..data/app.conf         for each file and directory in it
//
// The version is made whole under a temporary name; moving the link ..data is
// what publishes it.

const (
	dataLink      = "..data"
	versionLayout = "..2006_01_02_15_04_05."
)

var versionName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\.\.\d{4}(_\d\d){5}\.\d+$`) })

// A publication is one run with --atomic-dir.
type publication struct {
	*run
	dst   *target
	old   string // the version that ..data leads to, "" if there is none
	keep  string // the version that stays
	dirty bool   // links have changed
}

// publish brings all files at once.
func (r *run) publish(ctx context.Context, dst *target) error {
	pub := &publication{run: r, dst: dst}
	if err := pub.refuseDirs(); err != nil {
		return err
	}
	changed, err := pub.compare(ctx)
	if err != nil {
		return err
	}
	pub.keep = pub.old
	if changed {
		err := r.env.Do(ctx, "publish", shown(dst.path), func() error { return pub.makeVersion(ctx) })
		if err != nil {
			return explain(err)
		}
		if r.env.DryRun {
			pub.keep = "" // the old one would go
		}
	}
	if err := pub.links(ctx); err != nil || dst.fd < 0 {
		return err
	}
	return pub.clean(ctx)
}

// refuseDirs refuses directories that are in the place of a link, before anything is
// published.
func (p *publication) refuseDirs() error {
	if p.dst.fd < 0 {
		return nil
	}
	var errs []error
	for _, name := range append(p.top.names(), dataLink) {
		var st unix.Stat_t
		err := dirfd.Stat(p.dst.fd, name, &st)
		if dirfd.IsGone(err) {
			continue
		}
		if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			err = unix.EISDIR
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("link %s: %w", p.at(name), err))
		}
	}
	return explainLink(errors.Join(errs...))
}

// explainLink adds the next step to a failure to make a link.
func explainLink(err error) error {
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return tasks.WithNext(err, "a directory is in the place of the link: move it away, or copy without --atomic-dir")
	}
	return explain(err)
}

// compare reports whether the present version is not what it shall be.
func (p *publication) compare(ctx context.Context) (changed bool, err error) {
	now := &target{path: p.dst.path, fd: -1}
	if p.dst.fd >= 0 {
		link, err := dirfd.Readlink(p.dst.fd, dataLink)
		if err == nil && versionName().MatchString(link) {
			if fd, err := dirfd.OpenDir(p.dst.fd, link); err == nil {
				p.old, now.fd = link, fd
				defer now.close()
			}
		}
	}
	comparison := &placer{run: p.run, target: now, compare: true}
	if err := comparison.walk(ctx, p.top); err != nil {
		return false, err
	}
	return now.fd < 0 || comparison.changes.Load() > 0, nil
}

// makeVersion makes a version and moves the link to it.
func (p *publication) makeVersion(ctx context.Context) (err error) {
	temp, fd, err := atomicfile.MkdirTemp(p.dst.fd)
	if err != nil {
		return err
	}
	stage := &target{path: p.dst.path, fd: fd, lockless: p.dst.lockless}
	defer stage.close()
	defer func() {
		if err != nil {
			_ = atomicfile.RemoveAll(p.dst.fd, temp) // the next run removes what stays
		}
	}()
	p.top.each(func(n *node) { n.exists, n.missing, n.fresh = false, false, n == p.top })
	whole := &placer{run: p.run, target: stage, staging: true, do: plainly}
	if err := whole.walk(ctx, p.top); err != nil {
		return err
	}
	if err := p.newDir().ApplyNewDir(fd); err != nil {
		return err
	}
	sync := p.wantsSync(fd)
	if sync {
		if err := dirfd.Sync(fd); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	name := fmt.Sprintf("%s%d", time.Now().UTC().Format(versionLayout), rand.Uint32())
	if err := dirfd.Rename(p.dst.fd, temp, name); err != nil {
		return err
	}
	if err := atomicfile.Symlink(p.dst.fd, name, dataLink); err != nil {
		temp = name
		return err
	}
	p.keep = name
	if sync {
		return dirfd.Sync(p.dst.fd)
	}
	return nil
}

// plainly makes a change that is a part of a larger one.
func plainly(ctx context.Context, verb, target string, change func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := change(); err != nil {
		return fmt.Errorf("%s %s: %w", verb, target, err)
	}
	return nil
}

// links makes a link for each entry of the version and removes those of entries
// that are gone.
func (p *publication) links(ctx context.Context) error {
	for _, name := range p.top.names() {
		if err := p.link(ctx, name); err != nil {
			return err
		}
	}
	if p.dst.fd < 0 {
		return nil
	}
	present, err := p.entries()
	if err != nil {
		return err
	}
	for _, name := range present {
		if p.top.findDir(name) != nil || p.top.findFile(name) != nil {
			continue
		}
		if got, err := dirfd.Readlink(p.dst.fd, name); err != nil || got != dataLink+"/"+name {
			continue
		}
		if err := p.remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// link makes the link for one entry, if it is not there.
func (p *publication) link(ctx context.Context, name string) error {
	want := dataLink + "/" + name
	if p.dst.fd >= 0 {
		if got, err := dirfd.Readlink(p.dst.fd, name); err == nil && got == want {
			return nil
		}
	}
	err := p.env.Do(ctx, "link", p.at(name), func() error { return atomicfile.Symlink(p.dst.fd, want, name) })
	p.dirty = true
	return explainLink(err)
}

// clean removes other versions: the last one, and what runs that were killed left.
func (p *publication) clean(ctx context.Context) error {
	if p.dirty && !p.env.DryRun && p.wantsSync(p.dst.fd) {
		if err := dirfd.Sync(p.dst.fd); err != nil {
			return explain(fmt.Errorf("write %s to the disk: %w", shown(p.dst.path), err))
		}
	}
	present, err := p.entries()
	if err != nil {
		return err
	}
	for _, name := range present {
		leftover := atomicfile.IsTemp(name) && (!p.dst.lockless || abandoned(p.dst.fd, name))
		if versionName().MatchString(name) && name != p.keep || leftover && !p.env.DryRun {
			if err := p.remove(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *publication) remove(ctx context.Context, name string) error {
	return explain(p.env.Do(ctx, "remove", p.at(name), func() error { return atomicfile.RemoveAll(p.dst.fd, name) }))
}

func (p *publication) at(name string) string { return shown(join(p.dst.path, name)) }

// entries returns what is in the destination.
func (p *publication) entries() ([]string, error) {
	fd, err := dirfd.OpenDir(p.dst.fd, "")
	if err != nil {
		return nil, explain(fmt.Errorf("open %s: %w", shown(p.dst.path), err))
	}
	defer unix.Close(fd)
	names, err := dirfd.Names(fd)
	if err != nil {
		return nil, explain(fmt.Errorf("list %s: %w", shown(p.dst.path), err))
	}
	return names, nil
}
