package kubernetes

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/initbox/initbox/e2e/kube"
)

// testJob: pods with wait-db --source wait, also after a Job that stops before their
// last migration, and start once a Job has applied that migration.
func testJob(t *testing.T, d database) {
	const pods = 3
	setConfigMap(t, d.ns, "migrations", map[string]string{
		"1_orders.up.sql": "CREATE TABLE orders (item varchar(100));\n",
		"2_items.up.sql":  "INSERT INTO orders VALUES ('a pencil');\n",
	})
	wait := task("wait", "wait-db", "--database-file=/database/url", "--source=/migrations", "--timeout=5m")
	shop := deployment(preparedPod("shop", migrationVolumes(), wait, shell("app", "echo started"+stay)), pods)
	if _, err := d.ns.AppsV1().Deployments(d.ns.Name).Create(t.Context(), shop, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	d.wantHeld(t, pods, "no migration has been applied yet")

	d.runJob(t, "first", "at version 1, 1 migration applied", "--to=1")
	d.wantHeld(t, pods, "the database is at version 1, --source /migrations asks for 2")

	d.runJob(t, "last", "at version 2, 1 migration applied")
	for _, pod := range d.ns.WaitPods(t, "app=shop", pods, kube.Ready) {
		wantTexts(t, "the termination message", d.ns.TerminationMessage(t, pod.Name, "wait"), "wait-db: done in ")
		if n := pod.Status.InitContainerStatuses[0].RestartCount; n != 0 {
			t.Errorf("pod %s: wait-db failed %d times on the way", pod.Name, n)
		}
	}
	if got := d.query(t, "SELECT item FROM orders"); got != "a pencil" {
		t.Errorf("orders holds %q", got)
	}
}

// wantHeld waits until each pod says that it waits for this reason.
func (d database) wantHeld(t *testing.T, pods int, reason string) {
	t.Helper()
	for _, pod := range d.ns.WaitPods(t, "app=shop", pods, kube.Running("wait")) {
		kube.Eventually(t, pod.Name+" to wait", contains(func() string { return d.ns.Logs(t, pod.Name, "wait") }, reason))
	}
	d.ns.WaitPods(t, "app=shop", pods, kube.Running("wait"))
}

// runJob migrates with the flags, in a Job with one attempt.
func (d database) runJob(t *testing.T, name, says string, flags ...string) {
	t.Helper()
	main := migrator()
	main.Args = append(main.Args, flags...)
	pod := preparedPod(name, migrationVolumes(), main)
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: batchv1.JobSpec{
		BackoffLimit: new(int32(0)),
		Template:     corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels}, Spec: pod.Spec},
	}}
	if _, err := d.ns.BatchV1().Jobs(d.ns.Name).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	done := d.ns.WaitPods(t, "app="+name, 1, kube.Succeeded)
	wantTexts(t, "the Job's termination message", d.ns.TerminationMessage(t, done[0].Name, "migrate"), says)
}
