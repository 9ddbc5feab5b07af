// Package podstart measures how long a pod takes from its creation to the start of
// its main container, with the same six steps done in three ways: six init
// containers with shell loops, six with initbox, and one with a plan of initbox.
package podstart

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"
)

// A Way is one way to do the steps.
type Way string

// The ways, in the order of a round.
const (
	SixShell Way = "six busybox init containers"
	SixTasks Way = "six initbox init containers"
	OneRun   Way = "one initbox run container"
)

// ways lists them.
func ways() []Way { return []Way{SixShell, SixTasks, OneRun} }

// patience bounds one pod; a busy machine is slow.
const patience = 3 * time.Minute

// Times are the times of each way, a round after the other.
type Times map[Way][]time.Duration

// Median is that of one way.
func (t Times) Median(w Way) time.Duration {
	sorted := slices.Sorted(slices.Values(t[w]))
	if len(sorted)%2 == 1 {
		return sorted[len(sorted)/2]
	}
	return (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
}

// Table is the result in Markdown.
func (t Times) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| six steps as | median | fastest | slowest | times one run container |\n| --- | --- | --- | --- | --- |\n")
	for _, w := range ways() {
		fmt.Fprintf(&b, "| %s | %.2f s | %.2f s | %.2f s | %.1f |\n", w, t.Median(w).Seconds(), slices.Min(t[w]).Seconds(), slices.Max(t[w]).Seconds(),
			t.Median(w).Seconds()/t.Median(OneRun).Seconds())
	}
	return b.String()
}

// Measure creates what the steps need in the namespace, and then one pod of each way in
// each round. The main container's start is the runtime's time of its first line of
// output, compared with the clock of this process.
func Measure(ctx context.Context, client kubernetes.Interface, namespace string, rounds int) (Times, error) {
	if err := prepare(ctx, client, namespace); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	times := Times{}
	for round := range rounds {
		for _, w := range ways() {
			took, err := start(ctx, client.CoreV1().Pods(namespace), w.pod())
			if err != nil {
				return nil, fmt.Errorf("round %d, %s: %w", round+1, w, err)
			}
			times[w] = append(times[w], took)
		}
	}
	return times, nil
}

// start returns how long the pod took, and deletes the pod, so that pods do not slow
// each other down.
func start(ctx context.Context, pods typed.PodInterface, pod *corev1.Pod) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("the pod did not end within %s", patience))
	defer cancel()
	created := time.Now()
	made, err := pods.Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		return 0, err
	}
	if err := await(ctx, pods, made, func(p *corev1.Pod, _ bool) bool { return p.Status.Phase == corev1.PodSucceeded }); err != nil {
		return 0, err
	}
	log, err := pods.GetLogs(made.Name, &corev1.PodLogOptions{Timestamps: true}).DoRaw(ctx)
	if err != nil {
		return 0, err
	}
	stamp, _, _ := strings.Cut(string(log), " ")
	started, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return 0, fmt.Errorf("the main container's log: %w", err)
	}
	if err := pods.Delete(ctx, made.Name, metav1.DeleteOptions{}); err != nil {
		return 0, err
	}
	return started.Sub(created), await(ctx, pods, made, func(_ *corev1.Pod, gone bool) bool { return gone })
}

// await returns when the pod meets until.
func await(ctx context.Context, pods typed.PodInterface, pod *corev1.Pod, until func(pod *corev1.Pod, gone bool) bool) error {
	w, err := pods.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + pod.Name, ResourceVersion: pod.ResourceVersion})
	if err != nil {
		return err
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case event, open := <-w.ResultChan():
			if !open {
				return fmt.Errorf("the watch of pod %s ended", pod.Name)
			}
			now, ok := event.Object.(*corev1.Pod)
			if !ok {
				return fmt.Errorf("the watch of pod %s: %v", pod.Name, event.Object)
			}
			if until(now, event.Type == watch.Deleted) {
				return nil
			}
			if now.Status.Phase == corev1.PodFailed {
				return fmt.Errorf("pod %s failed: %+v", pod.Name, now.Status.InitContainerStatuses)
			}
		}
	}
}
