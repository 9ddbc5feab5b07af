package helm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const examples = "../../examples/helm"

// shop returns a helm whose chart shop has its dependency built.
func shop(t *testing.T) *Helm {
	t.Helper()
	h := New(t, examples)
	h.Run(t, "dependency", "build", h.Path("shop"))
	return h
}

func tryOut(h *Helm) string { return filepath.Join(h.Path("shop"), "ci", "try-out-values.yaml") }

func TestLint(t *testing.T) {
	h := shop(t)
	h.Run(t, "lint", "--strict", h.Path("initbox"))
	h.Run(t, "lint", "--strict", h.Path("shop"), "-f", tryOut(h))
	h.Run(t, "lint", "--strict", h.Path("shop"), "--set", "database.host=db.example,database.existingSecret=shop-db")
}

// TestDependencyIsOffline: a file:// dependency needs no repository, and nothing that the build makes is committed.
func TestDependencyIsOffline(t *testing.T) {
	for _, generated := range []string{"charts", "Chart.lock"} {
		if _, err := os.Stat(filepath.Join(examples, "shop", generated)); err == nil {
			t.Errorf("examples/helm/shop/%s is there: it is made by helm dependency build, and .gitignore names it", generated)
		}
	}
	h := New(t, examples)
	h.env = append(h.env, "http_proxy=http://127.0.0.1:9", "https_proxy=http://127.0.0.1:9")
	h.Run(t, "dependency", "build", h.Path("shop"))
	if _, err := os.Stat(filepath.Join(h.Path("shop"), "charts", "initbox-0.1.0.tgz")); err != nil {
		t.Error(err)
	}
}

// TestSchema: helm refuses a wrong value before anything reaches the cluster, with a
// message that says where the value is.
func TestSchema(t *testing.T) {
	h := shop(t)
	for _, tt := range []struct{ set, want string }{
		{"replica=3", "replica"},
		{"replicas=two", "/replicas"},
		{"replicas=-1", "/replicas"},
		{"replicas=null", "replicas"},
		{"image=", "/image"},
		{"title=", "/title"},
		{"database.hots=db", "hots"},
		{"database.port=0", "/database/port"},
		{"database.port=5433", "/database/port"},         // the PostgreSQL of the chart listens on 5432
		{"database.host=db.example", "/database/host"},   // and has no other host
		{"postgres.enabled=false", "/database/host"},     // without the chart's PostgreSQL, a host is needed
		{"database.password=", "/database"},              // neither password nor Secret
		{"database.existingSecret=Up", "existingSecret"}, // not a valid name of a Secret
		{"postgres.enabled=maybe", "/postgres/enabled"},
		{"migrate.flags.--strict=true", "--strict"},
		{"migrate.flags.timeout.minutes=2", "/migrate/flags/timeout"},
		{"migrate.timeout=2m", "timeout"},
		{"extraInitContainers[0].name=x", "image"},
		{"initbox.image.tag=", "/image"},
		{"initbox.image.tag=110", "/image/tag"}, // a number: 1.10 in a file would become the tag 1.1
		{"initbox.image.digest=abc", "/image/digest"},
		{"initbox.image.pullPolicy=Sometimes", "/image/pullPolicy"},
		{"initbox.images.tag=1", "images"},
		{"initbox.env[0].title=A", "title"},
	} {
		out, err := h.Try("template", "shop", h.Path("shop"), "-f", tryOut(h), "--set", tt.set)
		if err == nil {
			t.Errorf("--set %s was accepted", tt.set)
		} else if !strings.Contains(out, "meet the specifications of the schema") || !strings.Contains(out, tt.want) {
			t.Errorf("--set %s: %s\nwant the schema to name %s", tt.set, out, tt.want)
		}
	}
}

// TestChecksums: a change of a migration or of the page changes the template of the
// pods, and no other change of the chart does.
func TestChecksums(t *testing.T) {
	h := shop(t)
	render := func() string {
		return h.Run(t, "template", "shop", h.Path("shop"), "-f", tryOut(h), "--show-only", "templates/deployment.yaml")
	}
	pods := func() string {
		_, template, _ := strings.Cut(render(), "  template:\n")
		return template
	}
	first := pods()
	if !strings.Contains(first, "checksum/migrations") || pods() != first {
		t.Fatalf("not the same a second time, or without checksum:\n%s", first)
	}
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(h.Path("shop"), name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	chart, err := os.ReadFile(filepath.Join(h.Path("shop"), "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write("Chart.yaml", strings.Replace(string(chart), "\nversion: 0.1.0", "\nversion: 0.1.1", 1))
	if got := render(); !strings.Contains(got, "shop-0.1.1") {
		t.Fatalf("the version of the chart is not there:\n%s", got)
	}
	if got := pods(); got != first {
		t.Errorf("another version of the chart changed the pods:\n%s", got)
	}
	write("migrations/2_add_price.up.sql", "ALTER TABLE orders ADD COLUMN price int;\n")
	second := pods()
	if second == first {
		t.Error("a new migration did not change the pods")
	}
	write("files/index.html", "changed")
	if pods() == second {
		t.Error("a changed page did not change the pods")
	}
}
