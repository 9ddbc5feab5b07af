package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/initbox/initbox/tasks"
)

// A Build describes what this binary was built from.
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
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	version := cmp.Or(a.Build.Version, info.Main.Version, "(devel)")
	fmt.Fprintf(p.Stdout, "initbox %s\ncommit %s\n%s %s/%s\n",
		version, cmp.Or(a.Build.Commit, "unknown"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitDone
}
