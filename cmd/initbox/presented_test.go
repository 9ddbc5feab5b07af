package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/cli"
	"github.com/initbox/initbox/tasks"
)

// Every task is in the README under its group, in the README of the Helm library chart,
// and in an example. This test asks for the texts that no Spec can generate.
func TestEveryTaskIsPresented(t *testing.T) {
	app := cli.App{Specs: specs}
	readme, chart := page(t, "README.md"), page(t, "examples/helm/initbox/README.md")
	examples := manifests(t)
	for _, spec := range app.AllSpecs(nil) {
		synopsis, _, _ := strings.Cut(spec.Doc, "\n")
		row := fmt.Sprintf("| [%s](tasks/%s/README.md) | %s |", spec.Name, folder(spec), synopsis)
		if !strings.Contains(readme, row) {
			t.Errorf("README.md, under %s, lacks the line\n%s", spec.Group, row)
		}
		if template := "`initbox." + cli.CamelCase(spec.Name) + "`"; !strings.Contains(chart, template) {
			t.Errorf("examples/helm/initbox/README.md does not name %s", template)
		}
		if !regexp.MustCompile(`(?m)(args: \[|^\s*- |"--", |-- )"?` + spec.Name + `"?([],:\s]|$)`).MatchString(examples) {
			t.Errorf("no manifest below examples/ uses %s", spec.Name)
		}
		checkNeeds(t, spec)
		if spec.Container == "" {
			t.Errorf("the Spec of %s has no Container", spec.Name)
		}
		if !slices.Contains(tasks.Groups(), spec.Group) {
			t.Errorf("the group of %s is %q, not one of %q", spec.Name, spec.Group, tasks.Groups())
		}
	}
}

// A capability that only some uses need names flags that the task has.
func checkNeeds(t *testing.T, spec tasks.Spec) {
	t.Helper()
	fs := pflag.NewFlagSet(spec.Name, pflag.ContinueOnError)
	spec.New().Flags(fs)
	for _, c := range spec.Needs.Capabilities {
		for _, name := range c.Flags {
			if fs.Lookup(name) == nil {
				t.Errorf("%s needs %s for --%s, which it does not have", spec.Name, c.Name, name)
			}
		}
	}
}

func folder(spec tasks.Spec) string { return strings.ReplaceAll(spec.Name, "-", "") }

// page returns a file of the repository.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// manifests returns all YAML below examples, without comments.
func manifests(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	comment := regexp.MustCompile(`(?m)(^|\s)#.*$`)
	err := filepath.WalkDir("../../examples", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(comment.ReplaceAll(text, nil))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
