package debimage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// base stands in for distroless static, which consists of these packages too: no shell, no C library. Its name says
// Debian 13, but its files come from the release that apt reaches here. Distroless also has tzdata-legacy; in Debian 12
// those files are part of tzdata.
func base() recipe {
	return recipe{
		name:  Base,
		alone: []string{"base-files", "ca-certificates", "media-types", "netbase", "tzdata"},
		drop:  []string{"etc/update-motd.d", "etc/ca-certificates", "usr/sbin/update-ca-certificates", "etc/dpkg", "usr/share/common-licenses"},
		finish: func(t *tree) error {
			if err := bundle(t); err != nil {
				return err
			}
			users(t, "nonroot", 65532, "/home/nonroot")
			t.dir("home/nonroot", 0o700, 65532)
			return nil
		},
		config: imageConfig{
			User:       "65532",
			Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"},
			WorkingDir: "/home/nonroot",
		},
	}
}

// bundle joins the certificates in one file, as update-ca-certificates does.
func bundle(t *tree) error {
	const folder = "usr/share/ca-certificates"
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t.entries)) {
		if strings.HasPrefix(name, folder+"/") && strings.HasSuffix(name, ".crt") {
			all.WriteString(strings.TrimSpace(string(t.entries[name].body)) + "\n")
		}
	}
	if all.Len() == 0 {
		return fmt.Errorf("the package ca-certificates has no certificate below /%s", folder)
	}
	t.removeMatching([]string{folder})
	t.file("etc/ssl/certs/ca-certificates.crt", 0o644, all.String())
	return nil
}
