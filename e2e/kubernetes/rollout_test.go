package kubernetes

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/util/retry"

	"github.com/initbox/initbox/e2e/kube"
)

// replicas is how many pods migrate at the same time.
const replicas = 10

// runs is the table into which each migration inserts: a migration that runs twice is there twice.
var firstRelease = map[string]string{
	"1_runs.up.sql":   "CREATE TABLE runs (migration int NOT NULL);\nINSERT INTO runs VALUES (1);\n",
	"2_orders.up.sql": "CREATE TABLE orders (item varchar(100) NOT NULL);\nINSERT INTO runs VALUES (2);\n",
}

// secondRelease has one more migration.
func secondRelease() map[string]string {
	release := maps.Clone(firstRelease)
	release["3_price.up.sql"] = "ALTER TABLE orders ADD COLUMN price int;\nINSERT INTO runs VALUES (3);\n"
	return release
}

// testRollout: ten pods migrate at once, a rolling update brings a migration, and the
// rollout is undone while the database stays ahead.
func testRollout(t *testing.T, d database) {
	setConfigMap(t, d.ns, "migrations", firstRelease)
	setConfigMap(t, d.ns, "migrations-2", secondRelease())
	deploy := deployment(preparedPod("shop", migrationVolumes(), migrator(), shell("app", "echo started"+stay)), replicas)
	deploy.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxSurge: new(intstr.FromString("100%"))} // all new pods migrate at once, too
	if _, err := d.ns.AppsV1().Deployments(d.ns.Name).Create(t.Context(), deploy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	d.release(t, "migrations", "1\n2", "2 migrations applied")

	d.useMigrations(t, "migrations-2")
	d.release(t, "migrations-2", "1\n2\n3", "1 migration applied")

	d.undo(t)
	for _, pod := range d.release(t, "migrations", "1\n2\n3", "") {
		warning := "the database is ahead: it is at version 3, the newest file is version 2"
		wantTexts(t, "the log of "+pod.Name, d.ns.Logs(t, pod.Name, "migrate"), warning)
		wantTexts(t, "the termination message of "+pod.Name, d.ns.TerminationMessage(t, pod.Name, "migrate"), "migrate: done in ", "database is ahead")
	}
}

// release waits until all pods of a release are ready. It fails unless each migration
// ran once, no init container failed, and exactly one pod reports applied, if that is
// not empty.
func (d database) release(t *testing.T, migrations, ran, applied string) []corev1.Pod {
	t.Helper()
	rollout(t, d.ns, "shop")
	pods := d.ns.WaitPods(t, "app=shop", replicas, func(pod *corev1.Pod) error {
		if got := pod.Spec.Volumes[1].ConfigMap.Name; got != migrations {
			return fmt.Errorf("it has the migrations of %s", got)
		}
		return kube.Ready(pod)
	})
	workers := 0
	for i := range pods {
		s := pods[i].Status.InitContainerStatuses[0]
		if s.RestartCount != 0 || s.State.Terminated == nil || s.State.Terminated.ExitCode != 0 {
			t.Errorf("the init container failed on the way:\n%s", kube.Summary(&pods[i]))
			continue
		}
		if applied != "" && strings.Contains(s.State.Terminated.Message, applied) {
			workers++
		}
	}
	if applied != "" && workers != 1 {
		t.Errorf("%d pods report %q, want one", workers, applied)
	}
	if got := d.query(t, "SELECT migration FROM runs ORDER BY migration"); got != ran {
		t.Errorf("these migrations ran: %q, want each once: %q", got, ran)
	}
	return pods
}

// useMigrations starts a rolling update.
func (d database) useMigrations(t *testing.T, configMap string) {
	t.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		deploy, err := d.ns.AppsV1().Deployments(d.ns.Name).Get(t.Context(), "shop", metav1.GetOptions{})
		if err != nil {
			return err
		}
		deploy.Spec.Template.Spec.Volumes[1].ConfigMap.Name = configMap
		_, err = d.ns.AppsV1().Deployments(d.ns.Name).Update(t.Context(), deploy, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// undo rolls back as a user does.
func (d database) undo(t *testing.T) {
	t.Helper()
	kubectl(t, d.ns, "rollout", "undo", "deploy/shop")
}
