package docker

import (
	"testing"

	"github.com/initbox/initbox/e2e/debimage"
)

// The databases that stand in for the official images, run as the examples run them, with initbox beside them as in a pod.
func TestDatabases(t *testing.T) {
	tests := map[string]struct {
		environ []string
		scratch []string // folders that the server may write to
		url     string
		count   []string // prints how many rows the migrations left
	}{
		debimage.Postgres: {
			environ: []string{"POSTGRES_PASSWORD=s3cret", "POSTGRES_USER=app", "POSTGRES_DB=orders", "PGDATA=/var/lib/postgresql/data/pgdata"},
			scratch: []string{"/var/lib/postgresql/data", "/var/run/postgresql", "/tmp"},
			url:     "postgres://app:s3cret@127.0.0.1/orders",
			count:   []string{"psql", "-h", "127.0.0.1", "-U", "app", "-Atc", "SELECT count(*) FROM orders", "orders"},
		},
		debimage.MariaDB: {
			environ: []string{"MARIADB_ROOT_PASSWORD=r00t", "MARIADB_DATABASE=orders", "MARIADB_USER=app", "MARIADB_PASSWORD=s3cret"},
			scratch: []string{"/var/lib/mysql", "/run/mysqld", "/tmp"},
			url:     "mysql://app:s3cret@127.0.0.1:3306/orders",
			count:   []string{"mariadb", "-h", "127.0.0.1", "-uapp", "-ps3cret", "-Nse", "SELECT count(*) FROM orders", "orders"},
		},
	}
	migrations := folder(t, 0, 0, 0o755, map[string]string{
		"1_orders.up.sql": "CREATE TABLE orders (id INT PRIMARY KEY);",
		"2_first.up.sql":  "INSERT INTO orders VALUES (1), (2);",
	})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			load(t, name)
			options := []string{"--network", "none", "--user", "999:999", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"}
			for _, v := range test.environ {
				options = append(options, "--env", v)
			}
			for _, path := range test.scratch {
				options = append(options, "--tmpfs", path+":mode=0777")
			}
			id := detached(t, append(options, name)...)

			beside := append([]string{"--network", "container:" + id, "--env", "DATABASE_URL=" + test.url, "--volume", migrations + ":/migrations:ro"}, hardened...)
			want(t, initbox(t, beside, "wait-db", "--timeout", "3m"), 0, "wait-db: done in")
			want(t, initbox(t, beside, "migrate", "--source", "/migrations"), 0, "migrate: done in", "2 changes")
			want(t, initbox(t, beside, "wait-db", "--source", "/migrations", "--timeout", "10s"), 0, "wait-db: done in")
			want(t, initbox(t, beside, "migrate", "--source", "/migrations"), 0, "0 changes")
			if rows := docker(t, append([]string{"exec", id}, test.count...)...); rows != "2" {
				t.Errorf("the table has %q rows", rows)
			}
		})
	}
}

// Started as root, like the official images: the server itself must not run as root.
func TestDatabasesThatStartAsRoot(t *testing.T) {
	tests := map[string]struct{ environ, url string }{
		debimage.Postgres: {"POSTGRES_PASSWORD=s3cret", "postgres://postgres:s3cret@127.0.0.1/postgres"},
		debimage.MariaDB:  {"MYSQL_ROOT_PASSWORD=s3cret", "mysql://root:s3cret@127.0.0.1/mysql"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			load(t, name)
			id := detached(t, "--network", "none", "--env", test.environ, name)
			beside := append([]string{"--network", "container:" + id, "--env", "DATABASE_URL=" + test.url}, hardened...)
			want(t, initbox(t, beside, "wait-db", "--timeout", "3m"), 0, "wait-db: done in")
			if user := docker(t, "exec", id, "stat", "-c", "%u", "/proc/1"); user != "999" {
				t.Errorf("the server is user %s", user)
			}
			// MariaDB creates users called root without a password; the image must remove them.
			nobody := append([]string{"--network", "container:" + id, "--env", "DATABASE_URL=mysql://root@127.0.0.1/mysql"}, hardened...)
			if name == debimage.MariaDB {
				want(t, initbox(t, nobody, "wait-db", "--timeout", "5s"), 3, "Access denied")
			}
		})
	}
}

func TestBusyBox(t *testing.T) {
	load(t, debimage.BusyBox)
	id := detached(t, append([]string{"--network", "none"}, append(hardened, "--tmpfs", "/www", debimage.BusyBox, "httpd", "-f", "-p", "8080", "-h", "/www")...)...)
	want(t, initbox(t, append([]string{"--network", "container:" + id}, hardened...), "wait-http", "--timeout", "20s", "--status", "404", "http://127.0.0.1:8080/x"), 0, "wait-http: done in")
	if out := docker(t, "exec", id, "sh", "-c", "id -u; echo hello | tr a-z A-Z"); out != "12345\nHELLO" {
		t.Errorf("the shell printed %q", out)
	}
}
