package debimage

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/initbox/initbox/e2e/internal/command"
	"github.com/initbox/initbox/internal/testkit/testdir"
)

//go:embed files
var files embed.FS

// unread are files that nobody reads in a container. The copyright files stay: the licences ask for them.
var unread = []string{
	"usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "usr/share/bug", "usr/share/bash-completion",
	"usr/share/doc/*/[^c]*", "usr/share/doc/*/c[^o]*", "usr/share/doc-base", "usr/share/perl5", "usr/share/gcc", "usr/share/gdb",
	"usr/lib/*/gconv", "usr/share/menu", "usr/share/base-files", "usr/share/debconf",
}

// complete does the work of the packages' scripts, as far as the image needs it.
func (r recipe) complete(t *tree) error {
	t.removeMatching(unread)
	t.removeMatching(r.drop)
	t.merge()
	t.dir("tmp", 0o1777, 0)
	t.dir("run", 0o755, 0)
	t.dir("root", 0o700, 0)
	t.link("var/run", "/run")
	return r.finish(t)
}

// users writes /etc/passwd and /etc/group: the users of every image, and one more.
func users(t *tree, name string, id int, home string) {
	t.file("etc/passwd", 0o644, fmt.Sprintf("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"+
		"%[1]s:x:%[2]d:%[2]d:%[1]s:%[3]s:/sbin/nologin\n", name, id, home))
	t.file("etc/group", 0o644, fmt.Sprintf("root:x:0:\nnobody:x:65534:\n%s:x:%d:\n", name, id))
}

// script adds one of our files as a program.
func script(t *tree, name, source string) error {
	text, err := files.ReadFile(path.Join("files", source))
	if err != nil {
		return err
	}
	t.file(name, 0o755, string(text))
	return nil
}

// applets adds a link for each program that busybox contains, unless the image has that program already.
func applets(t *tree) (err error) {
	box, ok := t.entries["usr/bin/busybox"]
	if !ok {
		return fmt.Errorf("the package has no /bin/busybox")
	}
	temp, err := testdir.Make("", "initbox-debimage-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temp.Remove()) }()
	program := path.Join(temp.Path, "busybox")
	if err := os.WriteFile(program, box.body, 0o755); err != nil {
		return err
	}
	list, err := command.Output(context.Background(), program, "--list")
	if err != nil {
		return err
	}
	for applet := range strings.Lines(list) {
		name := strings.TrimSpace(applet)
		_, bin := t.entries["usr/bin/"+name]
		_, sbin := t.entries["usr/sbin/"+name]
		if !bin && !sbin {
			t.link("usr/bin/"+name, "busybox")
		}
	}
	return nil
}
