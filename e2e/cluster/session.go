package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// KubeconfigVariable names a kubeconfig whose cluster the tests use instead of
// bringing one up. KUBECONFIG itself does not: nobody's cluster is written to by
// accident.
const KubeconfigVariable = "INITBOX_E2E_KUBECONFIG"

// LoadVariable is the shell command that gives the cluster of [KubeconfigVariable]
// the images of the archive {}, such as "kind load image-archive {}". Without it,
// the cluster must have them.
const LoadVariable = "INITBOX_E2E_LOAD"

// A Session is the cluster that a run of tests uses.
type Session struct {
	Kubeconfig string
	Load       func(ctx context.Context, archive string) error // nil if the cluster has the images
	End        func() error
}

// Open returns the cluster that the environment names, or brings one up for as
// long as this process lives.
func Open(ctx context.Context, log io.Writer) (*Session, error) {
	if kubeconfig := os.Getenv(KubeconfigVariable); kubeconfig != "" {
		return existing(kubeconfig, os.Getenv(LoadVariable))
	}
	c, err := Up(ctx, Options{Name: fmt.Sprintf("test-%d", os.Getpid()), Log: log})
	if err != nil {
		return nil, err
	}
	return &Session{c.Kubeconfig(), c.Load, c.Down}, nil
}

func existing(kubeconfig, load string) (*Session, error) {
	if _, err := os.Stat(kubeconfig); err != nil {
		return nil, fmt.Errorf("%s: %w", KubeconfigVariable, err)
	}
	s := &Session{Kubeconfig: kubeconfig, End: func() error { return nil }}
	if load == "" {
		return s, nil
	}
	if !strings.Contains(load, "{}") {
		return nil, fmt.Errorf("%s=%q has no {}, which stands for the archive", LoadVariable, load)
	}
	script := strings.ReplaceAll(load, "{}", `"$1"`)
	s.Load = func(ctx context.Context, archive string) error {
		_, err := output(exec.CommandContext(ctx, "sh", "-c", script, "sh", archive))
		return err
	}
	return s, nil
}
