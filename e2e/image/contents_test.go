package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
)

// write makes an archive; a text that begins with "->" is a link.
func write(t *testing.T, names []string, texts map[string]string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range names {
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(texts[name]))}
		target, link := strings.CutPrefix(texts[name], "->")
		if link {
			h.Typeflag, h.Linkname, h.Size, texts[name] = tar.TypeSymlink, target, 0, ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(texts[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// The archives of Docker 20.10 (a repeated layer is a link) and of newer versions (compressed, among blobs).
func TestRead(t *testing.T) {
	layer := write(t, []string{"initbox"}, map[string]string{"initbox": strings.Repeat("x", 1e5)}).String()
	var compressed bytes.Buffer
	z := gzip.NewWriter(&compressed)
	if _, err := z.Write([]byte(layer)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	archive := write(t, []string{"b/layer.tar", "a/layer.tar", "blobs/c", "config.json", "manifest.json"}, map[string]string{
		"manifest.json": `[{"Config": "config.json", "Layers": ["a/layer.tar", "b/layer.tar", "blobs/c"]}]`,
		"config.json":   `{"architecture": "arm64", "os": "linux", "config": {"User": "1:1"}}`,
		"a/layer.tar":   layer,
		"b/layer.tar":   "->../a/layer.tar",
		"blobs/c":       compressed.String(),
	})
	c, err := Read(archive)
	if err != nil {
		t.Fatal(err)
	}
	if c.Config.Architecture != "arm64" || c.Config.Config.User != "1:1" || len(c.Layers) != 3 {
		t.Errorf("%+v, %d layers", c.Config, len(c.Layers))
	}
	for i, l := range c.Layers {
		if l.Digest != c.Layers[0].Digest || l.Size != int64(len(layer)) || l.Pulled != int64(compressed.Len()) {
			t.Errorf("layer %d: %s, %d bytes, %d compressed", i, l.Digest, l.Size, l.Pulled)
		}
		if headers, bodies, err := l.Files(); err != nil || len(headers) != 1 || headers[0].Name != "initbox" || len(bodies[0]) != 1e5 {
			t.Errorf("layer %d: %v, %v", i, headers, err)
		}
	}
	if c.Pulled() != 3*int64(compressed.Len()) {
		t.Errorf("pulled %d", c.Pulled())
	}
	if c.Over(1) != 2*int64(compressed.Len()) || c.Over(3) != 0 {
		t.Errorf("over one layer %d, over all %d", c.Over(1), c.Over(3))
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	for manifest, want := range map[string]string{
		"":   "no archive of docker save",
		`[]`: "holds 0 images",
		`[{"Config": "config.json", "Layers": ["gone"]}]`: "gone: the archive does not hold it",
	} {
		archive := write(t, []string{"config.json", "manifest.json"}, map[string]string{"manifest.json": manifest, "config.json": "{}"})
		if _, err := Read(archive); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("manifest %q: %v, want %q", manifest, err, want)
		}
	}
}
