package kubernetes

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/initbox/initbox/e2e/kube"
)

// filesPod returns a pod with its own volume, which belongs to root. Its application
// runs as another user, prints its configuration and writes into the volume.
func filesPod() *corev1.Pod {
	volumes := []corev1.Volume{configMapVolume("config"), secretVolume("password"), claimVolume("data")}
	return preparedPod("shop", volumes,
		shell("before", "touch /data/mine 2>/dev/null && echo writable || echo refused; stat -c %u:%g /data"),
		asRoot(task("own", "chown", "--if-root-mismatch", "65532:65532", "/data")),
		task("config", "copy-config", "--render=env", "--vars=PASSWORD", "--vars-dir=/password", "/config", "/data/etc/"),
		shell("app", "cat /data/etc/*; cd /data/etc; stat -c '%n %i %z' *; echo mine >>/data/mine; wc -l </data/mine"))
}

// The application can use a volume of root, and finds a ConfigMap and a Secret in it.
// After these change, the next pod has the new content, and only that was written.
func TestFilesFollowTheirSources(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Baseline)
	setClaim(t, ns, "data")
	setConfigMap(t, ns, "config", map[string]string{"a.yaml": "password: ${PASSWORD}\n", "b.yaml": "colour: red\n", "c.yaml": "size: 1\n"})
	setSecret(t, ns, "password", map[string]string{"PASSWORD": "3x/ample"})
	startPod(t, ns, filesPod())
	ns.WaitPod(t, "shop", kube.Succeeded)
	wantTexts(t, "what was before", ns.Logs(t, "shop", "before"), "refused\n0:0")
	wantTexts(t, "chown's message", ns.TerminationMessage(t, "shop", "own"), "chown: done in ", "1 change")
	wantTexts(t, "copy-config's message", ns.TerminationMessage(t, "shop", "config"), "3 files: 3 created")
	first := ns.Logs(t, "shop", "app")
	wantTexts(t, "the application's log", first, "password: 3x/ample\ncolour: red\nsize: 1\n")

	removePod(t, ns, "shop")
	startPod(t, ns, filesPod())
	ns.WaitPod(t, "shop", kube.Succeeded)
	wantTexts(t, "chown's message", ns.TerminationMessage(t, "shop", "own"), ", 0 changes")
	wantTexts(t, "copy-config's message", ns.TerminationMessage(t, "shop", "config"), ", 0 changes", "3 files: 3 unchanged")

	removePod(t, ns, "shop")
	setConfigMap(t, ns, "config", map[string]string{"a.yaml": "password: ${PASSWORD}\n", "b.yaml": "colour: blue\n", "c.yaml": "size: 1\n"})
	setSecret(t, ns, "password", map[string]string{"PASSWORD": "another"})
	startPod(t, ns, filesPod())
	ns.WaitPod(t, "shop", kube.Succeeded)
	wantTexts(t, "copy-config's message", ns.TerminationMessage(t, "shop", "config"), "3 files: 2 updated, 1 unchanged")
	last := ns.Logs(t, "shop", "app")
	wantTexts(t, "the application's log", last, "password: another\ncolour: blue\nsize: 1\n", "\n3")
	if before, after := lineOf(first, "c.yaml "), lineOf(last, "c.yaml "); before == "" || before != after {
		t.Errorf("the file that did not change was touched: %q became %q", before, after)
	}
	if before, after := lineOf(first, "b.yaml "), lineOf(last, "b.yaml "); before == after {
		t.Errorf("the file that changed is as it was: %q", after)
	}
}
