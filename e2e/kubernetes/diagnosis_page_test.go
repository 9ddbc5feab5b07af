package kubernetes

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// groups are the chapters of the page, in their order.
var groups = []struct{ name, title string }{
	{"network", "Names, Services and ports"},
	{"http", "HTTP servers"},
	{"database", "Logging in to a database"},
	{"migrations", "Migrations"},
	{"files", "Copying and rendering files"},
	{"ownership", "Owners of volumes"},
	{"tls", "Certificates"},
	{"configuration", "Flags, variables and plans"},
	{"limits", "Limits"},
}

// parseFailure reads a file: lines "# key: value", then manifests. One of the manifests
// is a pod with the file's name.
func parseFailure(name, text string) (*failure, error) {
	f := &failure{name: name, manifest: text}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "# "), ": ")
		if !strings.HasPrefix(line, "# ") || !ok {
			break
		}
		switch key {
		case "title":
			f.title = value
		case "group":
			f.group = value
		case "says":
			f.says = append(f.says, value)
		case "exit":
			code, err := strconv.ParseInt(value, 10, 32)
			if err != nil {
				return nil, err
			}
			f.exit = int32(code)
		default:
			return nil, fmt.Errorf("unknown key %q", key)
		}
	}
	if f.title == "" || f.exit == 0 || !slices.ContainsFunc(groups, func(g struct{ name, title string }) bool { return g.name == f.group }) {
		return nil, fmt.Errorf("title %q, group %q, exit %d: each must be there", f.title, f.group, f.exit)
	}
	for _, document := range strings.Split(text, "\n---\n") {
		if !strings.Contains(document, "\nkind: Pod\n") {
			f.objects = append(f.objects, document)
			continue
		}
		if err := yaml.UnmarshalStrict([]byte(document), &f.pod); err != nil {
			return nil, err
		}
	}
	if f.pod.Name != name {
		return nil, fmt.Errorf("the pod is %q, not %q", f.pod.Name, name)
	}
	return f, nil
}

// comparePage fails the test unless the page shows the messages of the failures, apart
// from what differs from run to run.
func comparePage(t *testing.T, failures []*failure) {
	page := renderPage(failures)
	was, err := os.ReadFile(diagnosisPage)
	if err == nil && settled(string(was)) == settled(page) {
		return
	}
	if os.Getenv(updateVariable) == "" {
		t.Errorf("%s is not what the cluster shows (%v): run make update-diagnosis, or see what has changed:\n%s", diagnosisPage, err, firstDifference(settled(string(was)), settled(page)))
		return
	}
	if err := os.MkdirAll(filepath.Dir(diagnosisPage), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(diagnosisPage, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
}

// varying is what differs from run to run, or from cluster to cluster.
var varying = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\(after \d+ attempts?\)`), "(after N attempts)"},
	{regexp.MustCompile(`\b(\d+(\.\d+)?(ms|s|m))+\b`), "TIME"},
	{regexp.MustCompile(`\b\d+\.\d+\.\d+\.\d+\b`), "ADDRESS"},
	// A port that a Service does not have: each cluster treats packets to it in its own way.
	{regexp.MustCompile(`(no route to|no answer from) ADDRESS[^(\n]*`), "no answer "},
	{regexp.MustCompile(`next: if it is a Service, .*`), "next: look at the Service"},
	{regexp.MustCompile(`\bserial [0-9a-f]+`), "serial NUMBER"},
	{regexp.MustCompile(`\(process \d+`), "(process NUMBER"},
	{regexp.MustCompile(`signed by CN=[^,]*, not`), "signed by CA, not"},
	{regexp.MustCompile(`is for kubernetes[^;]* not for`), "is for NAMES, not for"},
}

func settled(page string) string {
	for _, v := range varying {
		page = v.what.ReplaceAllString(page, v.as)
	}
	return page
}

// firstDifference returns the first lines that differ: with - those of the old page,
// with + those of the new page.
func firstDifference(was, is string) string {
	a, b := strings.Split(was, "\n"), strings.Split(is, "\n")
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	text := fmt.Sprintf("line %d", i+1)
	for _, line := range a[i:min(i+3, len(a))] {
		text += "\n-" + line
	}
	for _, line := range b[i:min(i+3, len(b))] {
		text += "\n+" + line
	}
	return text
}

const pageHead = `<!-- Written by make update-diagnosis from what a real cluster shows. Do not edit. -->

# Troubleshooting

A pod hangs in ` + "`Init:0/1` or shows `Init:Error`" + `: ask for the message of its init container.

    kubectl describe pod POD     # State or Last State: Terminated, Message

It names the task, what it was about, the cause and the next step. Each of the %d failures below was made to happen in
a Kubernetes cluster by the manifest that its title leads to, and shows what the pod said then. Numbers and addresses
are those of that run. More is in the log: ` + "`kubectl logs POD -c CONTAINER`" + `.

| exit code | meaning |
| --- | --- |
| 1 | failed, a retry may help |
| 2 | usage or configuration is wrong, nothing was touched |
| 3 | failed for good, a retry cannot help |
| 124 | the deadline passed |

`

func renderPage(failures []*failure) string {
	var b strings.Builder
	fmt.Fprintf(&b, pageHead, len(failures))
	for _, g := range groups {
		fmt.Fprintf(&b, "- [%s](#%s)\n", g.title, anchor(g.title))
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n", g.title)
		for _, f := range failures {
			if f.group == g.name {
				f.render(&b)
			}
		}
	}
	return b.String()
}

// anchor returns the anchor that GitHub gives a title.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == ',':
			return -1
		}
		return r
	}, strings.ToLower(title))
}

func (f *failure) render(b *strings.Builder) {
	fmt.Fprintf(b, "\n### [%s](../e2e/kubernetes/%s/%s.yaml)\n\n", f.title, diagnosisFolder, f.name)
	command := "initbox"
	for _, arg := range f.init().Args {
		if strings.ContainsAny(arg, " '${}&|;<>*") {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		command += " " + arg
	}
	var env strings.Builder
	for _, v := range f.init().Env {
		fmt.Fprintf(&env, "%s=%q ", v.Name, v.Value)
	}
	fmt.Fprintf(b, "```sh\n%s%s\n```\n\n```\n%s\n```\n", env.String(), command, strings.TrimRight(f.end.Message, "\n"))
}
