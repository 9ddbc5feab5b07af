package debimage

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// An imageConfig describes the processes that an image starts, in the format of the OCI.
type imageConfig struct {
	User         string              `json:",omitempty"`
	ExposedPorts map[string]struct{} `json:",omitempty"`
	Env          []string
	Entrypoint   []string            `json:",omitempty"`
	Cmd          []string            `json:",omitempty"`
	Volumes      map[string]struct{} `json:",omitempty"`
	WorkingDir   string              `json:",omitempty"`
	StopSignal   string              `json:",omitempty"`
}

// write writes an archive like docker save: a layer, the image's configuration, and a manifest that names both.
func (r recipe) write(file string, t *tree) error {
	var layer bytes.Buffer
	if err := t.write(&layer); err != nil {
		return err
	}
	diffID := digest(layer.Bytes())
	image, err := json.Marshal(map[string]any{
		"architecture": r.arch,
		"os":           "linux",
		"created":      t.newest.UTC().Format(time.RFC3339),
		"config":       r.config,
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + diffID}},
		"history":      []map[string]string{{"created_by": "initbox debimage"}},
	})
	if err != nil {
		return err
	}
	imageFile, layerFile := digest(image)+".json", diffID+"/layer.tar"
	manifest, err := json.Marshal([]map[string]any{{
		"Config": imageFile, "RepoTags": []string{r.name}, "Layers": []string{layerFile},
	}})
	if err != nil {
		return err
	}

	archive := newTree()
	archive.newest = t.newest
	archive.file("manifest.json", 0o644, string(manifest))
	archive.file(imageFile, 0o644, string(image))
	archive.set(tar.Header{Typeflag: tar.TypeReg, Name: layerFile, Mode: 0o644, Size: int64(layer.Len())}, layer.String())
	return replace(file, archive)
}

// Program writes the archive of an image that contains only a static program, and runs it.
func Program(file, image, program string) error {
	body, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	t, name := newTree(), filepath.Base(program)
	t.newest = time.Unix(0, 0)
	t.file(name, 0o755, string(body))
	r := recipe{name: image, arch: runtime.GOARCH, config: imageConfig{User: "65532:65532", Entrypoint: []string{"/" + name}}}
	return r.write(file, t)
}

// replace writes a file under another name and then renames it: every reader finds a whole file.
func replace(file string, archive *tree) error {
	temp, err := os.CreateTemp(filepath.Dir(file), ".archive-")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	if err := archive.write(temp); err != nil {
		return err
	}
	if err := temp.Chmod(0o644); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
