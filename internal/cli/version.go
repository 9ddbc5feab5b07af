package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/initbox/initbox/internal/sbom"
	"github.com/initbox/initbox/tasks"
)

// A Build says what this binary was made from.
type Build struct{ Version, Commit string }

func (a *App) version(p *Process, args []string) int {
	if isHelp(args) {
		return a.help(p, nil)
	}
	fs := newFlagSet("version")
	list := fs.Bool("sbom", false, "")
	if err := parseFlags(fs, args); err != nil {
		return a.refuse(p, fmt.Errorf("%w: usage: initbox version [--sbom]", err))
	}
	if fs.NArg() > 0 {
		return a.refuse(p, tasks.Usagef("version takes no argument, got %q", fs.Arg(0)))
	}
	info, ok := debug.ReadBuildInfo()
	b := a.Build.orOf(info)
	if !*list {
		fmt.Fprintf(p.Stdout, "initbox %s\ncommit %s\n%s %s/%s\n", b.Version, b.Commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return exitDone
	}
	if !ok {
		fmt.Fprintln(p.Stderr, "initbox: this binary does not say which modules it is made of: build it with go build")
		return exitFailed
	}
	if err := sbom.Write(p.Stdout, info, b.Version, b.Commit); err != nil {
		fmt.Fprintf(p.Stderr, "initbox: write the list of modules: %v\n", err)
		return exitFailed
	}
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
