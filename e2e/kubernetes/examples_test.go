package kubernetes

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/initbox/initbox/e2e/kube"
)

const examplesFolder = "../../examples"

// An example is a folder that users copy, with the expected results.
type example struct {
	folder string
	level  kube.Level // the strictest level that admits its pods; restricted if empty
	files  []string   // the files to apply, in this order
	uses   []string   // other files that those files or the test read
	pods   int        // with the label app=shop
	init   string     // the init container of initbox
	says   string     // text in its termination message
	log    string     // what the application logs if everything was prepared
	faults []fault    // one for each message in README.md, in the same order
}

// kustomization among the files means that the folder is applied with -k.
const kustomization = "kustomization.yaml"

var examples = []example{{
	folder: "wait-for-database", files: []string{"postgres.yaml", "deployment.yaml"},
	pods: 1, init: "wait-for-database", says: "wait-db: done", log: "shop: connected to its database",
	faults: []fault{{edits: []edit{wrongPassword}}, {edits: []edit{
		{"postgres.yaml", "  strategy: {type: Recreate}", "  replicas: 0"},
		{"deployment.yaml", "--timeout=2m", "--timeout=5s"},
	}}},
}, {
	folder: "wait-for-several", files: []string{"postgres.yaml", "services.yaml", "deployment.yaml"},
	pods: 1, init: "wait-for-all", says: "step 3 (wait-db): done", log: "shop: has all that it needs",
	faults: []fault{{edits: []edit{
		{"services.yaml", `"UP"`, `"DOWN"`},
		{"deployment.yaml", "--timeout=3m", "--timeout=10s"},
	}}},
}, {
	folder: "native-sidecar", files: []string{"postgres.yaml", "deployment.yaml"},
	pods: 1, init: "wait-for-database", says: "wait-db: done", log: "shop: connected through its proxy",
	faults: []fault{{edits: []edit{
		{"deployment.yaml", "-p 15432", "-p 15431"},
		{"deployment.yaml", "--timeout=2m", "--timeout=10s"},
	}}},
}, {
	folder: "copy-config", files: []string{"deployment.yaml"},
	pods: 1, init: "copy-config", says: "2 files: 2 created",
	log:    "  host: postgres\n  password: 3x/ample&p\\1ss\nlog: info\n# $host belongs to the proxy, and stays\nproxy_set_header Host $host;\nshop: has its configuration",
	faults: []fault{{edits: []edit{{"deployment.yaml", "          env:\n            - {name: DB_HOST, value: postgres}\n", ""}}}},
}, {
	folder: "prepare-shared-data", files: []string{"deployment.yaml"},
	pods: 1, init: "prepare-shared-data", says: "2 files: 2 created", // it is ready only if the web server has its page
	faults: []fault{{edits: []edit{{"deployment.yaml", "fsGroup: 2000", "fsGroup: 2001"}}}},
}, {
	folder: "migrate-mysql", files: []string{"mariadb.yaml", "deployment.yaml"},
	pods: 2, init: "migrate", says: "at version 2", log: "shop: its database is migrated",
	faults: []fault{{edits: []edit{{"deployment.yaml", "  000002_customer.down", "  000003_paid.up.sql: |\n" +
		"    ALTER TABLE orders ADD COLUMN paid BOOLEAN NOT NULL DEFAULT FALSE;\n" +
		"    CREATE INDEX orders_paid ON orders paid;\n  000002_customer.down"}}}},
}, {
	folder: "job-and-wait-db", files: []string{"postgres.yaml", "migrations.yaml", "job.yaml", "deployment.yaml"},
	pods: 2, init: "wait-for-schema", says: "wait-db: done", log: "shop: its database is migrated",
	faults: []fault{{without: "job.yaml", edits: []edit{{"deployment.yaml", "--timeout=20m", "--timeout=10s"}}},
		{edits: []edit{wrongPassword}, pods: "app=migrate", container: "migrate"}},
}, {
	folder: "deployment-with-rollout", files: []string{"postgres.yaml", "release-1.yaml"}, uses: []string{"release-2.yaml"},
	pods: 3, init: "migrate", says: "at version 1", log: "shop: release 1",
	faults: []fault{{edits: []edit{{"release-1.yaml", "  000001_orders.up", brokenMigration + "  000001_orders.up"}}}},
}, {
	folder: "fix-permissions", level: kube.Baseline, files: []string{"deployment.yaml"},
	pods: 1, init: "fix-permissions", says: "chown: done", log: "shop: started 1 times",
	faults: []fault{{edits: []edit{{"deployment.yaml", "add: [CHOWN, DAC_OVERRIDE]", "add: [DAC_OVERRIDE]"}}}},
}, {
	folder: "verify-certificates", files: []string{"secret.yaml", "deployment.yaml"}, uses: []string{"make-secret.sh"},
	pods: 1, init: "verify-certificates", says: "good /tls: CN=shop", log: "shop: has its certificate",
	faults: []fault{{edits: []edit{{"deployment.yaml", "--dns-name=shop", "--dns-name=www"}}}},
}, {
	folder: "run-plan", files: []string{kustomization},
	uses: []string{"postgres.yaml", "deployment.yaml", "plan.yaml", "templates/app.yaml",
		"migrations/000001_orders.up.sql", "migrations/000001_orders.down.sql"},
	pods: 1, init: "prepare", says: "1 migration applied", log: "database:\n  host: postgres\n  name: shop\nshop: is prepared",
	faults: []fault{{edits: []edit{{"migrations/000001_orders.up.sql", "text NOT NULL,", "text NOT NUL,"}}}},
}}

const brokenMigration = "  000003_paid.up.sql: |\n    ALTER TABLE order ADD COLUMN paid boolean NOT NULL DEFAULT false;\n"

var wrongPassword = edit{"postgres.yaml", "valueFrom: {secretKeyRef: {name: database, key: password}}", "value: another"}

// TestExamples applies every example to an empty namespace and checks that the
// application finds what the page promises.
func TestExamples(t *testing.T) {
	cluster := kube.New(t)
	for _, e := range examples {
		t.Run(e.folder, func(t *testing.T) {
			t.Parallel()
			ns := cluster.Namespace(t, e.podSecurity())
			e.apply(t, ns, e.path(""))
			var messages []string
			for _, pod := range ns.WaitPods(t, "app=shop", e.pods, kube.Ready) {
				messages = append(messages, messageOf(t, &pod, e.init))
				kube.Eventually(t, "the log of pod "+pod.Name, func(context.Context) error {
					if log := ns.Logs(t, pod.Name, pod.Spec.Containers[0].Name); !strings.Contains(log, e.log) {
						return fmt.Errorf("it logged\n%s\nwithout\n%s", log, e.log)
					}
					return nil
				})
			}
			if !slices.ContainsFunc(messages, func(s string) bool { return strings.Contains(s, e.says) }) {
				t.Errorf("no message of %s has %q, but\n%s", e.init, e.says, strings.Join(messages, "\n"))
			}
		})
	}
}

func (e example) podSecurity() kube.Level {
	if e.level == "" {
		return kube.Restricted
	}
	return e.level
}

func (e example) path(file string) string { return filepath.Join(examplesFolder, e.folder, file) }

// apply applies the example's files from folder.
func (e example) apply(t *testing.T, ns *kube.Namespace, folder string) {
	t.Helper()
	if slices.Contains(e.files, kustomization) {
		kubectl(t, ns, "apply", "-k", folder)
		return
	}
	var paths []string
	for _, file := range e.files {
		paths = append(paths, filepath.Join(folder, file))
	}
	ns.ApplyFiles(t, paths...)
}

func messageOf(t *testing.T, pod *corev1.Pod, container string) string {
	t.Helper()
	state, err := kube.Terminated(pod, container)
	if err != nil {
		t.Fatalf("pod %s: %v", pod.Name, err)
	}
	return state.Message
}

// TestExampleRollout follows the page of deployment-with-rollout: a release with a
// migration, a release whose migration fails, and a rollback.
func TestExampleRollout(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	folder := filepath.Join(examplesFolder, "deployment-with-rollout")

	ns.ApplyFiles(t, filepath.Join(folder, "postgres.yaml"), filepath.Join(folder, "release-1.yaml"))
	rollout(t, ns, "shop")
	ns.ApplyFiles(t, filepath.Join(folder, "release-2.yaml"))
	rollout(t, ns, "shop")
	second := ns.WaitPods(t, "app=shop", 3, kube.Ready)

	text, err := os.ReadFile(filepath.Join(folder, "release-2.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.NewReplacer("migrations-2", "migrations-3", "  000001_orders.up", brokenMigration+"  000001_orders.up")
	ns.Apply(t, broken.Replace(string(text)))
	failed := func(pod *corev1.Pod) error {
		if slices.ContainsFunc(second, func(old corev1.Pod) bool { return old.Name == pod.Name }) {
			return kube.Ready(pod) // the old release keeps serving
		}
		return kube.Restarted("migrate", 1)(pod)
	}
	ns.WaitPods(t, "app=shop", 4, failed)

	kubectl(t, ns, "rollout", "undo", "deploy/shop", "--to-revision=1")
	rollout(t, ns, "shop")
	for _, pod := range ns.WaitPods(t, "app=shop", 3, kube.Ready) {
		ahead := "the database is ahead: it is at version 2, the newest file is version 1"
		if message := messageOf(t, &pod, "migrate"); !strings.Contains(message, ahead) {
			t.Errorf("after the rollback pod %s says\n%s\nwithout %q", pod.Name, message, ahead)
		}
	}
}
