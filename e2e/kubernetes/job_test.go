package kubernetes

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/initbox/initbox/e2e/kube"
)

// testJob: pods with wait-db --source are held back until a Job has applied the last
// of their migrations, and then go on.
func testJob(t *testing.T, d database) {
	const pods = 3
	d.query(t, "CREATE TABLE gate (opened int)")
	setConfigMap(t, d.ns, "migrations", map[string]string{
		"1_orders.up.sql": "CREATE TABLE orders (item varchar(100));\n",
		"2_gate.up.sql":   d.sleep,
		"3_items.up.sql":  "INSERT INTO orders VALUES ('a pencil');\n",
	})
	wait := task("wait", "wait-db", "--database-file=/database/url", "--source=/migrations", "--timeout=5m")
	shop := deployment(preparedPod("shop", migrationVolumes(), wait, shell("app", "echo started"+stay)), pods)
	if _, err := d.ns.AppsV1().Deployments(d.ns.Name).Create(t.Context(), shop, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	d.ns.WaitPods(t, "app=shop", pods, kube.Running("wait"))
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "migrate"}, Spec: batchv1.JobSpec{BackoffLimit: new(int32)}}
	worker := preparedPod("migrate", migrationVolumes(), migrator())
	job.Spec.Template = corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: worker.Labels}, Spec: worker.Spec}
	if _, err := d.ns.BatchV1().Jobs(d.ns.Name).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	// The Job is in its second migration: no pod may go on with the first.
	held := d.ns.WaitPods(t, "app=shop", pods, kube.Running("wait"))
	for _, pod := range held {
		kube.Eventually(t, pod.Name+" to see the first migration",
			contains(func() string { return d.ns.Logs(t, pod.Name, "wait") }, "version 1"))
	}
	d.ns.WaitPods(t, "app=shop", pods, kube.Running("wait"))

	d.openGate(t)
	for _, pod := range d.ns.WaitPods(t, "app=shop", pods, kube.Ready) {
		wantTexts(t, "the termination message", d.ns.TerminationMessage(t, pod.Name, "wait"), "wait-db: done in ")
	}
	done := d.ns.WaitPods(t, "app=migrate", 1, kube.Succeeded)
	wantTexts(t, "the Job's termination message", d.ns.TerminationMessage(t, done[0].Name, "migrate"), "3 migrations applied")
	if got := d.query(t, "SELECT item FROM orders"); got != "a pencil" {
		t.Errorf("orders holds %q", got)
	}
}
