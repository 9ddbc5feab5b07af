package debimage

// bare is a machine that has git and make, and of the rest what every Debian has. Go is for whoever uses it to mount.
func bare() recipe {
	return recipe{
		name:     Bare,
		packages: []string{"coreutils", "dash", "diffutils", "findutils", "git", "grep", "make", "mawk", "sed"},
		finish: func(t *tree) error {
			users(t, "somebody", 1000, "/home/somebody")
			t.dir("home/somebody", 0o755, 1000)
			t.link("usr/bin/awk", "mawk")
			return nil
		},
		config: imageConfig{Cmd: []string{"sh"}},
	}
}
