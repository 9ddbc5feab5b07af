package copyconfig

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/filecopy"
	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/internal/files/pool"
	"github.com/initbox/initbox/internal/files/render"
	"github.com/initbox/initbox/tasks"
)

// defaultMemory bounds what the files of volumes take before the first write; those
// beyond it are held open instead. A ConfigMap or Secret has 1 MiB at most.
const defaultMemory = 8 << 20

// maxTexts bounds what rendered, validated and trimmed files take in memory.
const maxTexts = 64 << 20

// A loader reads what must be known before the first write: the files of volumes,
// which kubelet may take away, and those that are rendered or checked.
type loader struct {
	*run
	renderer *render.Renderer
	left     atomic.Int64  // of memory
	texts    atomic.Int64  // what is in memory to be written
	tooMuch  atomic.Bool   // that is too much, and was reported
	matched  []atomic.Bool // the rules of --validate that had a file
}

// load reads, renders and validates. Nothing was written before it has succeeded.
func (r *run) load(ctx context.Context) error {
	l := &loader{run: r, matched: make([]atomic.Bool, len(r.conf.validate))}
	l.left.Store(cmp.Or(r.memory, defaultMemory))
	if r.Render.Mode == render.Env || r.Render.Mode == render.Template {
		options := r.Render
		options.Hostname = cmp.Or(options.Hostname, r.env.Pod)
		var err error
		if l.renderer, err = render.New(ctx, options, r.env.Environ); err != nil {
			return err
		}
	}
	err := pool.Run(ctx, r.Jobs, newScratch, func(p *pool.Pool[*scratch]) pool.Job[*scratch] {
		return func(context.Context, *scratch) error {
			r.top.each(func(n *node) {
				if len(n.files) > 0 && (l.transforms() || n.live()) {
					p.Push(l.dirJob(n))
				}
			})
			return nil
		}
	})
	if err != nil {
		return err
	}
	for i, rule := range r.conf.validate {
		if !l.matched[i].Load() {
			r.env.Log.Warn("--validate checked no file", "rule", r.Validate[i], "next", "write GLOB="+rule.kind+" for files with another extension")
		}
	}
	return r.sources.Current()
}

// transforms reports whether contents are looked into at all.
func (l *loader) transforms() bool {
	return l.renderer != nil || l.TrimNewline || len(l.conf.validate) > 0
}

// live reports whether a file of n comes from a volume of kubelet.
func (n *node) live() bool {
	return slices.ContainsFunc(n.files, func(f *file) bool { return f.dir.Live() })
}

// dirJob loads the files of n. All faults are reported at once.
func (l *loader) dirJob(n *node) pool.Job[*scratch] {
	return func(ctx context.Context, w *scratch) error {
		dirs := make(openDirs)
		defer dirs.close()
		var errs []error
		for _, f := range n.files {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := l.file(ctx, dirs, n, f)
			if err != nil && tasks.KindOf(err) != tasks.Usage {
				return err
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
}

func (l *loader) file(ctx context.Context, dirs openDirs, n *node, f *file) error {
	rules := l.rulesFor(n, f)
	transform := l.renderer != nil || l.TrimNewline || len(rules) > 0
	if !transform && !f.dir.Live() {
		return nil
	}
	c := &content{fd: -1}
	fd, err := dirs.openFile(f, &c.st)
	if err != nil {
		return explainSource(fmt.Errorf("read %s: %w", f.source(), err))
	}
	err = l.fill(ctx, n, f, c, fd, rules, transform)
	if c.fd != fd {
		unix.Close(fd)
	}
	if err != nil {
		if tasks.KindOf(err) == tasks.Usage || tasks.NextOf(err) != "" { // it names the file
			return err
		}
		return explainSource(fmt.Errorf("read %s: %w", f.source(), err))
	}
	if c.data != nil || c.fd >= 0 {
		f.content = c
	}
	return nil
}

// fill reads what must be known of f before the first write: all of a text that
// is transformed, and of what kubelet may take away as much as there is memory
// for. The rest is held open.
func (l *loader) fill(ctx context.Context, n *node, f *file, c *content, fd int, rules []validateRule, transform bool) (err error) {
	if transform {
		if c.data, err = l.transform(ctx, f.source(), fd, c.st.Size, rules); c.data != nil || err != nil {
			return err
		}
	}
	switch {
	case !f.dir.Live() || l.tooMuch.Load():
	case l.take(c.st.Size):
		if c.data, err = filecopy.ReadAll(ctx, fd, c.st.Size, c.st.Size); err == unix.EFBIG {
			err = mount.ErrChanged // it has outgrown its size
		}
		return err
	case l.hold(fd):
		c.fd, c.held = fd, true
	default:
		return unix.EMFILE
	}
	return nil
}

// take reports whether n bytes of memory are left, and takes them.
func (l *loader) take(n int64) bool {
	if l.left.Add(-n) >= 0 {
		return true
	}
	l.left.Add(n)
	return false
}

// transform returns what the file path, open as fd, shall have; nil if it is
// binary, and so passes through as it is.
func (l *loader) transform(ctx context.Context, path string, fd int, size int64, rules []validateRule) ([]byte, error) {
	limit := l.Render.Limit()
	data, err := filecopy.ReadAll(ctx, fd, size, limit)
	if err == unix.EFBIG {
		head := make([]byte, half)
		got, err := filecopy.ReadAt(fd, head, 0)
		if err == nil && render.Binary(head[:got]) && len(rules) == 0 {
			return nil, nil
		}
		return nil, tasks.WithNext(tasks.Usagef("%s has more than %d bytes", path, limit), "raise --max-render-size, or leave it out with --exclude")
	}
	if err != nil || render.Binary(data) && len(rules) == 0 {
		return nil, err
	}
	if l.renderer != nil {
		if data, err = l.renderer.Render(ctx, path, data); err != nil {
			return nil, withNext(err, "correct the file, or set what it asks for: env of the container, --vars-file, --vars-dir")
		}
	}
	if l.TrimNewline && !render.Binary(data) {
		data = bytes.TrimRight(data, "\r\n")
	}
	var errs []error
	for _, rule := range rules {
		errs = append(errs, withNext(render.Validate(rule.kind, path, data), "correct the file, or quote in it what is filled in; the line is that of the result"))
	}
	if l.texts.Add(int64(len(data))) > maxTexts {
		if !l.tooMuch.Swap(true) {
			errs = append(errs, tasks.Usagef("the files to render, validate or trim have more than %d MiB together: "+
				"leave some out with --include or --exclude, and copy them in a step of their own", maxTexts>>20))
		}
		return nil, errors.Join(errs...) // the run has failed, but may have more to say
	}
	return append([]byte{}, data...), errors.Join(errs...) // not nil, and no larger than it must be
}

// withNext adds the next step to a fault of a file that has none.
func withNext(err error, next string) error {
	if tasks.KindOf(err) != tasks.Usage || tasks.NextOf(err) != "" {
		return err
	}
	return tasks.WithNext(err, next)
}

// rulesFor returns the rules of --validate that hold for f.
func (l *loader) rulesFor(n *node, f *file) []validateRule {
	var rules []validateRule
	for i, rule := range l.conf.validate {
		if rule.matches(f.sourceRel(n)) {
			l.matched[i].Store(true)
			rules = append(rules, rule)
		}
	}
	return rules
}

// openDirs are the source directories that a job has open.
type openDirs map[*mount.Dir]int

// openFile opens f in its source.
func (o openDirs) openFile(f *file, st *unix.Stat_t) (int, error) {
	fd, ok := o[f.dir]
	if !ok {
		var err error
		if fd, err = f.dir.Open(); err != nil {
			return -1, err
		}
		o[f.dir] = fd
	}
	return f.dir.OpenFile(fd, f.base, st)
}

func (o openDirs) close() {
	for _, fd := range o {
		unix.Close(fd)
	}
}
