package debimage

// busybox stands in for any application: it has a shell, and httpd for servers.
func busybox() recipe {
	return recipe{
		name:  BusyBox,
		alone: []string{"busybox-static"},
		finish: func(t *tree) error {
			users(t, "www-data", 33, "/var/www")
			t.dir("home", 0o755, 0)
			return applets(t)
		},
		config: imageConfig{Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, Cmd: []string{"sh"}},
	}
}
