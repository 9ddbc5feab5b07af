package render

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/internal/text/envname"
)

// The modes.
const (
	None     = "none"
	Env      = "env"
	Template = "template"
)

// DefaultMaxSize is how large a rendered file may be if Options do not say: what
// a ConfigMap may hold.
const DefaultMaxSize = 1 << 20

// Options say what is rendered and from which variables.
type Options struct {
	Mode       string   // None, Env or Template; "" is None
	Vars       []string // names of the variables that exist; with VarsPrefix "" too, all
	VarsPrefix string   // variables that begin with it exist too
	VarsFiles  []string // files of KEY=VALUE lines
	VarsDirs   []string // directories with one file for each variable: a mounted Secret
	MaxSize    int64    // bound of one file before and after; 0 for DefaultMaxSize
	Hostname   string   // for the ordinal
}

// Flags binds o to fs.
func (o *Options) Flags(fs *pflag.FlagSet) {
	if o.Mode == "" {
		o.Mode = None
	}
	flags.Enum(fs, &o.Mode, "render", []string{None, Env, Template}, "how variables are filled into text files: env for ${NAME}, template for {{.NAME}}")
	fs.StringSliceVar(&o.Vars, "vars", o.Vars, "`names` of the variables to fill in, all others stay as they are; repeatable")
	fs.StringVar(&o.VarsPrefix, "vars-prefix", o.VarsPrefix, "fill in the variables whose names begin with this `prefix`")
	fs.StringArrayVar(&o.VarsFiles, "vars-file", o.VarsFiles, "`file` of KEY=VALUE lines, over the environment; repeatable")
	fs.StringArrayVar(&o.VarsDirs, "vars-dir", o.VarsDirs, "`directory` with one file for each variable, as a mounted Secret; over the files; repeatable")
}

// Check returns every error in the configuration at once. It does no I/O.
func (o Options) Check() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch o.Mode {
	case "", None:
		if len(o.Vars)+len(o.VarsPrefix)+len(o.VarsFiles)+len(o.VarsDirs) > 0 {
			fail("--vars, --vars-prefix, --vars-file and --vars-dir have no effect without --render: add --render=env or --render=template")
		}
	case Env, Template:
	default:
		fail("--render %q: it must be none, env or template", o.Mode)
	}
	for _, name := range o.Vars {
		if o.Mode == Env && !envname.Valid(name) || strings.TrimSpace(name) == "" {
			fail("--vars %q is not a name: write names of letters, digits and underscores, without $ and braces, as in --vars HOST,PORT", name)
		}
	}
	if o.Mode == Env && envname.Leading(o.VarsPrefix) != o.VarsPrefix {
		fail("--vars-prefix %q does not begin a name: it may have letters, digits and underscores", o.VarsPrefix)
	}
	if slices.Contains(o.VarsFiles, "") {
		fail("--vars-file is empty: name a file")
	}
	if slices.Contains(o.VarsDirs, "") {
		fail("--vars-dir is empty: name a directory")
	}
	if o.MaxSize < 0 {
		fail("the size limit of a rendered file is negative")
	}
	return errors.Join(errs...)
}

// Limit returns how large a text file may be, before and after.
func (o Options) Limit() int64 { return cmp.Or(o.MaxSize, DefaultMaxSize) }

// chosen reports whether the variable name exists for the files.
func (o Options) chosen(name string) bool {
	if len(o.Vars) == 0 && o.VarsPrefix == "" {
		return true
	}
	return o.VarsPrefix != "" && strings.HasPrefix(name, o.VarsPrefix) || slices.Contains(o.Vars, name)
}
