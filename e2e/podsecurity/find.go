package podsecurity

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Renderers are the programs that turn other files into manifests.
type Renderers struct {
	Chart     func(folder, values string) (string, error) // with a file of values
	Kustomize func(folder string) (string, error)
}

// Find returns the pods of all YAML files below root. A file that it cannot classify
// is an error.
func Find(root string, r Renderers) ([]Pod, error) {
	f := finder{root: root, renderers: r, used: map[string]bool{}}
	err := fs.WalkDir(os.DirFS(root), ".", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && slices.Contains([]string{".yaml", ".yml"}, path.Ext(file)) {
			f.files = append(f.files, file)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, file := range f.files {
		if path.Base(file) == kustomization {
			if err := f.readKustomization(file); err != nil {
				return nil, err
			}
		}
	}
	var pods []Pod
	for _, file := range f.files {
		found, err := f.file(file)
		if err != nil {
			return nil, err
		}
		pods = append(pods, found...)
	}
	return pods, nil
}

const (
	kustomization = "kustomization.yaml"
	chart         = "Chart.yaml"
	snippets      = "helm/values/" // values for other people's charts
)

type finder struct {
	root      string
	renderers Renderers
	files     []string
	used      map[string]bool // files and folders that some kustomization names
}

// A kustomizationFile has the fields of a kustomization that name other files.
type kustomizationFile struct {
	Kind                  string
	Resources, Components []string
	Patches               []struct{ Path string }
	ConfigMapGenerator    []struct{ Files []string }
	SecretGenerator       []struct{ Files []string }
}

func (f *finder) read(file string) ([]byte, error) { return os.ReadFile(filepath.Join(f.root, file)) }

func (f *finder) parse(file string, into any) error {
	text, err := f.read(file)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// readKustomization records the files that the kustomization uses.
func (f *finder) readKustomization(file string) error {
	var k kustomizationFile
	if err := f.parse(file, &k); err != nil {
		return err
	}
	names := slices.Concat(k.Resources, k.Components)
	for _, p := range k.Patches {
		names = append(names, p.Path)
	}
	for _, g := range slices.Concat(k.ConfigMapGenerator, k.SecretGenerator) {
		for _, name := range g.Files {
			if _, value, ok := strings.Cut(name, "="); ok {
				name = value
			}
			names = append(names, name)
		}
	}
	for _, name := range names {
		f.used[path.Join(path.Dir(file), name)] = true
	}
	return nil
}

// file returns the pods of one file.
func (f *finder) file(file string) ([]Pod, error) {
	switch folder := f.chartOf(file); {
	case file == path.Join(folder, chart):
		return f.chart(folder)
	case folder != "":
		return nil, nil // rendered with its chart
	case path.Base(file) == kustomization:
		return f.kustomize(file)
	case f.used[file]:
		return nil, nil // rendered with its kustomization
	case strings.HasPrefix(file, snippets):
		text, err := f.read(file)
		if err != nil {
			return nil, err
		}
		return snippet(file, text)
	}
	text, err := f.read(file)
	if err != nil || isPlan(text) {
		return nil, err
	}
	return manifests(file, text)
}

// chartOf returns the folder of the chart that file belongs to, or "".
func (f *finder) chartOf(file string) string {
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if slices.Contains(f.files, path.Join(dir, chart)) {
			return dir
		}
	}
	return ""
}

// chart renders a chart with each values file in its folder ci. A library chart is
// rendered by the charts that use it.
func (f *finder) chart(folder string) ([]Pod, error) {
	var about struct{ Type string }
	if err := f.parse(path.Join(folder, chart), &about); err != nil || about.Type == "library" {
		return nil, err
	}
	values, err := fs.Glob(os.DirFS(f.root), path.Join(folder, "ci", "*-values.yaml"))
	if err != nil {
		return nil, err
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s: without ci/NAME-values.yaml it is not known what to render it with", folder)
	}
	var pods []Pod
	for _, file := range values {
		text, err := f.renderers.Chart(folder, filepath.Join(f.root, file))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		found, err := manifests(folder+" with "+file, []byte(text))
		if err != nil {
			return nil, err
		}
		pods = append(pods, found...)
	}
	return pods, nil
}

// kustomize renders a kustomization. A component is rendered by the kustomizations that use it.
func (f *finder) kustomize(file string) ([]Pod, error) {
	var k kustomizationFile
	if err := f.parse(file, &k); err != nil {
		return nil, err
	}
	folder := path.Dir(file)
	if k.Kind == "Component" {
		if !f.used[folder] {
			return nil, fmt.Errorf("%s: no kustomization uses the component, so it is not known what it makes", file)
		}
		return nil, nil
	}
	text, err := f.renderers.Kustomize(filepath.Join(f.root, folder))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return manifests(file, []byte(text))
}

// isPlan reports whether the file is a plan of initbox run, which is part of a container.
func isPlan(text []byte) bool {
	var plan map[string]any
	return yaml.Unmarshal(text, &plan) == nil && plan["steps"] != nil && plan["kind"] == nil
}
