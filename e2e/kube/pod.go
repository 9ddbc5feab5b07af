package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Condition is what a test waits for. It returns nil when pod meets it, otherwise an
// error that says what is missing: one of [Never] if pod can no longer meet it.
type Condition func(pod *corev1.Pod) error

// Ready is met when all containers of the pod are ready.
func Ready(pod *corev1.Pod) error {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	if ended(pod) {
		return Never(fmt.Errorf("the pod has ended: it is %s", pod.Status.Phase))
	}
	return errors.New("it is not ready")
}

// Succeeded is met when all containers of the pod ended with exit code 0.
func Succeeded(pod *corev1.Pod) error { return inPhase(pod, corev1.PodSucceeded) }

// Failed is met when the pod has failed.
func Failed(pod *corev1.Pod) error { return inPhase(pod, corev1.PodFailed) }

func inPhase(pod *corev1.Pod, phase corev1.PodPhase) error {
	switch {
	case pod.Status.Phase == phase:
		return nil
	case ended(pod):
		return Never(fmt.Errorf("the pod is %s", pod.Status.Phase))
	}
	return fmt.Errorf("the pod is %s", pod.Status.Phase)
}

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// Running is met while the container runs.
func Running(container string) Condition {
	return func(pod *corev1.Pod) error {
		s, err := status(pod, container)
		if err == nil && s.State.Running == nil {
			err = fmt.Errorf("container %s does not run", container)
		}
		return err
	}
}

// Ended is met when the container has ended at least once, with whatever exit code.
func Ended(container string) Condition {
	return func(pod *corev1.Pod) error {
		_, err := Terminated(pod, container)
		return err
	}
}

// Restarted is met when the container was restarted at least n times.
func Restarted(container string, n int32) Condition {
	return func(pod *corev1.Pod) error {
		s, err := status(pod, container)
		if err == nil && s.RestartCount < n {
			err = fmt.Errorf("container %s was restarted %d times, not %d", container, s.RestartCount, n)
		}
		return err
	}
}

// WaitPod returns the pod as soon as it meets cond.
func (ns *Namespace) WaitPod(t testing.TB, name string, cond Condition) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	Eventually(t, "pod "+name, func(ctx context.Context) error {
		got, err := ns.CoreV1().Pods(ns.Name).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		pod = got
		return cond(pod)
	})
	return pod
}

// WaitPods returns the pods that match selector as soon as there are n and each meets cond.
func (ns *Namespace) WaitPods(t testing.TB, selector string, n int, cond Condition) []corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	Eventually(t, fmt.Sprintf("%d pods with %s", n, selector), func(ctx context.Context) error {
		list, err := ns.CoreV1().Pods(ns.Name).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			return err
		}
		pods = slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
		if len(pods) != n {
			return fmt.Errorf("there are %d", len(pods))
		}
		for i := range pods {
			if err := cond(&pods[i]); err != nil {
				return fmt.Errorf("pod %s: %w", pods[i].Name, err)
			}
		}
		return nil
	})
	return pods
}

// Terminated returns how the container or init container last ended.
func Terminated(pod *corev1.Pod, container string) (*corev1.ContainerStateTerminated, error) {
	s, err := status(pod, container)
	if err != nil {
		return nil, err
	}
	for _, state := range []corev1.ContainerState{s.State, s.LastTerminationState} {
		if state.Terminated != nil {
			return state.Terminated, nil
		}
	}
	return nil, fmt.Errorf("container %s has not ended yet", container)
}

func status(pod *corev1.Pod, container string) (*corev1.ContainerStatus, error) {
	all := statuses(pod)
	for i := range all {
		if all[i].Name == container {
			return &all[i], nil
		}
	}
	return nil, fmt.Errorf("container %s has no status yet", container)
}

func statuses(pod *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}

// WaitEnd waits until the container has ended and returns its exit code, its termination
// message, and when it started and finished.
func (ns *Namespace) WaitEnd(t testing.TB, pod, container string) *corev1.ContainerStateTerminated {
	t.Helper()
	state, err := Terminated(ns.WaitPod(t, pod, Ended(container)), container)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// TerminationMessage waits until the container has ended and returns its termination message.
func (ns *Namespace) TerminationMessage(t testing.TB, pod, container string) string {
	t.Helper()
	return ns.WaitEnd(t, pod, container).Message
}

// ExitCode waits until the container has ended and returns its exit code.
func (ns *Namespace) ExitCode(t testing.TB, pod, container string) int32 {
	t.Helper()
	return ns.WaitEnd(t, pod, container).ExitCode
}

// Logs returns the output of the container since its last start.
func (ns *Namespace) Logs(t testing.TB, pod, container string) string {
	t.Helper()
	text, err := ns.CoreV1().Pods(ns.Name).GetLogs(pod, &corev1.PodLogOptions{Container: container}).DoRaw(t.Context())
	if err != nil {
		t.Fatalf("logs of %s/%s: %v", pod, container, err)
	}
	return string(text)
}

// Describe returns the output of kubectl describe pod.
func (ns *Namespace) Describe(t testing.TB, pod string) string {
	t.Helper()
	out, err := ns.Kubectl(t, "", "describe", "pod", "-n", ns.Name, pod)
	if err != nil {
		t.Fatalf("kubectl describe pod: %v\n%s", err, out)
	}
	return out
}

// Summary describes the state of a pod in a few lines.
func Summary(pod *corev1.Pod) string {
	var b strings.Builder
	fmt.Fprintf(&b, "pod %s: %s %s\n", pod.Name, pod.Status.Phase, pod.Status.Message)
	for _, c := range pod.Status.Conditions {
		if c.Status != corev1.ConditionTrue && c.Message != "" {
			fmt.Fprintf(&b, "  %s: %s\n", c.Type, c.Message)
		}
	}
	for _, s := range statuses(pod) {
		fmt.Fprintf(&b, "  container %s, %d restarts: %s\n", s.Name, s.RestartCount, describeState(s.State))
		if s.LastTerminationState.Terminated != nil {
			fmt.Fprintf(&b, "    before: %s\n", describeState(s.LastTerminationState))
		}
	}
	return b.String()
}

func describeState(s corev1.ContainerState) string {
	switch {
	case s.Running != nil:
		return "running since " + s.Running.StartedAt.UTC().Format(time.TimeOnly)
	case s.Terminated != nil:
		return fmt.Sprintf("ended with %d (%s): %s", s.Terminated.ExitCode, s.Terminated.Reason, strings.TrimSpace(s.Terminated.Message))
	case s.Waiting != nil:
		return "waiting: " + s.Waiting.Reason + " " + s.Waiting.Message
	}
	return "unknown"
}
