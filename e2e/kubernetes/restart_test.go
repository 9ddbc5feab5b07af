package kubernetes

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/initbox/initbox/e2e/kube"
)

// sharedPod returns a pod whose processes see each other and have the same user. So a
// sidecar can kill initbox, as the kernel does when memory runs out, and the main
// container can end the sandbox, which makes kubelet start the pod again. The test
// needs no access to the node.
func sharedPod(name string, volumes []corev1.Volume, containers ...corev1.Container) *corev1.Pod {
	killer := sidecar(shell("killer", stay))
	pod := preparedPod(name, volumes, append([]corev1.Container{killer}, containers...)...)
	pod.Spec.RestartPolicy = corev1.RestartPolicyAlways
	pod.Spec.ShareProcessNamespace = new(true)
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(65532))}
	return pod
}

// tryKill kills initbox with SIGKILL as soon as the script of the sidecar killer has
// ended. It returns when kubelet has restarted the container, or false if initbox had
// already ended.
func tryKill(t *testing.T, ns *kube.Namespace, pod, container, script string) bool {
	t.Helper()
	script += "\npid=$(pidof initbox) && kill -9 $pid && echo killed || echo gone"
	out := kubectl(t, ns, "exec", pod, "-c", "killer", "--", "sh", "-euc", script)
	if !strings.Contains(out, "killed") {
		return false
	}
	restarted := ns.WaitPod(t, pod, kube.Restarted(container, 1))
	for _, s := range restarted.Status.InitContainerStatuses {
		if last := s.LastTerminationState.Terminated; s.Name == container && (last == nil || last.ExitCode != 137) {
			t.Errorf("%s did not end by SIGKILL before: %+v", container, s.LastTerminationState)
		}
	}
	return true
}

// beginAnew ends the pod's sandbox, as a restart of the node does, and returns when the
// pod is ready again. By then the init containers have run again.
func beginAnew(t *testing.T, ns *kube.Namespace, name string, containers ...string) {
	t.Helper()
	runs := map[string]string{}
	for _, s := range ns.WaitPod(t, name, kube.Ready).Status.InitContainerStatuses {
		runs[s.Name] = s.ContainerID
	}
	// The shell may end with the sandbox, so its error says nothing; the result is checked below.
	out, err := ns.Kubectl(t, "", "exec", "-n", ns.Name, name, "-c", "killer", "--", "kill", "-TERM", "1")
	t.Logf("end of the sandbox: %v %s", err, out)
	for _, c := range containers {
		ns.WaitPod(t, name, func(pod *corev1.Pod) error { return ranAgain(pod, c, runs[c]) })
	}
	ns.WaitPod(t, name, kube.Ready)
}

func ranAgain(pod *corev1.Pod, container, before string) error {
	for _, s := range pod.Status.InitContainerStatuses {
		if s.Name == container && s.ContainerID != before && s.State.Terminated != nil && s.State.Terminated.ExitCode == 0 {
			return nil
		}
	}
	return fmt.Errorf("%s has not run again", container)
}

// testRestartMigrate: the container that migrates is killed in the middle. Its second
// attempt finds out how far the first attempt came.
func testRestartMigrate(t *testing.T, d database) {
	d.setHalfway(t)
	startPod(t, d.ns, sharedPod("shop", migrationVolumes(), migrator(), shell("app", "echo started"+stay)))
	d.awaitHalfway(t, 1)
	d.openGate(t)
	if !tryKill(t, d.ns, "shop", "migrate", "") {
		t.Fatal("the migration was done before initbox was killed")
	}
	d.ns.WaitPod(t, "shop", kube.Ready)
	wantTexts(t, "the termination message", d.ns.TerminationMessage(t, "shop", "migrate"), "at version 2, 1 migration applied")
	d.wantWhole(t)

	beginAnew(t, d.ns, "shop", "migrate")
	wantTexts(t, "the termination message", d.ns.TerminationMessage(t, "shop", "migrate"), ", 0 changes", "nothing to do at version 2")
	d.wantWhole(t)
}

// copy-config is killed in the middle. Its second attempt makes the copy whole and
// leaves nothing else behind.
func TestRestartCopyConfig(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	volumes := []corev1.Volume{emptyVolume("data")}
	work := slow(task("work", "copy-config", "--fsync=always", "/data/from", "/data/to"))
	check := "cd /data; diff -r from to && ls -A to | grep -c tmp || echo whole"
	files, killed := 2000, false
	for try := 1; !killed; try, files = try+1, files*moreFiles {
		if try > interruptTries {
			t.Fatalf("copy-config was done before it was killed, in %d tries", interruptTries)
		}
		if try > 1 {
			removePod(t, ns, "shop")
		}
		startPod(t, ns, sharedPod("shop", volumes, shell("files", someFiles("/data/from", files)+" && mkdir /data/to"),
			*work.DeepCopy(), shell("app", check+stay)))
		ns.WaitPod(t, "shop", begun("work"))
		killed = tryKill(t, ns, "shop", "work", "until ls /data/to/1* >/dev/null 2>&1; do sleep 0.1; done")
	}
	ns.WaitPod(t, "shop", kube.Ready)
	message := ns.TerminationMessage(t, "shop", "work")
	wantTexts(t, "the termination message", message, "copy-config: done in ", "created", "unchanged")
	kube.Eventually(t, "the copy to be whole", contains(func() string { return ns.Logs(t, "shop", "app") }, "0\nwhole"))
}

// Init containers run again after the main container has run: each finds its work done
// and says so.
func TestInitContainersRunAgain(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Baseline)
	setTaskObjects(t, ns)
	startWeb(t, ns, webFiles)
	volumes := []corev1.Volume{configMapVolume("config"), secretVolume("tls"), configMapVolume("plan"), emptyVolume("data"), emptyVolume("etc")}
	tasks := []corev1.Container{
		task("wait-tcp", "wait-tcp", "web:80"),
		task("wait-http", "wait-http", "http://web/ready.json"),
		asRoot(task("chown", "chown", "--mkdir", "65532:65532", "/data/app")),
		task("copy-config", "copy-config", "/config", "/data/app"),
		task("verify-cert", "verify-cert", "/tls"),
		task("run", "run", "-f", "/plan/plan.yaml"),
	}
	tasks[5].Env = []corev1.EnvVar{{Name: "URL", Value: "http://web/ready.json"}}
	var names []string
	for _, c := range tasks {
		names = append(names, c.Name)
	}
	startPod(t, ns, sharedPod("shop", volumes, append(tasks, shell("app", "echo started"+stay))...))
	ns.WaitPod(t, "shop", kube.Ready)
	for _, name := range []string{"chown", "copy-config", "run"} {
		if message := ns.TerminationMessage(t, "shop", name); strings.Contains(lineOf(message, name), ", 0 changes") {
			t.Errorf("%s had nothing to do the first time: %s", name, message)
		}
	}
	beginAnew(t, ns, "shop", names...)
	for _, name := range names {
		wantTexts(t, "the termination message", ns.TerminationMessage(t, "shop", name), name+": done in ", ", 0 changes")
	}
}
