// Cmd starts a Kubernetes of one node for development, and stops it.
//
//	go run ./cluster/cmd [-name NAME] up | down | load ARCHIVE... | kubectl ARGS... | exec COMMAND... | kubeconfig | build
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/initbox/initbox/e2e/cluster"
)

const usage = `usage: go run ./cluster/cmd [-name NAME] COMMAND

  up                start a cluster, which runs until down
  down              stop the cluster and remove its files
  load ARCHIVE...   load images (docker-archive, as docker save writes it)
  kubectl ARGS...   run kubectl against it
  exec COMMAND...   run a command on its node
  kubeconfig        print the path of its kubeconfig
  build             only build its programs
`

func main() {
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	name := flag.String("name", "dev", "")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *name, flag.Args())
	stop()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		os.Exit(max(1, ended.ExitCode()))
	case err != nil:
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, args []string) error {
	if len(args) == 0 {
		return errors.New("no command: -help lists them")
	}
	switch args[0] {
	case "build":
		bin, err := cluster.Build(ctx, os.Stderr)
		fmt.Println(bin)
		return err
	case "up":
		c, err := cluster.Up(ctx, cluster.Options{Name: name, Outlive: true, Log: os.Stderr})
		if err != nil {
			return err
		}
		fmt.Printf("export KUBECONFIG=%s\n", c.Kubeconfig())
		return nil
	case "down":
		return cluster.Remove(name)
	}
	c, err := cluster.Find(ctx, name, os.Stderr)
	if err != nil {
		return err
	}
	switch args[0] {
	case "load":
		for _, archive := range args[1:] {
			if err := c.Load(ctx, archive); err != nil {
				return err
			}
		}
		return nil
	case "kubectl":
		return attached(c.Kubectl(ctx, args[1:]...))
	case "exec":
		if len(args) < 2 {
			return errors.New("exec: no command to run on the node")
		}
		return attached(c.Command(ctx, args[1], args[2:]...))
	case "kubeconfig":
		fmt.Println(c.Kubeconfig())
		return nil
	}
	return fmt.Errorf("unknown command %q: -help lists the commands", args[0])
}

func attached(cmd *exec.Cmd) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
