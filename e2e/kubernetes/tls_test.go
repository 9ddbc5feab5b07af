package kubernetes

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/initbox/initbox/e2e/kube"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// setCertificate puts a certificate with its key and its CA into the Secret tls.
func setCertificate(t *testing.T, ns *kube.Namespace, root, leaf *testpki.Cert) {
	t.Helper()
	setSecret(t, ns, "tls", map[string]string{
		"ca.crt": string(testpki.PEM(root)), "tls.crt": string(testpki.PEM(leaf)), "tls.key": string(testpki.KeyPEM(t, leaf)),
	})
}

func verifyingPod(name string, args ...string) *corev1.Pod {
	args = append([]string{"verify-cert", "--dns-name=app.test"}, args...)
	return preparedPod(name, []corev1.Volume{secretVolume("tls")}, task("verify", append(args, "/tls")...), shell("app", "echo started"))
}

// A pod with a good certificate starts. After the certificate has expired, the next pod
// does not start and says why.
func TestTLSSecretExpires(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	root := testpki.Root(t, "root")
	setCertificate(t, ns, root, testpki.Leaf(t, root))
	startPod(t, ns, verifyingPod("good"))
	ns.WaitPod(t, "good", kube.Succeeded)
	wantTexts(t, "the termination message", ns.TerminationMessage(t, "good", "verify"), "verify-cert: done in ", "good /tls: CN=app")

	setCertificate(t, ns, root, testpki.Leaf(t, root, testpki.Valid(-48*time.Hour, -time.Hour)))
	startPod(t, ns, verifyingPod("expired"))
	pod := ns.WaitPod(t, "expired", kube.Failed)
	end := ns.WaitEnd(t, "expired", "verify")
	if end.ExitCode != 3 {
		t.Errorf("exit code %d, want 3: no retry helps", end.ExitCode)
	}
	wantTexts(t, "the termination message", end.Message, "verify-cert: failed for good (exit code 3)", "expired", "CN=app", "next: ")
	wantTexts(t, "kubectl describe pod", ns.Describe(t, "expired"), "verify-cert: failed for good (exit code 3)", "expired")
	if state := pod.Status.ContainerStatuses[0].State; state.Waiting == nil {
		t.Errorf("the main container was started: %+v", state)
	}
}

// The Secret exists from the start, but is filled while the pod waits, as cert-manager
// does. kubelet updates the mount.
func TestTLSSecretIsLate(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	setSecret(t, ns, "tls", nil)
	startPod(t, ns, verifyingPod("late", "--wait", "--timeout=5m"))
	ns.WaitPod(t, "late", kube.Running("verify"))
	kube.Eventually(t, "the log to tell what is missing", contains(func() string { return ns.Logs(t, "late", "verify") }, "file-missing"))
	root := testpki.Root(t, "root")
	setCertificate(t, ns, root, testpki.Leaf(t, root))
	nudge(t, ns, "late")
	ns.WaitPod(t, "late", kube.Succeeded)
	wantTexts(t, "the termination message", ns.TerminationMessage(t, "late", "verify"), "verify-cert: done in ", "good /tls: CN=app")
}

// nudge makes kubelet update a pod, and so its Secrets, at once instead of within a
// minute or two.
func nudge(t *testing.T, ns *kube.Namespace, name string) {
	t.Helper()
	patch := []byte(`{"metadata": {"annotations": {"initbox.e2e/nudge": "1"}}}`)
	if _, err := ns.CoreV1().Pods(ns.Name).Patch(t.Context(), name, "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}
