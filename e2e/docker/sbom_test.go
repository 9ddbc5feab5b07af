package docker

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/initbox/initbox/e2e/internal/command"
)

// sbom is what make sbom writes for the binary of a clone of the repository.
func sbom(t *testing.T, root string) string {
	t.Helper()
	// If make runs this test, its flags are not meant for this make.
	_, err := command.Command{Folder: root, Env: []string{"MAKEFLAGS=", "MAKELEVEL=0"}, Args: []string{"make", "sbom"}}.Output(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return read(t, filepath.Join(root, "bin", "linux-"+runtime.GOARCH, "initbox.cdx.json"))
}

func TestModulesAreListed(t *testing.T) {
	written := sbom(t, shared.root)
	fits(t, written)

	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(strings.NewReader(written), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(filepath.Join(shared.root, "bin", "linux-"+runtime.GOARCH, "initbox"))
	if err != nil {
		t.Fatal(err)
	}
	if main := bom.Metadata.Component; main.Name != info.Main.Path || main.Version != git(t, "describe", "--tags", "--always", "--dirty") {
		t.Errorf("the application is %s %s", main.Name, main.Version)
	}
	modules := map[string]string{"std " + info.GoVersion: ""}
	for _, m := range info.Deps {
		modules[m.Path+" "+m.Version] = m.Sum
	}
	listed := map[string]string{}
	for _, c := range *bom.Components {
		listed[c.Name+" "+c.Version] = ""
		if c.Hashes == nil {
			continue
		}
		raw, err := hex.DecodeString((*c.Hashes)[0].Value)
		if err != nil {
			t.Fatal(err)
		}
		listed[c.Name+" "+c.Version] = "h1:" + base64.StdEncoding.EncodeToString(raw)
	}
	if !maps.Equal(modules, listed) {
		t.Errorf("listed:\n%v\ngo version -m:\n%v", listed, modules)
	}
}

// fits checks a document against the schema that CycloneDX publishes, in the files of its Go module.
func fits(t *testing.T, document string) {
	t.Helper()
	const module = "github.com/CycloneDX/cyclonedx-go"
	folder, err := command.Output(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(files(filepath.Join(strings.TrimSpace(folder), "schema")))
	schema, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(parsed); err != nil {
		t.Error(err)
	}
	// A schema that accepts everything would accept this too.
	parsed.(map[string]any)["specVersion"] = 1.6
	if schema.Validate(parsed) == nil {
		t.Error("the schema takes a number as specVersion")
	}
}

// files is the folder of the schemas, whatever path their URLs have.
type files string

func (f files) Load(url string) (any, error) {
	name := path.Base(url)
	if name == "jsf-0.82.schema.json" {
		name = "jsf-0.82.schemax.json" // its name in the module
	}
	file, err := os.Open(filepath.Join(string(f), name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return jsonschema.UnmarshalJSON(io.Reader(file))
}
