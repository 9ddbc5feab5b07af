package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/initbox/initbox/tasks"
)

// A Build says what this binary was made from.
type Build struct{ Version, Commit string }

func (a *App) version(p *Process, args []string) int {
	switch {
	case isHelp(args):
		return a.help(p, nil)
	case len(args) > 0 && strings.HasPrefix(args[0], "-"):
		return a.refuse(p, tasks.Usagef("unknown flag %s: version has no flags", args[0]))
	case len(args) > 0:
		return a.refuse(p, tasks.Usagef("version takes no argument, got %q", args[0]))
	}
	info, _ := debug.ReadBuildInfo()
	b := a.Build.orOf(info)
	fmt.Fprintf(p.Stdout, "initbox %s\ncommit %s\n%s %s/%s\n", b.Version, b.Commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitDone
}

// orOf is b, where the linker set nothing that of info, which is nil if there is none.
func (b Build) orOf(info *debug.BuildInfo) Build {
	if b.Version == "" && info != nil {
		b.Version = info.Main.Version
	}
	if b.Version == "" {
		b.Version = "(devel)"
	}
	if b.Commit == "" {
		b.Commit = "unknown"
	}
	return b
}
