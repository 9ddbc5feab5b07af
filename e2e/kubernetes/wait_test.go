package kubernetes

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/initbox/initbox/e2e/kube"
)

// waiter returns a pod whose application starts when target accepts connections.
func waiter(target, timeout string) *corev1.Pod {
	return preparedPod("app", nil, task("wait", "wait-tcp", "--timeout", timeout, target), shell("app", stay))
}

const service = `
apiVersion: v1
kind: Service
metadata: {name: database}
spec:
  selector: {app: database}
  ports: [{port: 5432, targetPort: 8080}]
`

// The name resolves from the start, but kube-proxy refuses connections until the
// Service has an endpoint.
func TestWaitTCPLateEndpoint(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	ns.Apply(t, service)
	startPod(t, ns, waiter("database:5432", "3m"))
	ns.WaitPod(t, "app", kube.Running("wait"))
	kube.Eventually(t, "the log to tell what it waits for", contains(func() string { return ns.Logs(t, "app", "wait") }, "target=database:5432"))
	applied := time.Now()
	startPod(t, ns, preparedPod("database", nil, shell("server", "exec httpd -f -p 8080")))
	ns.WaitPod(t, "app", kube.Ready)
	end := ns.WaitEnd(t, "app", "wait")
	if end.ExitCode != 0 {
		t.Errorf("wait-tcp ended with %d: %s", end.ExitCode, end.Message)
	}
	if finished := end.FinishedAt.Time; finished.Before(applied.Truncate(time.Second)) {
		t.Errorf("wait-tcp ended at %s, before the server was there, at %s", finished, applied)
	}
	if !strings.HasPrefix(end.Message, "wait-tcp: done in ") {
		t.Errorf("termination message: %q", end.Message)
	}
}

// A user who has only kubectl describe sees which name is wrong, and where to look.
func TestWaitTCPWrongName(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	ns.Apply(t, service)
	startPod(t, ns, waiter("datebase:5432", "3s"))
	ns.WaitPod(t, "app", kube.Failed)
	end := ns.WaitEnd(t, "app", "wait")
	if end.ExitCode != 124 {
		t.Errorf("exit code %d, want 124 for the deadline", end.ExitCode)
	}
	description := ns.Describe(t, "app")
	for _, want := range []string{"wait-tcp: ", "datebase:5432", "the name datebase does not resolve: no such host", "next: "} {
		if !strings.Contains(end.Message, want) {
			t.Errorf("the termination message lacks %q:\n%s", want, end.Message)
		}
		if !strings.Contains(description, want) {
			t.Errorf("kubectl describe pod lacks %q:\n%s", want, description)
		}
	}
}
