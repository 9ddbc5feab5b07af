package copyconfig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/initbox/initbox/internal/files/glob"
	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/internal/files/pool"
	"github.com/initbox/initbox/tasks"
)

// A scratch is the memory of one worker.
type scratch struct {
	data []byte // two halves: what a file shall have, and what it has
	list []byte
}

// half of scratch.data is the largest file that is read at once.
const half = 32 << 10

func newScratch() *scratch { return &scratch{make([]byte, 2*half), make([]byte, half)} }

// An operand is an opened source.
type operand struct {
	path string
	dir  *mount.Dir
	name string // of the file, "" if the source is a directory
}

// openSources opens what the user named.
func (r *run) openSources() ([]operand, error) {
	var operands []operand
	var errs []error
	for _, path := range r.Sources {
		dir, name, err := r.sources.Open(path)
		switch {
		case errors.Is(err, mount.ErrChanged):
			return nil, err
		case errors.Is(err, fs.ErrNotExist):
			errs = append(errs, tasks.Usagef("source %s: %w", shown(path), err))
		case err != nil:
			errs = append(errs, explainSource(fmt.Errorf("source %s: %w", shown(path), err)))
		}
		operands = append(operands, operand{path, dir, name})
	}
	return operands, errors.Join(errs...)
}

// gather lists the sources as the tree that the destination shall have. rename is
// the name that the only file gets, "" to keep it.
func (r *run) gather(ctx context.Context, operands []operand, rename string) error {
	r.top = new(node)
	for _, o := range operands {
		if o.name != "" {
			if r.wanted(o.name, false) {
				r.top.add([]*file{{name: cmp.Or(rename, o.name), base: o.name, dir: o.dir}})
			}
			continue
		}
		err := pool.Run(ctx, r.Jobs, newScratch, func(p *pool.Pool[*scratch]) pool.Job[*scratch] {
			return r.listJob(p, o, r.top, o.dir, "")
		})
		if err != nil {
			return err
		}
	}
	if len(r.Include) > 0 {
		r.top.prune()
	}
	r.counts.total.Store(0)
	r.top.each(func(n *node) { r.counts.total.Add(int64(len(n.files))) })
	r.warnModes()
	return r.clashes()
}

// warnModes names the rules of --mode-for that hold for no file: a slip there
// leaves a key open to all.
func (r *run) warnModes() {
	for i, rule := range r.conf.modeFor {
		used := false
		r.top.each(func(n *node) {
			for _, f := range n.files {
				used = used || glob.Match(rule.glob, f.sourceRel(n))
			}
		})
		if !used {
			r.env.Log.Warn("--mode-for matches no file", "rule", r.ModeFor[i])
		}
	}
}

// listJob lists the directory dir, which is rel in its source, into n.
func (r *run) listJob(p *pool.Pool[*scratch], o operand, n *node, dir *mount.Dir, rel string) pool.Job[*scratch] {
	return func(ctx context.Context, w *scratch) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := func() string { return shown(strings.TrimSuffix(o.path, "/") + "/" + rel) }
		from, entries, err := dir.List(w.list)
		if err != nil {
			return explainSource(fmt.Errorf("read %s: %w", at(), err))
		}
		files := make([]*file, 0, len(entries))
		for _, e := range entries {
			path := join(rel, e.Name)
			switch {
			case !r.wanted(path, e.Dir):
			case errors.Is(e.Err, mount.ErrSpecial):
				r.env.Log.Warn("neither a file nor a directory, passed over", "path", join(at(), shown(e.Name)))
			case e.Err != nil:
				return explainSource(fmt.Errorf("%s: %w", join(at(), shown(e.Name)), e.Err))
			case e.Dir:
				p.Push(r.listJob(p, o, n.sub(e.Name), from.Sub(e.Name, e.Link), path))
			default:
				files = append(files, &file{name: e.Name, base: e.Name, dir: from})
			}
		}
		n.add(files)
		return nil
	}
}

// wanted reports whether a file or directory is part of the copy.
func (r *run) wanted(rel string, dir bool) bool {
	return !glob.Any(r.Exclude, rel) && (dir || len(r.Include) == 0 || glob.Any(r.Include, rel))
}

// clashes refuses what one source has as a file and another as a directory.
func (r *run) clashes() error {
	if len(r.Sources) == 1 {
		return nil
	}
	var errs []error
	r.top.each(func(n *node) {
		for _, d := range n.dirs {
			if n.findFile(d.name) != nil {
				errs = append(errs, tasks.Usagef("%s is a file in one source and a directory in another: leave one out with --exclude", shown(d.rel())))
			}
		}
	})
	return errors.Join(errs...)
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return strings.TrimSuffix(dir, "/") + "/" + name
}

// shown returns path as it can stand in a message: on one line.
func shown(path string) string {
	if utf8.ValidString(path) && strings.IndexFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return path
	}
	return strconv.Quote(path)
}

// sourceRel returns the path of f, which is in n, in its source: what globs match.
func (f *file) sourceRel(n *node) string { return n.under(f.base) }
