package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/initbox/initbox/e2e/internal/command"
)

// KubeconfigVariable is the environment variable with the kubeconfig of a cluster that
// the tests use instead of starting one. They ignore KUBECONFIG, so that they never
// write into a cluster by accident.
const KubeconfigVariable = "INITBOX_E2E_KUBECONFIG"

// LoadVariable is the environment variable with the shell command that loads the images
// of the archive {} into the cluster of [KubeconfigVariable], such as "kind load
// image-archive {}". Without it, the cluster must have the images already.
const LoadVariable = "INITBOX_E2E_LOAD"

// A Session is the cluster that a run of tests uses.
type Session struct {
	Kubeconfig string
	Load       func(ctx context.Context, archive string) error // nil if the cluster has the images
	End        func() error
}

// Open returns the cluster that the environment names, or starts one that lives as
// long as this process.
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
		_, err := command.Output(ctx, "sh", "-c", script, "sh", archive)
		return err
	}
	return s, nil
}

// WantsImages reports whether the cluster of [Open] needs images loaded.
func WantsImages() bool {
	return os.Getenv(KubeconfigVariable) == "" || os.Getenv(LoadVariable) != ""
}
