package kubernetes

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/initbox/initbox/e2e/kube"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// A taskCase is a task in its own init container, with the expected results.
type taskCase struct {
	task    string
	level   kube.Level // restricted if empty
	volumes []corev1.Volume
	before  []corev1.Container // init containers that run before the task
	args    []string
	env     []corev1.EnvVar
	main    string // what the main container runs: a script of busybox, or SQL
	says    string // text in the termination message
	sees    string // what the main container prints
}

// webFiles are the files of the web server that tasks wait for.
var webFiles = map[string]string{"ready.json": `{"status": "UP"}`}

// objectCases need no database. [setTaskObjects] creates the objects of their volumes.
var objectCases = []taskCase{{
	task: "wait-tcp", args: []string{"--timeout=3m", "web:80"},
	main: "wget -q -O - http://web/ready.json", says: "0 changes", sees: webFiles["ready.json"],
}, {
	task: "wait-http", args: []string{"--timeout=3m", "--expect-json=status=UP", "http://web/ready.json"},
	main: "wget -q -O - http://web/ready.json", says: "0 changes", sees: webFiles["ready.json"],
}, {
	task: "copy-config", volumes: []corev1.Volume{configMapVolume("config"), secretVolume("password"), emptyVolume("etc")},
	args: []string{"--render=env", "--vars=HOST,PASSWORD", "--vars-dir=/password", "--validate=yaml", "/config", "/etc/app"},
	env:  []corev1.EnvVar{{Name: "HOST", Value: "web"}},
	main: "cat /etc/app/app.yaml", says: "1 created", sees: "host: web\npassword: 3x/ample\nother: $stays",
}, {
	task: "chown", level: kube.Baseline, volumes: []corev1.Volume{emptyVolume("data")},
	before: []corev1.Container{asRoot(shell("root", "mkdir -m 700 /data/app && echo root >/data/app/file && chmod 600 /data/app/file"))},
	args:   []string{"65532:65532", "/data/app"},
	main:   "cat /data/app/file && echo mine >>/data/app/file && cat /data/app/file", says: "2 changes", sees: "root\nroot\nmine",
}, {
	task: "verify-cert", volumes: []corev1.Volume{secretVolume("tls")},
	args: []string{"--dns-name=app.test", "--min-validity=24h", "/tls"},
	main: "head -n 1 /tls/tls.crt", says: "good /tls: CN=app", sees: "-----BEGIN CERTIFICATE-----",
}, {
	task: "run", volumes: []corev1.Volume{configMapVolume("plan"), configMapVolume("config"), emptyVolume("etc")},
	args: []string{"-f", "/plan/plan.yaml"}, env: []corev1.EnvVar{{Name: "URL", Value: "http://web/ready.json"}},
	main: "cat /etc/app/app.yaml", says: "step 3 (copy-config): done", sees: "host: ${HOST}",
}}

const taskPlan = `
timeout: 3m
steps:
  - name: port
    wait-tcp: {target: "web:80", timeout: 2m}
  - wait-http: ${URL}
  - copy-config: [/config, /etc/app/]
`

// databaseCases run on PostgreSQL and on MariaDB.
var databaseCases = []taskCase{{
	task: "migrate", volumes: migrationVolumes(),
	args: []string{"--database-file=/database/url", "--source=/migrations"},
	main: "SELECT item FROM orders", says: "at version 1", sees: "a pencil",
}, {
	task: "wait-db", volumes: migrationVolumes(), // after the case of migrate, so that the database is migrated
	args: []string{"--database-file=/database/url", "--source=/migrations"},
	main: "SELECT version FROM schema_migrations", says: "0 changes", sees: "1",
}}

var orders = map[string]string{
	"1_orders.up.sql": "CREATE TABLE orders (item varchar(100) NOT NULL);\nINSERT INTO orders VALUES ('a pencil');\n",
}

func TestTasks(t *testing.T) {
	t.Parallel()
	cluster := kube.New(t)
	for _, c := range objectCases {
		t.Run(c.task, func(t *testing.T) {
			t.Parallel()
			level := c.level
			if level == "" {
				level = kube.Restricted
			}
			ns := cluster.Namespace(t, level)
			setTaskObjects(t, ns)
			startPod(t, ns, c.pod(shell("app", c.main)))
			startWeb(t, ns, webFiles)
			c.check(t, ns)
		})
	}
}

// testMigrate runs each task that works on a database, in its own init container.
func testMigrate(t *testing.T, d database) {
	setConfigMap(t, d.ns, "migrations", orders)
	for _, c := range databaseCases {
		startPod(t, d.ns, c.pod(d.application(c.main)))
		c.check(t, d.ns)
	}
}

// Every task has a case.
func TestTasksAreCovered(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	startPod(t, ns, preparedPod("help", nil, task("help", "help")))
	ns.WaitPod(t, "help", kube.Succeeded)
	help := ns.Logs(t, "help", "help")
	list, _, _ := strings.Cut(help, "\nOther commands:\n")
	var covered []string
	for _, c := range slices.Concat(objectCases, databaseCases) {
		covered = append(covered, c.task)
	}
	found := regexp.MustCompile(`(?m)^  ([a-z-]+)  `).FindAllStringSubmatch(list, -1)
	if len(found) < len(covered) {
		t.Errorf("%d tasks have a case, but initbox help lists %d:\n%s", len(covered), len(found), help)
	}
	for _, f := range found {
		if !slices.Contains(covered, f[1]) {
			t.Errorf("%s has no case", f[1])
		}
	}
}

func setTaskObjects(t *testing.T, ns *kube.Namespace) {
	t.Helper()
	setWebService(t, ns)
	setConfigMap(t, ns, "plan", map[string]string{"plan.yaml": taskPlan})
	setConfigMap(t, ns, "config", map[string]string{"app.yaml": "host: ${HOST}\npassword: ${PASSWORD}\nother: $stays\n"})
	setSecret(t, ns, "password", map[string]string{"PASSWORD": "3x/ample"})
	root := testpki.Root(t, "root")
	setCertificate(t, ns, root, testpki.Leaf(t, root))
}

func (c taskCase) pod(main corev1.Container) *corev1.Pod {
	init := task("prepare", append([]string{c.task}, c.args...)...)
	init.Env = c.env
	if c.level == kube.Baseline {
		init = asRoot(init)
	}
	return preparedPod(c.task, slices.Clone(c.volumes), append(slices.Clone(c.before), init, main)...)
}

// check waits for the main container's end. The main container must see what the task
// did, and kubectl describe must show its message.
func (c taskCase) check(t *testing.T, ns *kube.Namespace) {
	t.Helper()
	pod := ns.WaitPod(t, c.task, kube.Succeeded)
	main := pod.Spec.Containers[0].Name
	wantTexts(t, "the log of the main container", ns.Logs(t, c.task, main), c.sees)
	end := ns.WaitEnd(t, c.task, "prepare")
	if end.ExitCode != 0 || !strings.HasPrefix(end.Message, c.task+": done in ") {
		t.Errorf("exit code %d, termination message %q", end.ExitCode, end.Message)
	}
	wantTexts(t, "the termination message", end.Message, c.says)
	wantTexts(t, "kubectl describe pod", ns.Describe(t, c.task), strings.Split(strings.TrimSpace(end.Message), "\n")...)
}

// testLateDatabases: the names resolve, but their servers start long after the pods.
func testLateDatabases(t *testing.T, ns *kube.Namespace) {
	pods := map[string][]string{
		"late-tcp":      {"wait-tcp", "--timeout=4m", "postgres:5432", "mariadb:3306"},
		"late-postgres": {"wait-db", "--timeout=4m", "--database=" + database{databaseServer: postgresServer, servers: ns}.url("postgres")},
		"late-mariadb":  {"wait-db", "--timeout=4m", "--database=" + database{databaseServer: mariadbServer, servers: ns}.url("mysql")},
	}
	for name, args := range pods {
		startPod(t, ns, preparedPod(name, nil, task("wait", args...), shell("app", "echo started")))
	}
	for name := range pods {
		ns.WaitPod(t, name, kube.Running("wait"))
		kube.Eventually(t, name+" to tell what it waits for", contains(func() string { return ns.Logs(t, name, "wait") }, "connection refused"))
	}
	startDatabases(t, ns)
	for name := range pods {
		ns.WaitPod(t, name, kube.Succeeded)
		wantTexts(t, "the termination message of "+name, ns.TerminationMessage(t, name, "wait"), "done in ", "0 changes")
		wantTexts(t, "the log of the main container", ns.Logs(t, name, "app"), "started")
	}
}
