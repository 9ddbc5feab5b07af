package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// report prints the state after a failed test: the status and the logs of its pods,
// and all events.
func (ns *Namespace) report(ctx context.Context, t testing.TB) {
	var b strings.Builder
	pods, err := ns.CoreV1().Pods(ns.Name).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Logf("namespace %s: %v", ns.Name, err)
		return
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		b.WriteString(Summary(pod))
		for _, s := range statuses(pod) {
			ns.reportLogs(ctx, &b, pod.Name, s.Name, false)
			if s.RestartCount > 0 {
				ns.reportLogs(ctx, &b, pod.Name, s.Name, true)
			}
		}
	}
	events, err := ns.CoreV1().Events(ns.Name).List(ctx, metav1.ListOptions{})
	if err != nil {
		fmt.Fprintf(&b, "events: %v\n", err)
	} else {
		slices.SortFunc(events.Items, func(a, b corev1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
		for _, e := range events.Items {
			fmt.Fprintf(&b, "event %s %s/%s %s: %s\n", e.Type, strings.ToLower(e.InvolvedObject.Kind), e.InvolvedObject.Name, e.Reason, e.Message)
		}
	}
	t.Logf("namespace %s as the test left it:\n%s", ns.Name, b.String())
}

func (ns *Namespace) reportLogs(ctx context.Context, b *strings.Builder, pod, container string, previous bool) {
	tail := int64(50)
	options := &corev1.PodLogOptions{Container: container, Previous: previous, TailLines: &tail}
	text, err := ns.CoreV1().Pods(ns.Name).GetLogs(pod, options).DoRaw(ctx)
	if err != nil || len(text) == 0 {
		return // it never ran; its status shows that
	}
	when := ""
	if previous {
		when = " before its last restart"
	}
	fmt.Fprintf(b, "  log of %s%s:\n    %s\n", container, when, strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n    "))
}
