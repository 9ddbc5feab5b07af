package kubernetes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/initbox/initbox/e2e/cluster"
	"github.com/initbox/initbox/e2e/helm"
	"github.com/initbox/initbox/e2e/kube"
)

const helmExamples = "../../examples/helm"

// A release is the chart shop in a namespace.
type release struct {
	*helm.Helm
	*kube.Namespace
}

func installShop(t *testing.T) release {
	t.Helper()
	r := release{helm.New(t, helmExamples), kube.New(t).Namespace(t, kube.Restricted)}
	r.Kubeconfig = os.Getenv(cluster.KubeconfigVariable)
	r.Run(t, "dependency", "build", r.Path("shop"))
	r.Run(t, r.args("install")...)
	return r
}

func (r release) args(command string, more ...string) []string {
	return append([]string{command, "shop", r.Path("shop"), "-f", filepath.Join(r.Path("shop"), "ci", "try-out-values.yaml"),
		"--namespace", r.Name, "--wait", "--timeout", kube.Patience.String()}, more...)
}

func (r release) migration(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.Path("shop"), "migrations", name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pods returns the names of the pods of one component that are not being deleted.
func (r release) pods(t *testing.T, component string) string {
	t.Helper()
	return kubectl(t, r.Namespace, "get", "pods", "--selector", "app.kubernetes.io/instance=shop,app.kubernetes.io/component="+component,
		"--sort-by=.metadata.name", "-o", `go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}`)
}

// messages returns the termination messages of one init container of those pods.
func (r release) messages(t *testing.T, container string) string {
	t.Helper()
	return kubectl(t, r.Namespace, "get", "pods", "--selector", "app.kubernetes.io/component=web", "-o",
		`go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{range .status.initContainerStatuses}}{{if eq .name "`+container+`"}}`+
			`{{with .state.terminated}}{{.message}}{{end}}{{with .lastState.terminated}}{{.message}}{{end}}{{end}}{{end}}{{end}}{{end}}`)
}

// TestHelmShop follows a release: it is installed, upgraded with a new migration, rolled
// back, and survives a wrong migration.
func TestHelmShop(t *testing.T) {
	t.Parallel()
	r := installShop(t)
	if got := shopVersion(t, r.Namespace, "shop-postgres"); got != "1" {
		t.Errorf("the database is at version %q after install, want 1", got)
	}
	if got := kubectl(t, r.Namespace, "exec", "deploy/shop", "-c", "web", "--", "wget", "-qO-", "http://shop/index.html"); !strings.Contains(got, "orders from shop-postgres.") {
		t.Errorf("the page is\n%s", got)
	}
	if got := r.messages(t, "migrate"); strings.Count(got, "1 migration applied") != 1 || strings.Count(got, "nothing to do at version 1") != 1 {
		t.Errorf("one of two pods must have migrated:\n%s", got)
	}

	web, postgres := r.pods(t, "web"), r.pods(t, "postgres")
	r.Run(t, r.args("upgrade")...)
	if got := r.pods(t, "web"); got != web {
		t.Errorf("an upgrade that changes nothing replaced %sby %s", web, got)
	}

	r.migration(t, "2_add_price.up.sql", "ALTER TABLE orders ADD COLUMN price numeric(10, 2) NOT NULL DEFAULT 0;\n")
	r.Run(t, r.args("upgrade")...)
	if got := shopVersion(t, r.Namespace, "shop-postgres"); got != "2" {
		t.Errorf("the database is at version %q after the upgrade, want 2", got)
	}
	r.expectReplaced(t, web)
	if got := r.pods(t, "postgres"); got != postgres {
		t.Errorf("a new migration replaced %sby %s", postgres, got)
	}

	r.rollback(t, "1")
	if got := shopVersion(t, r.Namespace, "shop-postgres"); got != "2" {
		t.Errorf("the database is at version %q after the rollback, which must leave it alone", got)
	}
	if got := r.messages(t, "migrate"); !strings.Contains(got, "the database is ahead: it is at version 2, the newest file is version 1") {
		t.Errorf("the pods do not say that the database is ahead:\n%s", got)
	}
}

// TestHelmWrongMigration: a migration with an error affects no running pod, the new pod
// says what is wrong with the migration, and a rollback is enough to recover.
func TestHelmWrongMigration(t *testing.T) {
	t.Parallel()
	r := installShop(t)
	web := r.pods(t, "web")
	r.migration(t, "2_add_price.up.sql", "ALTER TABLE oders ADD COLUMN price int;\n")
	if _, err := r.Try(r.args("upgrade", "--timeout", "20s")...); err == nil {
		t.Error("helm upgrade --wait succeeded with a migration that cannot")
	}
	for _, want := range []string{"2_add_price.up.sql", `relation "oders" does not exist`} {
		kube.Eventually(t, "the termination message to name what is wrong", contains(func() string { return r.messages(t, "migrate") }, want))
	}
	if serving := kubectl(t, r.Namespace, "get", "deploy/shop", "-o", "jsonpath={.status.readyReplicas}"); serving != "2" {
		t.Errorf("%s of 2 old pods serve on", serving)
	}
	r.rollback(t, "1")
	if got := r.pods(t, "web"); got != web {
		t.Errorf("the rollback replaced %sby %s", web, got)
	}
	if got := shopVersion(t, r.Namespace, "shop-postgres"); got != "1" {
		t.Errorf("the database is at version %q, want 1, not dirty", got)
	}
}

func (r release) rollback(t *testing.T, revision string) {
	t.Helper()
	r.Run(t, "rollback", "shop", revision, "--namespace", r.Name, "--wait", "--timeout", kube.Patience.String())
}

func (r release) expectReplaced(t *testing.T, before string) {
	t.Helper()
	after := r.pods(t, "web")
	for _, pod := range strings.Fields(before) {
		if strings.Contains(after, pod) {
			t.Errorf("the pod %s was not replaced", pod)
		}
	}
}
