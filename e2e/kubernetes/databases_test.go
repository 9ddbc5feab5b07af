package kubernetes

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/initbox/initbox/e2e/internal/restricted"
	"github.com/initbox/initbox/e2e/kube"
)

const databasePassword = "p@ss/word" // as in testdata/databases.yaml

// A databaseServer is a server that the tests share.
type databaseServer struct {
	name   string // of the Service and the Deployment
	image  string
	driver string // the scheme of initbox's URLs
	user   string
	port   int
	system string // the database that exists from the start
	sleep  string // SQL that sleeps for an hour unless there is a table gate

	sleepers string // SQL that counts the sessions that sleep so
}

var (
	postgresServer = databaseServer{"postgres", "postgres:15", "postgres", "postgres", 5432, "postgres",
		"SELECT pg_sleep(CASE WHEN to_regclass('gate') IS NULL THEN 3600 ELSE 0 END);\n",
		"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep%'"}
	mariadbServer = databaseServer{"mariadb", "mariadb:10.11", "mysql", "root", 3306, "mysql",
		"DO SLEEP(IF(EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = 'gate'), 0, 3600));\n",
		"SELECT count(*) FROM information_schema.processlist WHERE db = database() AND info LIKE 'DO SLEEP%'"}
)

// TestDatabases runs all tests that need a database, on one PostgreSQL and one MariaDB.
// Each test has its own database.
func TestDatabases(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	ns.ApplyFiles(t, "testdata/database-services.yaml")
	t.Run("LateEndpoints", func(t *testing.T) { testLateDatabases(t, ns) })
	startDatabases(t, ns)
	for _, server := range []databaseServer{postgresServer, mariadbServer} {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			for _, test := range []struct {
				name string
				run  func(*testing.T, database)
			}{
				{"Migrate", testMigrate}, {"Rollout", testRollout}, {"Job", testJob},
				{"Interrupt", testInterruptMigrate}, {"Restart", testRestartMigrate},
			} {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(t, newDatabase(t, ns, server))
				})
			}
		})
	}
}

func startDatabases(t *testing.T, ns *kube.Namespace) {
	t.Helper()
	ns.ApplyFiles(t, "testdata/databases.yaml")
	ns.WaitPods(t, "app=postgres", 1, kube.Ready)
	ns.WaitPods(t, "app=mariadb", 1, kube.Ready)
}

// A database belongs to one test. In the test's namespace the Secret "database" has
// its URL.
type database struct {
	databaseServer
	servers *kube.Namespace
	ns      *kube.Namespace
	schema  string
}

func newDatabase(t *testing.T, servers *kube.Namespace, server databaseServer) database {
	t.Helper()
	ns := servers.Cluster.Namespace(t, kube.Restricted)
	d := database{server, servers, ns, strings.ReplaceAll(ns.Name, "-", "_")}
	d.exec(t, d.system, "CREATE DATABASE "+d.schema)
	setSecret(t, ns, "database", map[string]string{"url": d.url(d.schema)})
	return d
}

// url returns the URL for pods of any namespace.
func (d database) url(schema string) string {
	return fmt.Sprintf("%s://%s:%s@%s.%s:%d/%s", d.driver, d.user, url.PathEscape(databasePassword), d.name, d.servers.Name, d.port, schema)
}

// query returns the rows, with | between the columns.
func (d database) query(t *testing.T, sql string) string {
	t.Helper()
	return d.exec(t, d.schema, sql)
}

func (d database) exec(t *testing.T, schema, sql string) string {
	t.Helper()
	out, err := d.servers.Kubectl(t, "", append([]string{"exec", "-n", d.servers.Name, "deploy/" + d.name, "--"}, d.client("127.0.0.1", schema, sql)...)...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", sql, err, out)
	}
	return strings.ReplaceAll(strings.TrimSpace(out), "\t", "|")
}

// client returns the command line that runs a piece of SQL, in the server's own
// container if host is empty. SQL without a database runs in the system's.
func (d database) client(host, schema, sql string) []string {
	if d.driver == "postgres" {
		return []string{"psql", fmt.Sprintf("host=%s user=%s password=%s dbname=%s", host, d.user, databasePassword, schema),
			"-v", "ON_ERROR_STOP=1", "-Atqc", sql}
	}
	return []string{"mariadb", "-h" + host, "-u" + d.user, "-p" + databasePassword, "-BNe", sql, schema}
}

// application returns a main container that runs a piece of SQL and ends.
func (d database) application(sql string) corev1.Container {
	c := restricted.Container("app", d.image)
	c.Command = d.client(d.name+"."+d.servers.Name, d.schema, sql)
	return c
}

// openGate lets the next run pass the SQL that sleeps in this run.
func (d database) openGate(t *testing.T) {
	t.Helper()
	d.query(t, "CREATE TABLE gate (opened int)")
}

// migrationVolumes returns the volumes that migrator needs.
func migrationVolumes() []corev1.Volume {
	return []corev1.Volume{secretVolume("database"), configMapVolume("migrations")}
}

// migrator returns the init container that migrates the database of its namespace.
func migrator() corev1.Container {
	return task("migrate", "migrate", "--database-file=/database/url", "--source=/migrations", "--timeout=5m")
}
