package debimage

// mariadb is MariaDB 10.11 as the official image configures it.
func mariadb() recipe {
	const owner = 999
	return recipe{
		name:     MariaDB,
		packages: []string{"mariadb-server-core", "mariadb-client-core", "mariadb-common", "busybox-static"},
		alone:    []string{"mariadb-client", "util-linux", "libcap-ng0", "tzdata"},
		pick: map[string][]string{
			"mariadb-client": {"usr/bin/mariadb-admin", "usr/bin/mariadb-dump", "usr/bin/mysqladmin", "usr/bin/mysqldump"},
			"util-linux":     {"usr/bin/setpriv"},
		},
		finish: func(t *tree) error {
			users(t, "mysql", owner, "/var/lib/mysql")
			t.dir("run/mysqld", 0o1777, owner)
			t.dir("var/lib/mysql", 0o1777, owner)
			t.dir("docker-entrypoint-initdb.d", 0o755, 0)
			t.file("etc/mysql/my.cnf", 0o644, "[client-server]\nsocket = /run/mysqld/mysqld.sock\n!includedir /etc/mysql/conf.d/\n"+
				"!includedir /etc/mysql/mariadb.conf.d/\n[mariadbd]\nskip-name-resolve\nhost-cache-size = 0\n")
			if err := applets(t); err != nil {
				return err
			}
			return script(t, "usr/local/bin/docker-entrypoint.sh", "mariadb.sh")
		},
		config: imageConfig{
			ExposedPorts: map[string]struct{}{"3306/tcp": {}},
			Env:          []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"},
			Entrypoint:   []string{"docker-entrypoint.sh"},
			Cmd:          []string{"mariadbd"},
			Volumes:      map[string]struct{}{"/var/lib/mysql": {}},
		},
	}
}
