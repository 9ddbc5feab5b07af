// Package sbom lists what a Go program was made from as a CycloneDX 1.6
// document, the form that vulnerability scanners and registries read.
//
// It says nothing of when or where it was written: one binary has one document.
package sbom

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"runtime/debug"
	"slices"
	"strings"
)

type document struct {
	Schema       string       `json:"$schema"`
	Format       string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Ref        string     `json:"bom-ref"`
	Type       string     `json:"type"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Hashes     []hash     `json:"hashes,omitempty"`
	PURL       string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref  string   `json:"ref"`
	Uses []string `json:"dependsOn"`
}

// Write writes the document of the program that info describes, in this version, of this commit.
func Write(w io.Writer, info *debug.BuildInfo, version, commit string) error {
	main := module("application", info.Main.Path, version, "")
	main.Properties = []property{{"commit", commit}}
	for _, s := range info.Settings {
		if s.Key == "GOOS" || s.Key == "GOARCH" {
			main.Properties = append(main.Properties, property{"cdx:gomod:build:env:" + s.Key, s.Value})
		}
	}
	parts := []component{standardLibrary(info.GoVersion)}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		parts = append(parts, module("library", m.Path, m.Version, m.Sum))
	}
	slices.SortFunc(parts, func(a, b component) int { return strings.Compare(a.Ref, b.Ref) })

	// What uses what among the modules a binary does not know.
	uses := dependency{Ref: main.Ref}
	for _, p := range parts {
		uses.Uses = append(uses.Uses, p.Ref)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(document{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata: metadata{main}, Components: parts, Dependencies: []dependency{uses},
	})
}

// module is a Go module as a component. Its hash is that of go.sum, which is a SHA-256.
func module(kind, path, version, sum string) component {
	purl := purl(path, version)
	c := component{Ref: purl, Type: kind, Name: path, Version: version, PURL: purl}
	if encoded, ok := strings.CutPrefix(sum, "h1:"); ok {
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			c.Hashes = []hash{{"SHA-256", hex.EncodeToString(raw)}}
		}
	}
	return c
}

// standardLibrary has the name by which Go's vulnerability database knows it.
func standardLibrary(goVersion string) component {
	number, _, _ := strings.Cut(strings.TrimPrefix(goVersion, "go"), " ")
	return module("library", "stdlib", number, "")
}

// purl is the package URL of a module, whose type golang asks for lower case.
func purl(path, version string) string {
	return "pkg:golang/" + strings.ToLower(path) + "@" + strings.ReplaceAll(version, "+", "%2B")
}
