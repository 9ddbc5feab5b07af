// Package kubernetes tests the image in a real Kubernetes: a cluster that it starts, or
// the cluster of INITBOX_E2E_KUBECONFIG (see package cluster). Tests run in parallel,
// each in its own namespace.
package kubernetes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/initbox/initbox/e2e/cluster"
	"github.com/initbox/initbox/e2e/debimage"
	"github.com/initbox/initbox/e2e/image"
	"github.com/initbox/initbox/internal/testkit/testdir"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("-short leaves out all tests on Kubernetes")
		return
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "e2e/kubernetes: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

// run runs the tests on a cluster with the images. It makes the images while the
// cluster starts.
func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	dir, err := testdir.Make("", "initbox-e2e-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, dir.Remove()) }()
	type result struct {
		archives []string
		err      error
	}
	made := make(chan result, 1)
	go func() {
		defer close(made)
		if cluster.WantsImages() {
			archives, err := archives(ctx, dir.Path)
			made <- result{archives, err}
		}
	}()
	defer func() { // whatever fails, the engine that makes images must end
		cancel()
		for range made {
		}
	}()
	session, err := cluster.Open(ctx, os.Stderr)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, session.End()) }()
	images := <-made
	if images.err != nil {
		return 0, images.err
	}
	for _, archive := range images.archives {
		if err := session.Load(ctx, archive); err != nil {
			return 0, err
		}
	}
	if err := os.Setenv(cluster.KubeconfigVariable, session.Kubeconfig); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// archives makes the images that the manifests name.
func archives(ctx context.Context, dir string) ([]string, error) {
	ours := filepath.Join(dir, "initbox.tar")
	if err := image.Archive(ctx, ours); err != nil {
		return nil, err
	}
	files := []string{ours}
	for _, name := range []string{debimage.Postgres, debimage.MariaDB, debimage.BusyBox} {
		file, err := debimage.Archive(ctx, name)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}
