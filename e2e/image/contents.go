package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"
)

// Contents are the contents of one image in an archive of docker save.
type Contents struct {
	Config Config
	Layers []Layer // the layers of the base image come first
}

// A Config has the fields of an image's configuration that we use.
type Config struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Config       struct {
		User       string
		Entrypoint []string
		Env        []string
		WorkingDir string
		Labels     map[string]string
	} `json:"config"`
}

// A Layer is one layer with its sizes in bytes.
type Layer struct {
	Digest string // of the layer before compression
	Size   int64  // before compression
	Pulled int64  // compressed, as registries store it
	raw    []byte
}

// Pulled returns the bytes to download for a node without any layer of the image.
func (c Contents) Pulled() int64 { return c.Over(0) }

// Over returns the bytes to download for a node that has the first layers of the image, those of its base.
func (c Contents) Over(base int) int64 {
	var sum int64
	for _, l := range c.Layers[base:] {
		sum += l.Pulled
	}
	return sum
}

// Files lists what the layer holds, with the bytes of each file.
func (l Layer) Files() (headers []*tar.Header, bodies [][]byte, err error) {
	for r := tar.NewReader(bytes.NewReader(l.raw)); ; {
		header, err := r.Next()
		if err == io.EOF {
			return headers, bodies, nil
		} else if err != nil {
			return nil, nil, err
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return nil, nil, err
		}
		headers, bodies = append(headers, header), append(bodies, body)
	}
}

// Read reads an archive of docker save.
func Read(archive io.Reader) (Contents, error) {
	var c Contents
	files, err := unpack(archive)
	if err != nil {
		return c, err
	}
	var manifest []struct {
		Config string
		Layers []string
	}
	if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil {
		return c, fmt.Errorf("this is no archive of docker save: manifest.json: %w", err)
	}
	if len(manifest) != 1 {
		return c, fmt.Errorf("the archive holds %d images: save one", len(manifest))
	}
	if err := json.Unmarshal(files[manifest[0].Config], &c.Config); err != nil {
		return c, fmt.Errorf("%s: %w", manifest[0].Config, err)
	}
	for _, name := range manifest[0].Layers {
		layer, err := weigh(files[name])
		if err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
		c.Layers = append(c.Layers, layer)
	}
	return c, nil
}

// unpack returns the files of an archive, where equal layers are links.
func unpack(archive io.Reader) (map[string][]byte, error) {
	files, links := map[string][]byte{}, map[string]string{}
	for r := tar.NewReader(archive); ; {
		header, err := r.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		if header.Typeflag == tar.TypeSymlink {
			links[header.Name] = path.Join(path.Dir(header.Name), header.Linkname)
			continue
		}
		if files[header.Name], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
	for name, target := range links {
		files[name] = files[target]
	}
	return files, nil
}

// weigh measures a layer. Some engines save layers compressed, as they push them.
func weigh(saved []byte) (Layer, error) {
	if len(saved) == 0 {
		return Layer{}, fmt.Errorf("the archive does not hold it")
	}
	l := Layer{raw: saved, Pulled: int64(len(saved))}
	if z, err := gzip.NewReader(bytes.NewReader(saved)); err == nil {
		if l.raw, err = io.ReadAll(z); err != nil {
			return Layer{}, err
		}
	} else {
		// docker push uses the default level too.
		var compressed bytes.Buffer
		z := gzip.NewWriter(&compressed)
		if _, err := z.Write(saved); err != nil {
			return Layer{}, err
		}
		if err := z.Close(); err != nil {
			return Layer{}, err
		}
		l.Pulled = int64(compressed.Len())
	}
	sum := sha256.Sum256(l.raw)
	l.Size, l.Digest = int64(len(l.raw)), "sha256:"+hex.EncodeToString(sum[:])
	return l, nil
}
