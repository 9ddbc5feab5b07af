package kubernetes

import (
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/e2e/kube"
)

// hardened is what the restricted level asks of a container, and what our examples
// add to it.
const hardened = `resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 64Mi}}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      runAsNonRoot: true
      runAsUser: 65532
      capabilities: {drop: [ALL]}
      seccompProfile: {type: RuntimeDefault}`

// waiter is a pod whose application starts when database:5432 accepts connections.
const waiter = `
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  automountServiceAccountToken: false
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  initContainers:
  - name: wait
    image: initbox:dev
    args: [wait-tcp, --timeout, $TIMEOUT, "$TARGET"]
    ` + hardened + `
  containers:
  - name: app
    image: busybox:1.35
    command: [sleep, "3600"]
    ` + hardened

func waiting(target, timeout string) string {
	return strings.NewReplacer("$TARGET", target, "$TIMEOUT", timeout).Replace(waiter)
}

const service = `
apiVersion: v1
kind: Service
metadata: {name: database}
spec:
  selector: {app: database}
  ports: [{port: 5432, targetPort: 8080}]
`

const server = `
apiVersion: v1
kind: Pod
metadata: {name: database, labels: {app: database}}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
  - name: server
    image: busybox:1.35
    command: [httpd, -f, -p, "8080"]
    ` + hardened

// The name resolves from the beginning, but kube-proxy refuses connections until the
// Service has an endpoint.
func TestWaitTCPLateEndpoint(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	ns.Apply(t, service+"---"+waiting("database:5432", "3m"))
	ns.WaitPod(t, "app", kube.Running("wait"))
	kube.Eventually(t, "the log to tell what it waits for", contains(func() string { return ns.Logs(t, "app", "wait") }, "target=database:5432"))
	applied := time.Now()
	ns.Apply(t, server)
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

// Whoever has kubectl describe only sees which name is wrong, and where to look.
func TestWaitTCPWrongName(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	ns.Apply(t, service+"---"+waiting("datebase:5432", "3s"))
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
