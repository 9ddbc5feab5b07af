package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/initbox/initbox/e2e/cluster"
	"github.com/initbox/initbox/e2e/debimage"
	"github.com/initbox/initbox/e2e/podstart"
)

// pods measures how soon the application of a pod starts after six steps. It uses the
// cluster that the environment names, or starts one (see package cluster).
func (b *bench) pods(ctx context.Context) ([]row, error) {
	c := comparison{what: "pod start, six steps", metrics: []metric{
		{name: "creation to start of the application", unit: seconds, targets: []target{{1.0 / 3, string(podstart.SixShell)}}},
	}}
	ways := []podstart.Way{podstart.OneRun, podstart.SixTasks, podstart.SixShell}
	all := make([][]sample, len(ways))
	missing := "not in brief: the tests in e2e/kubernetes measure it"
	if !b.brief {
		missing = ""
		times, err := podTimes(ctx, 8)
		if err != nil {
			return nil, err
		}
		for k, w := range ways {
			for _, t := range times[w] {
				all[k] = append(all[k], sample{in(t)})
			}
		}
	}
	for _, w := range ways {
		c.contenders = append(c.contenders, contender{name: string(w), missing: missing})
	}
	return c.report(all), nil
}

func podTimes(ctx context.Context, rounds int) (times podstart.Times, err error) {
	session, err := cluster.Open(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, session.End()) }()
	if session.Load != nil {
		if err := loadImages(ctx, session); err != nil {
			return nil, err
		}
	}
	config, err := clientcmd.BuildConfigFromFlags("", session.Kubeconfig)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("initbox-bench-%d", os.Getpid())
	end, err := newNamespace(ctx, client, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	return podstart.Measure(ctx, client, name, rounds)
}

func loadImages(ctx context.Context, session *cluster.Session) error {
	dir, remove, err := temporary("")
	if err != nil {
		return err
	}
	defer remove()
	ours, err := buildImage(ctx, dir)
	if err != nil {
		return err
	}
	theirs, err := debimage.Archive(ctx, debimage.BusyBox)
	if err != nil {
		return err
	}
	return errors.Join(session.Load(ctx, ours), session.Load(ctx, theirs))
}

// newNamespace returns once pods can be made in it.
func newNamespace(ctx context.Context, client kubernetes.Interface, name string) (end func() error, err error) {
	namespaces := client.CoreV1().Namespaces()
	if _, err := namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	end = func() error { return namespaces.Delete(context.WithoutCancel(ctx), name, metav1.DeleteOptions{}) }
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		_, err := client.CoreV1().ServiceAccounts(name).Get(wait, "default", metav1.GetOptions{})
		if err == nil {
			return end, nil
		}
		if wait.Err() != nil {
			return nil, errors.Join(fmt.Errorf("the namespace %s has no default ServiceAccount: %w", name, err), end())
		}
		time.Sleep(100 * time.Millisecond)
	}
}
