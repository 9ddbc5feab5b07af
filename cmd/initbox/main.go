// Initbox prepares a pod before its main containers start: it waits for services,
// copies files, changes owners, migrates databases and checks certificates. Every
// task has a deadline.
package main

import (
	"os"

	"github.com/initbox/initbox/internal/cli"
	"github.com/initbox/initbox/tasks"
	"github.com/initbox/initbox/tasks/chown"
	"github.com/initbox/initbox/tasks/copyconfig"
	"github.com/initbox/initbox/tasks/migrate"
	"github.com/initbox/initbox/tasks/verifycert"
	"github.com/initbox/initbox/tasks/waitdb"
	"github.com/initbox/initbox/tasks/waithttp"
	"github.com/initbox/initbox/tasks/waittcp"
)

// Set by the linker; see the Makefile.
var version, commit string

// specs are the tasks, in the order in which help lists them.
var specs = []tasks.Spec{
	waittcp.Spec,
	waithttp.Spec,
	copyconfig.Spec,
	chown.Spec,
	waitdb.Spec,
	migrate.Spec,
	verifycert.Spec,
}

func main() {
	app := &cli.App{Specs: specs, Build: cli.Build{Version: version, Commit: commit}}
	os.Exit(app.Main(cli.OS()))
}
