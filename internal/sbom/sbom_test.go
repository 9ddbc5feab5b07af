package sbom

import (
	"bytes"
	"encoding/json"
	"runtime/debug"
	"testing"
)

// The e2e tests hold the document of the real binary against the schema.
func TestWrite(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.26.1 X:nodwarf5",
		Main:      debug.Module{Path: "github.com/initbox/initbox", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "github.com/BurntSushi/toml", Version: "v1.2.3", Sum: "h1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},
			{Path: "a.example/old", Version: "v1.0.0", Replace: &debug.Module{Path: "a.example/new", Version: "v2.0.0+incompatible"}},
		},
		Settings: []debug.BuildSetting{{Key: "GOARCH", Value: "arm64"}, {Key: "-trimpath", Value: "true"}, {Key: "GOOS", Value: "linux"}},
	}
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := Write(b, info, "v1.0.0", "abc"); err != nil {
			t.Fatal(err)
		}
	}
	if first.String() != second.String() {
		t.Errorf("two documents of one binary differ:\n%s\n%s", &first, &second)
	}
	var got document
	if err := json.Unmarshal(first.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []component{
		{Ref: "pkg:golang/a.example/new@v2.0.0%2Bincompatible", Type: "library", Name: "a.example/new", Version: "v2.0.0+incompatible"},
		{
			Ref: "pkg:golang/github.com/burntsushi/toml@v1.2.3", Type: "library", Name: "github.com/BurntSushi/toml", Version: "v1.2.3",
			Hashes: []hash{{"SHA-256", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"}},
		},
		{Ref: "pkg:golang/stdlib@1.26.1", Type: "library", Name: "stdlib", Version: "1.26.1"},
	}
	for i := range want {
		want[i].PURL = want[i].Ref
	}
	same(t, "components", got.Components, want)
	same(t, "application", got.Metadata.Component, component{
		Ref: "pkg:golang/github.com/initbox/initbox@v1.0.0", Type: "application", Name: "github.com/initbox/initbox", Version: "v1.0.0",
		PURL: "pkg:golang/github.com/initbox/initbox@v1.0.0", Properties: []property{{"commit", "abc"}, {"cdx:gomod:build:env:GOARCH", "arm64"}, {"cdx:gomod:build:env:GOOS", "linux"}},
	})
	same(t, "dependencies", got.Dependencies, []dependency{
		{Ref: got.Metadata.Component.Ref, Uses: []string{want[0].Ref, want[1].Ref, want[2].Ref}},
	})
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	g, errGot := json.MarshalIndent(got, "", "  ")
	w, errWant := json.MarshalIndent(want, "", "  ")
	if errGot != nil || errWant != nil || !bytes.Equal(g, w) {
		t.Errorf("%s:\n%s\nwant\n%s (%v, %v)", what, g, w, errGot, errWant)
	}
}
