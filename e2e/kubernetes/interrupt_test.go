package kubernetes

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/initbox/initbox/e2e/kube"
)

// stopWithin is how soon a task ends after its pod was deleted.
const stopWithin = 2 * time.Second

// endByDelete deletes the pod while its container runs. The task ends in time, long
// before kubelet would kill it, and says that it was stopped.
func endByDelete(t *testing.T, ns *kube.Namespace, pod, container string) {
	t.Helper()
	pods := ns.CoreV1().Pods(ns.Name)
	w, err := pods.Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + pod})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	deleted := time.Now()
	if err := pods.Delete(t.Context(), pod, metav1.DeleteOptions{GracePeriodSeconds: new(int64(60))}); err != nil {
		t.Fatal(err)
	}
	end := lastEnd(t, w, container)
	told := time.Since(deleted).Round(10 * time.Millisecond)
	// The API server cuts off parts of a second, so it took up to one longer than this.
	took := max(0, end.FinishedAt.Sub(deleted)).Round(10 * time.Millisecond)
	t.Logf("%s: ended between %s and %s after the delete; kubelet told of it after %s", pod, took, min(took+time.Second, told), told)
	if took > stopWithin {
		t.Errorf("%s ended %s after its pod was deleted, want %s at most", pod, took, stopWithin)
	}
	if end.ExitCode != 143 {
		t.Errorf("%s: exit code %d, want 143 for SIGTERM", pod, end.ExitCode)
	}
	wantTexts(t, "the termination message", end.Message, "stopped by SIGTERM", "exit code 143")
}

// lastEnd waits until the pod is gone and returns how its container had ended.
func lastEnd(t *testing.T, w watch.Interface, container string) *corev1.ContainerStateTerminated {
	t.Helper()
	deadline := time.After(kube.Patience)
	for {
		select {
		case <-deadline:
			t.Fatalf("the pod is still there after %s", kube.Patience)
		case event, open := <-w.ResultChan():
			if !open {
				t.Fatal("the watch of the pod ended")
			}
			pod, ok := event.Object.(*corev1.Pod)
			if !ok || event.Type != watch.Deleted {
				continue
			}
			end, err := kube.Terminated(pod, container)
			if err != nil {
				t.Fatalf("the pod is gone: %v\n%s", err, kube.Summary(pod))
			}
			return end
		}
	}
}

// waits are tasks that wait for what never comes.
var waits = []struct {
	args    []string
	volumes []corev1.Volume
}{
	{args: []string{"wait-tcp", "web:80"}},
	{args: []string{"wait-http", "http://web/"}},
	{args: []string{"wait-db", "--database=postgres://app@web:80/app"}},
	{args: []string{"verify-cert", "--wait", "/tls"}, volumes: []corev1.Volume{secretVolume("tls")}},
	{args: []string{"run", "-f", "/plan/plan.yaml"}, volumes: []corev1.Volume{configMapVolume("plan")}},
}

func TestInterruptWaits(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	setWebService(t, ns)
	setSecret(t, ns, "tls", nil)
	setConfigMap(t, ns, "plan", map[string]string{"plan.yaml": "steps:\n- wait-tcp: web:80\n"})
	for _, w := range waits {
		startPod(t, ns, preparedPod(w.args[0], w.volumes, task("work", w.args...), shell("app", "echo started")))
	}
	for _, w := range waits {
		name := w.args[0]
		ns.WaitPod(t, name, kube.Running("work"))
		kube.Eventually(t, name+" to wait", contains(func() string { return ns.Logs(t, name, "work") }, "waiting"))
		endByDelete(t, ns, name, "work")
	}
}

// An inspector is a pod that sees a volume that outlives the pods of the test.
type inspector struct{ ns *kube.Namespace }

// newInspector makes the claim "data" and a root that looks after it.
func newInspector(t *testing.T, ns *kube.Namespace) inspector {
	t.Helper()
	setClaim(t, ns, "data")
	startPod(t, ns, preparedPod("inspector", []corev1.Volume{claimVolume("data")}, asRoot(shell("inspector", stay))))
	ns.WaitPod(t, "inspector", kube.Ready)
	return inspector{ns}
}

// sh returns what a script printed.
func (i inspector) sh(t *testing.T, script string) string {
	t.Helper()
	out, err := i.ns.Kubectl(t, "", "exec", "-n", i.ns.Name, "inspector", "--", "sh", "-euc", script)
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(out)
}

func (i inspector) number(t *testing.T, script string) int {
	t.Helper()
	n, err := strconv.Atoi(i.sh(t, script))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return n
}

// someFiles makes a folder with files that each hold their name.
func someFiles(folder string, n int) string {
	return fmt.Sprintf("mkdir %s && cd %[1]s && for f in $(seq 1 %d); do echo $f >$f; done", folder, n)
}

// A tree of many files, and what a task that changes them does when its pod goes.
type treeCase struct {
	work   corev1.Container
	make   string // the tree,
	done   string // how many of its entries are done,
	wrong  string // those that are neither as they were nor as they must be,
	all    int    // and how many there are in the end
	report string // what the run that goes on says
}

// The pod is deleted in the middle of the work; nothing is torn, and the next pod
// does the rest.
func TestInterruptFiles(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Baseline)
	volume := newInspector(t, ns)
	for name, c := range map[string]treeCase{
		"copy-config": {
			work:  task("work", "copy-config", "--jobs=4", "/data/from", "/data/to"),
			make:  someFiles("/data/from", 4000) + " && mkdir /data/to && chown 65532 /data/to",
			done:  "ls /data/to | wc -l",
			wrong: "cd /data/to; for f in *; do cmp -s $f /data/from/$f || echo $f; done; find . -name '*.tmp'",
			all:   4000, report: "created",
		},
		"chown": {
			work:  asRoot(task("work", "chown", "--jobs=4", "65532:65532", "/data/tree")),
			make:  someFiles("/data/tree", 20000),
			done:  "find /data/tree -user 65532 | wc -l",
			wrong: "find /data/tree ! -user 65532 ! -user 0; find /data/tree -user 65532 ! -group 65532; find /data/tree -prune -user 65532",
			all:   20001, report: "changes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			volume.sh(t, c.make)
			startPod(t, ns, preparedPod(name, []corev1.Volume{claimVolume("data")}, slow(*c.work.DeepCopy()), shell("app", "echo started")))
			ns.WaitPod(t, name, kube.Running("work"))
			awaitWork(t, volume, c.done)
			endByDelete(t, ns, name, "work")
			if n := volume.number(t, c.done); n == c.all {
				t.Errorf("all %d were done: the pod was not deleted in the middle", n)
			} else {
				t.Logf("%d of %d were done", n, c.all)
			}
			if torn := volume.sh(t, c.wrong); torn != "" {
				t.Errorf("half done:\n%s", torn)
			}
			startPod(t, ns, preparedPod(name, []corev1.Volume{claimVolume("data")}, c.work, shell("app", "echo started")))
			ns.WaitPod(t, name, kube.Succeeded)
			wantTexts(t, "the termination message", ns.TerminationMessage(t, name, "work"), c.report)
			if n := volume.number(t, c.done); n != c.all {
				t.Errorf("%d of %d are done after the second run", n, c.all)
			}
		})
	}
}

// awaitWork returns when the first entries are done.
func awaitWork(t *testing.T, volume inspector, done string) {
	t.Helper()
	deadline := time.Now().Add(kube.Patience)
	for volume.number(t, done) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("nothing was done")
		}
	}
}

// setHalfway gives the database a migration that stops in its middle as long as
// there is no table gate.
func (d database) setHalfway(t *testing.T) {
	t.Helper()
	setConfigMap(t, d.ns, "migrations", map[string]string{
		"1_whole.up.sql": "CREATE TABLE whole (a int);\n",
		"2_half.up.sql":  "CREATE TABLE half (a int);\nINSERT INTO half VALUES (1);\n" + d.sleep + "INSERT INTO half VALUES (2);\n",
	})
}

// awaitHalfway returns when n sessions are in the middle of that migration.
func (d database) awaitHalfway(t *testing.T, n int) {
	t.Helper()
	kube.Eventually(t, fmt.Sprintf("%d sessions that sleep", n), contains(func() string { return "=" + d.query(t, d.sleepers) }, fmt.Sprint("=", n)))
}

// wantHalf fails unless the database is as an interrupted migration must leave it:
// PostgreSQL as it was before, MariaDB with the statements that were done.
func (d database) wantHalf(t *testing.T) {
	t.Helper()
	tables, want := d.query(t, "SELECT count(*) FROM information_schema.tables WHERE table_name = 'half' AND table_schema IN ('public', '"+d.schema+"')"), "0"
	if d.driver == "mysql" {
		want = "1"
	}
	if tables != want {
		t.Errorf("there are %s tables of the interrupted migration, want %s", tables, want)
	}
}

// wantWhole fails unless both migrations were done, each statement once.
func (d database) wantWhole(t *testing.T) {
	t.Helper()
	if got := d.query(t, "SELECT a FROM half ORDER BY a"); got != "1\n2" {
		t.Errorf("the rows of the interrupted migration: %q", got)
	}
	if got := d.query(t, "SELECT version FROM schema_migrations"); got != "2" {
		t.Errorf("the database is at version %q", got)
	}
}

func testInterruptMigrate(t *testing.T, d database) {
	d.setHalfway(t)
	pod := preparedPod("shop", migrationVolumes(), migrator(), shell("app", "echo started"))
	startPod(t, d.ns, pod.DeepCopy())
	d.awaitHalfway(t, 1)
	endByDelete(t, d.ns, "shop", "migrate")
	d.awaitHalfway(t, 0)
	d.wantHalf(t)
	d.openGate(t)
	startPod(t, d.ns, pod)
	d.ns.WaitPod(t, "shop", kube.Succeeded)
	wantTexts(t, "the termination message", d.ns.TerminationMessage(t, "shop", "migrate"), "at version 2, 1 migration applied")
	d.wantWhole(t)
}
