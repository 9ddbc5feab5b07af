package render

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
)

// readVars adds the variables of --vars-file and --vars-dir to those of the
// environment. What comes from one volume is of one version.
func (r *Renderer) readVars(ctx context.Context) error {
	environ := r.vars
	return mount.OneVersion(ctx, func(files *mount.Reader) error {
		r.vars = maps.Clone(environ)
		var faults []error
		for _, path := range r.options.VarsFiles {
			faults = append(faults, r.readFile(files, path))
		}
		for _, path := range r.options.VarsDirs {
			if err := r.readDir(ctx, files, path); err != nil {
				faults = append(faults, fault.Usagef("--vars-dir %s: %w", path, err))
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return errors.Join(faults...)
	})
}

// readDir adds the variables of one --vars-dir: one for each regular file,
// without the line end at its end. Directories, which a Secret projected with
// paths has, are none.
func (r *Renderer) readDir(ctx context.Context, files *mount.Reader, path string) error {
	dir, entries, err := files.List(path)
	left := maxVars
	for _, e := range entries {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case e.Dir:
			continue
		case e.Err != nil:
			return fmt.Errorf("%s: %w", e.Name, e.Err)
		}
		f, err := dir.Read(e.Name, maxVars)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		if left -= len(f.Data); left < 0 {
			return fmt.Errorf("its files have more than %d MiB together: name a directory that has only variables", maxVars>>20)
		}
		r.set(e.Name, mount.TrimLineEnd(string(f.Data)))
	}
	return err
}
