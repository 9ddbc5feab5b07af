package kubernetes

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/initbox/initbox/e2e/kube"
)

// stopWithin is how soon a task must end after its pod was deleted.
const stopWithin = 2 * time.Second

// interruptTries is how many tries an interruption has. A pod may be deleted too late, or
// end late, because of the speed and the load of the node.
const interruptTries = 4

// interrupt calls begin, which starts the work of a pod, and deletes the pod in the
// middle of it. The task must end in time, long before kubelet kills it, and say that
// it was stopped. If the task was done before (whole reports that), or if it ended
// late, interrupt calls begin again, with the number of the next try.
func interrupt(t *testing.T, ns *kube.Namespace, pod, container string, begin func(try int), whole func() bool) {
	t.Helper()
	why := ""
	for try := range interruptTries {
		begin(try)
		end, took := deletePod(t, ns, pod, container)
		t.Logf("%s: exit code %d, %s after the delete", pod, end.ExitCode, took)
		if end.ExitCode != 0 {
			wantStopped(t, pod, end)
		}
		switch {
		case end.ExitCode == 0 || whole():
			why = "all was done before the pod was deleted"
		case took > stopWithin:
			why = fmt.Sprintf("it ended %s after its pod was deleted, want %s at most", took, stopWithin)
		default:
			return
		}
		t.Logf("%s: try %d: %s", pod, try+1, why)
	}
	t.Fatalf("%s: not once in %d tries as it must be; the last time %s", pod, interruptTries, why)
}

func wantStopped(t *testing.T, pod string, end *corev1.ContainerStateTerminated) {
	t.Helper()
	if end.ExitCode != 143 {
		t.Errorf("%s: exit code %d, want 143 for SIGTERM", pod, end.ExitCode)
	}
	wantTexts(t, "the termination message", end.Message, stopped, "exit code 143")
}

// stopped is what a task says when a signal ended it.
const stopped = "stopped by SIGTERM"

// deletePod deletes the pod and returns how its container ended, and how long after
// that.
func deletePod(t *testing.T, ns *kube.Namespace, pod, container string) (*corev1.ContainerStateTerminated, time.Duration) {
	t.Helper()
	pods := ns.CoreV1().Pods(ns.Name)
	before, err := pods.Get(t.Context(), pod, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The log has the time of the end to less than a millisecond, the pod's status only
	// to a second; and the log vanishes with the pod.
	log, err := pods.GetLogs(pod, &corev1.PodLogOptions{Container: container, Follow: true, Timestamps: true}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	deleted := time.Now()
	if err := pods.Delete(t.Context(), pod, metav1.DeleteOptions{GracePeriodSeconds: new(int64(60))}); err != nil {
		t.Fatal(err)
	}
	end := lastEnd(t, ns, before, container)
	took := time.Since(deleted)
	if at, ok := timeOf(log, stopped); ok {
		took = at.Sub(deleted)
	} else if end.ExitCode != 0 {
		t.Logf("%s: its log broke off", pod)
	}
	return end, took.Round(time.Millisecond)
}

// timeOf returns the time of the first line with text in a log with timestamps.
func timeOf(log io.Reader, text string) (time.Time, bool) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if stamp, line, _ := strings.Cut(lines.Text(), " "); strings.Contains(line, text) {
			at, err := time.Parse(time.RFC3339Nano, stamp)
			return at, err == nil
		}
	}
	return time.Time{}, false
}

// lastEnd waits until the pod is deleted and returns how its container ended.
func lastEnd(t *testing.T, ns *kube.Namespace, pod *corev1.Pod, container string) *corev1.ContainerStateTerminated {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), kube.Patience)
	defer cancel()
	for ctx.Err() == nil {
		// The API server may end a watch at any time; the next watch continues there.
		options := metav1.ListOptions{FieldSelector: "metadata.name=" + pod.Name, ResourceVersion: pod.ResourceVersion}
		w, err := ns.CoreV1().Pods(ns.Name).Watch(ctx, options)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Stop()
		for event := range w.ResultChan() {
			got, ok := event.Object.(*corev1.Pod)
			if !ok {
				t.Fatalf("the watch of the pod: %v", event.Object)
			}
			if pod = got; event.Type != watch.Deleted {
				continue
			}
			end, err := kube.Terminated(pod, container)
			if err != nil {
				t.Fatalf("the pod is gone: %v\n%s", err, kube.Summary(pod))
			}
			return end
		}
	}
	t.Fatalf("the pod is still there after %s", kube.Patience)
	return nil
}

// waits are tasks that wait for something that never happens.
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
	start := func(i int) {
		w := waits[i]
		startPod(t, ns, preparedPod(w.args[0], w.volumes, task("work", w.args...), shell("app", "echo started")))
	}
	for i := range waits {
		start(i)
	}
	for i, w := range waits {
		name := w.args[0]
		interrupt(t, ns, name, "work", func(try int) {
			if try > 0 {
				start(i)
			}
			ns.WaitPod(t, name, kube.Running("work"))
			kube.Eventually(t, name+" to wait", contains(func() string { return ns.Logs(t, name, "work") }, "waiting"))
		}, never)
	}
}

// never is the whole of work without an end.
func never() bool { return false }

// An inspector is a pod with a volume that outlives the other pods of the test.
type inspector struct{ ns *kube.Namespace }

// newInspector creates the claim "data" and an inspector of it that runs as root.
func newInspector(t *testing.T, ns *kube.Namespace) inspector {
	t.Helper()
	setClaim(t, ns, "data")
	startPod(t, ns, preparedPod("inspector", []corev1.Volume{claimVolume("data")}, asRoot(shell("inspector", stay))))
	ns.WaitPod(t, "inspector", kube.Ready)
	return inspector{ns}
}

// sh returns the output of a script.
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

// someFiles returns a script that makes a folder of files, each of which holds its name.
func someFiles(folder string, n int) string {
	return fmt.Sprintf("mkdir %s && cd %[1]s && for f in $(seq 1 %d); do echo $f >$f; done", folder, n)
}

// moreFiles is the factor for the number of files in the next try, if a try was too quick.
const moreFiles = 3

// begun is met once the container has started, even if it has ended since.
func begun(container string) kube.Condition {
	return func(pod *corev1.Pod) error {
		if kube.Ended(container)(pod) == nil {
			return nil
		}
		return kube.Running(container)(pod)
	}
}

// A tree of many files, and the task that changes them while its pod is deleted.
type treeCase struct {
	work   corev1.Container
	files  int                    // number of files in the first try
	make   func(files int) string // script that makes the tree
	done   string                 // script that counts the entries that are done
	wrong  string                 // script that lists entries that are neither old nor done
	more   int                    // number of entries besides the files that are done in the end
	report string                 // the report of the run that continues
}

// The pod is deleted in the middle of the work. No file is half done, and the next pod
// does the rest.
func TestInterruptFiles(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Baseline)
	volume := newInspector(t, ns)
	for name, c := range map[string]treeCase{
		"copy-config": {
			work:  task("work", "copy-config", "--jobs=4", "/data/from", "/data/to"),
			files: 4000,
			make: func(files int) string {
				return "rm -rf /data/from /data/to; " + someFiles("/data/from", files) + " && mkdir /data/to && chown 65532 /data/to"
			},
			done:   "ls /data/to | wc -l",
			wrong:  "cd /data/to; for f in *; do cmp -s $f /data/from/$f || echo $f; done; find . -name '*.tmp'",
			report: "created",
		},
		"chown": {
			work:   asRoot(task("work", "chown", "--jobs=4", "65532:65532", "/data/tree")),
			files:  20000,
			make:   func(files int) string { return "rm -rf /data/tree; " + someFiles("/data/tree", files) },
			done:   "find /data/tree -user 65532 | wc -l",
			wrong:  "find /data/tree ! -user 65532 ! -user 0; find /data/tree -user 65532 ! -group 65532; find /data/tree -prune -user 65532",
			more:   1,
			report: "changes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.test(t, ns, volume, name)
		})
	}
}

func (c treeCase) test(t *testing.T, ns *kube.Namespace, volume inspector, name string) {
	start := func(work corev1.Container) {
		startPod(t, ns, preparedPod(name, []corev1.Volume{claimVolume("data")}, work, shell("app", "echo started")))
	}
	files := c.files
	interrupt(t, ns, name, "work", func(try int) {
		if try > 0 {
			files *= moreFiles
		}
		volume.sh(t, c.make(files))
		start(slow(*c.work.DeepCopy()))
		ns.WaitPod(t, name, begun("work"))
		awaitWork(t, volume, c.done)
	}, func() bool {
		n := volume.number(t, c.done)
		t.Logf("%d of %d were done", n, files+c.more)
		return n == files+c.more
	})
	if torn := volume.sh(t, c.wrong); torn != "" {
		t.Errorf("half done:\n%s", torn)
	}
	start(c.work)
	ns.WaitPod(t, name, kube.Succeeded)
	wantTexts(t, "the termination message", ns.TerminationMessage(t, name, "work"), c.report)
	if n := volume.number(t, c.done); n != files+c.more {
		t.Errorf("%d of %d are done after the second run", n, files+c.more)
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

// setHalfway creates a migration that stops in its middle as long as the database has
// no table gate.
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

// wantHalf fails unless the database is in the right state after an interrupted
// migration: PostgreSQL unchanged, MariaDB with the statements that were done.
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
	interrupt(t, d.ns, "shop", "migrate", func(int) {
		d.awaitHalfway(t, 0) // until the sessions of the last try have ended
		startPod(t, d.ns, pod.DeepCopy())
		d.awaitHalfway(t, 1)
	}, never)
	d.awaitHalfway(t, 0)
	d.wantHalf(t)
	d.openGate(t)
	startPod(t, d.ns, pod)
	d.ns.WaitPod(t, "shop", kube.Succeeded)
	wantTexts(t, "the termination message", d.ns.TerminationMessage(t, "shop", "migrate"), "at version 2, 1 migration applied")
	d.wantWhole(t)
}
