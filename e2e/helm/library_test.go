package helm

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/initbox/initbox/e2e/image"
)

// A container has the fields that the tests check of what the library chart renders.
type container struct {
	Name            string           `json:"name"`
	Image           string           `json:"image"`
	Args            []string         `json:"args"`
	Env             []map[string]any `json:"env"`
	Resources       map[string]any   `json:"resources"`
	SecurityContext map[string]any   `json:"securityContext"`
	VolumeMounts    []map[string]any `json:"volumeMounts"`
}

// caller returns a helm with a chart that calls the library with the values of a test.
func caller(t *testing.T) *Helm {
	t.Helper()
	h := New(t, examples)
	if err := os.CopyFS(h.Path("caller"), os.DirFS("testdata/caller")); err != nil {
		t.Fatal(err)
	}
	h.Run(t, "dependency", "build", h.Path("caller"))
	return h
}

// call renders the one container of values.
func call(t *testing.T, h *Helm, values string) (container, string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := h.Try("template", "caller", h.Path("caller"), "-f", file)
	if err != nil {
		return container{}, out, err
	}
	var doc struct {
		InitContainers []container `json:"initContainers"`
	}
	if err := yaml.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if len(doc.InitContainers) != 1 {
		t.Fatalf("not one container:\n%s", out)
	}
	return doc.InitContainers[0], out, nil
}

func TestArgs(t *testing.T) {
	h := caller(t)
	for _, tt := range []struct {
		values string
		want   []string
	}{
		{`{template: waitTcp, options: {args: ["db:5432", "[::1]:1"], flags: {timeout: 2m, any: true, successes: 3, hold: 200ms}}}`,
			[]string{"wait-tcp", "--any=true", "--hold=200ms", "--successes=3", "--timeout=2m", "db:5432", "[::1]:1"}},
		{`{template: waitHttp, options: {flags: {url: http://a/, expect-json: [status=UP, "x=null"], fail-on: "401,403", status: 204}}}`,
			[]string{"wait-http", "--expect-json=status=UP", "--expect-json=x=null", "--fail-on=401,403", "--status=204", "--url=http://a/"}},
		{`{template: waitDb, options: {flags: {query: "SELECT 'a: b' -- \"c\" {{ .Values }}\n", no-login: false}}}`,
			[]string{"wait-db", "--no-login=false", "--query=SELECT 'a: b' -- \"c\" {{ .Values }}\n"}},
		{`{template: copyConfig, options: {args: [/config, /etc/app], flags: {max-render-size: 1048576, mode-for: ["*.key=0600"], owner: null}}}`,
			[]string{"copy-config", "--max-render-size=1048576", "--mode-for=*.key=0600", "/config", "/etc/app"}},
		{`{template: migrate, options: {flags: {baseline: 20261122193000, source: /migrations}}}`,
			[]string{"migrate", "--baseline=20261122193000", "--source=/migrations"}},
		{`{template: verifyCert, options: {args: [/tls], flags: {wait: true, dns-name: [a.example, b.example]}}}`,
			[]string{"verify-cert", "--dns-name=a.example", "--dns-name=b.example", "--wait=true", "/tls"}},
		{`{template: chown, options: {args: ["1000:1000", /data], flags: {if-root-mismatch: true, dir-mode: "2770"}}}`,
			[]string{"chown", "--dir-mode=2770", "--if-root-mismatch=true", "1000:1000", "/data"}},
		{`{template: run, options: {flags: {file: /plan/plan.yaml}}}`,
			[]string{"run", "--file=/plan/plan.yaml"}},
		{`{template: run, options: {flags: {timeout: 5m}, steps: [{task: wait-tcp, args: ["db:5432"]}, {task: wait-http, args: [http://a/], flags: {any: true}}]}}`,
			[]string{"run", "--timeout=5m", "--", "wait-tcp", "db:5432", "--", "wait-http", "--any=true", "http://a/"}},
	} {
		got, _, err := call(t, h, tt.values)
		if err != nil {
			t.Errorf("%s: %v", tt.values, err)
			continue
		}
		if !slices.Equal(got.Args, tt.want) {
			t.Errorf("%s:\n%q, want\n%q", tt.values, got.Args, tt.want)
		}
		if got.Name != tt.want[0] {
			t.Errorf("%s: the container is called %q", tt.values, got.Name)
		}
	}
}

// TestContainer: the defaults of all containers, and how to override them.
func TestContainer(t *testing.T) {
	h := caller(t)
	plain, first, err := call(t, h, `options: {args: ["db:5432"]}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, second, _ := call(t, h, `options: {args: ["db:5432"]}`); second != first {
		t.Errorf("not the same a second time:\n%s\n%s", first, second)
	}
	restricted := map[string]any{
		"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true, "runAsUser": 65532.0,
		"capabilities": map[string]any{"drop": []any{"ALL"}}, "seccompProfile": map[string]any{"type": "RuntimeDefault"},
	}
	if !reflect.DeepEqual(plain.SecurityContext, restricted) || plain.Image != image.Name || plain.Resources["limits"] == nil {
		t.Errorf("got\n%s", first)
	}
	own, out, err := call(t, h, `
initbox:
  image: {repository: registry.example:5000/tools/initbox, digest: "sha256:`+strings.Repeat("ab", 32)+`"}
  env: [{name: INITBOX_LOG_FORMAT, value: json}]
options:
  name: cache
  args: ["redis:6379"]
  env: [{name: INITBOX_TIMEOUT, value: "60"}]
  volumeMounts: [{name: a, mountPath: /a}]
  securityContext: {runAsUser: 1000}
  resources: {limits: {memory: 32Mi}}
`)
	if err != nil {
		t.Fatal(err)
	}
	if own.Name != "cache" || own.Image != "registry.example:5000/tools/initbox@sha256:"+strings.Repeat("ab", 32) ||
		len(own.Env) != 2 || own.Env[1]["value"] != "60" || len(own.VolumeMounts) != 1 ||
		own.SecurityContext["runAsUser"] != 1000.0 || own.SecurityContext["runAsNonRoot"] != true || len(own.Resources) != 1 {
		t.Errorf("got\n%s", out)
	}
	chown, out, err := call(t, h, `{template: chown, options: {args: ["1000:1000", /data], securityContext: {capabilities: {add: [CHOWN, DAC_OVERRIDE, FOWNER]}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	capabilities := map[string]any{"drop": []any{"ALL"}, "add": []any{"CHOWN", "DAC_OVERRIDE", "FOWNER"}}
	if chown.SecurityContext["runAsUser"] != 0.0 || chown.SecurityContext["runAsNonRoot"] != false ||
		chown.SecurityContext["allowPrivilegeEscalation"] != false || !reflect.DeepEqual(chown.SecurityContext["capabilities"], capabilities) {
		t.Errorf("got\n%s", out)
	}
}

// TestWrongUse: rendering the chart reports mistakes under the name that the chart's author used.
func TestWrongUse(t *testing.T) {
	h := caller(t)
	for _, tt := range []struct{ values, want string }{
		{`options: {flag: {timeout: 2m}}`, `initbox wait-tcp: there is no "flag"; what there is: name, args, flags`},
		{`options: {flags: {timeout: {minutes: 2}}}`, `initbox wait-tcp: flags.timeout is a map, not a text, number or boolean: {"minutes":2}`},
		{`options: {flags: {target: [[a]]}}`, `initbox wait-tcp: flags.target[0] is a slice`},
		{`options: {flags: {target: [null]}}`, `initbox wait-tcp: flags.target[0] is a null`},
		{`options: {flags: {--timeout: 2m}}`, `initbox wait-tcp: flags.--timeout: "--timeout" is not the name of a flag`},
		{`options: {flags: [--timeout=2m]}`, `initbox wait-tcp: flags must be a map, as in {timeout: 2m}, and is ["--timeout=2m"]`},
		{`options: {args: "db:5432"}`, `initbox wait-tcp: args must be a list, and is "db:5432"`},
		{`options: {args: [--timeout=2m]}`, `initbox wait-tcp: args[0] is "--timeout=2m": a flag belongs into flags`},
		{`options: {args: [{host: db}]}`, `initbox wait-tcp: args[0] is a map`},
		{`options: {env: {A: b}}`, `initbox wait-tcp: env must be a list, and is {"A":"b"}`},
		{`options: {name: Wait_1}`, `initbox wait-tcp: name is "Wait_1"`},
		{`options: {name: 1}`, `initbox wait-tcp: name is 1`},
		{`options: {steps: []}`, `initbox wait-tcp: there is no "steps"`},
		{`options: text`, `initbox wait-tcp: expected a map with any of name, args, flags`},
		{`options: null`, `initbox wait-tcp: expected a map`},
		{`{template: run, options: {steps: [{wait-tcp: "db:1"}]}}`, `initbox run: steps[0]: there is no "wait-tcp"; what there is: task, flags, args`},
		{`{template: run, options: {steps: [{args: ["db:1"]}]}}`, `initbox run: steps[0].task must name a task`},
		{`{template: run, options: {steps: [{task: wait-tcp, flags: {any: {}}}]}}`, `initbox wait-tcp: flags.any is a map`},
		{`{options: {args: ["db:1"]}, initbox: {image: {repository: Initbox}}}`, `/image/repository`},
	} {
		_, out, err := call(t, h, tt.values)
		if err == nil {
			t.Errorf("%s was accepted:\n%s", tt.values, out)
		} else if !strings.Contains(out, tt.want) {
			t.Errorf("%s: %s\nwant %s", tt.values, out, tt.want)
		}
	}
}
