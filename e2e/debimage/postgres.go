package debimage

// postgres is PostgreSQL 15 as the official image configures it, but without just-in-time compilation: its compiler is large.
func postgres() recipe {
	const owner, bin = 999, "/usr/lib/postgresql/15/bin"
	return recipe{
		name:     Postgres,
		packages: []string{"postgresql-15", "busybox-static"},
		alone:    []string{"util-linux", "libcap-ng0"},
		without: []string{
			"perl*", "lib*-perl", "libperl*", "debconf", "dpkg", "tar", "usrmerge", "init-system-helpers", "sysvinit-utils",
			"adduser", "passwd", "lsb-base", "openssl", "ssl-cert", "ucf", "sensible-utils", "locales", "libc-l10n", "libllvm*", "libz3-*",
			"postgresql-common", "postgresql-client-common", "libdb5.3", "libgdbm*", "libsemanage*", "libsepol*", "util-linux-extra",
		},
		pick: map[string][]string{"util-linux": {"usr/bin/setpriv"}},
		drop: []string{"usr/lib/postgresql/15/lib/bitcode", "usr/lib/postgresql/15/lib/llvmjit*", "usr/lib/postgresql/15/lib/pgxs"},
		finish: func(t *tree) error {
			users(t, "postgres", owner, "/var/lib/postgresql")
			t.dir("run/postgresql", 0o3777, owner)
			t.dir("var/lib/postgresql", 0o755, owner)
			t.dir("var/lib/postgresql/data", 0o1777, owner)
			t.dir("docker-entrypoint-initdb.d", 0o755, 0)
			t.link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
			if err := applets(t); err != nil {
				return err
			}
			return script(t, "usr/local/bin/docker-entrypoint.sh", "postgres.sh")
		},
		config: imageConfig{
			ExposedPorts: map[string]struct{}{"5432/tcp": {}},
			Env: []string{
				"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + bin,
				"LANG=C.UTF-8", "PG_MAJOR=15", "PGDATA=/var/lib/postgresql/data",
			},
			Entrypoint: []string{"docker-entrypoint.sh"},
			Cmd:        []string{"postgres"},
			Volumes:    map[string]struct{}{"/var/lib/postgresql/data": {}},
			StopSignal: "SIGINT",
		},
	}
}
