package kubernetes

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/initbox/initbox/e2e/kube"
)

const (
	diagnosisFolder = "testdata/diagnosis"
	diagnosisPage   = "../../docs/troubleshooting.md"
	// updateVariable makes the test write the page instead of comparing it.
	updateVariable = "INITBOX_E2E_UPDATE"
	// batchSize is how many failures run at the same time.
	batchSize = 10
	// maxMessage is the limit of a termination message, in bytes.
	maxMessage = 1024
)

// Each failure of testdata/diagnosis happens on the cluster. Its termination message
// must say enough by itself, and is part of the troubleshooting page.
func TestDiagnosis(t *testing.T) {
	t.Parallel()
	c := kube.New(t)
	failures := readFailures(t)
	if n := len(failures); n < 40 {
		t.Fatalf("%d failures, want 40 or more", n)
	}
	spaces := map[kube.Level]*kube.Namespace{}
	for _, level := range []kube.Level{kube.Restricted, kube.Baseline} {
		spaces[level] = c.Namespace(t, level)
	}
	setUp(t, spaces[kube.Restricted], failures)
	for batch := range slices.Chunk(failures, batchSize) {
		for level, ns := range spaces {
			var manifests []string
			for _, f := range batch {
				if f.level() == level {
					manifests = append(manifests, f.manifest)
				}
			}
			if len(manifests) > 0 {
				ns.Apply(t, strings.Join(manifests, "\n---\n"))
			}
		}
		for _, f := range batch {
			f.end = spaces[f.level()].WaitEnd(t, f.name, "init")
		}
	}
	for _, f := range failures {
		t.Run(f.name, f.check)
	}
	t.Run("kubectl describe", func(t *testing.T) {
		for level, ns := range spaces {
			wantDescribed(t, describeAll(t, ns), slices.DeleteFunc(slices.Clone(failures), func(f *failure) bool { return f.level() != level }))
		}
	})
	if t.Failed() && os.Getenv(updateVariable) != "" {
		t.Fatalf("%s stays as it was: what failed must not be in it", diagnosisPage)
	}
	t.Run("page", func(t *testing.T) { comparePage(t, failures) })
}

// describedName is the first line of each pod in the output of kubectl describe.
var describedName = regexp.MustCompile(`(?m)^Name: +(\S+)$`)

// describeAll returns the output of kubectl describe for each pod of the namespace.
func describeAll(t *testing.T, ns *kube.Namespace) map[string]string {
	t.Helper()
	all := kubectl(t, ns, "describe", "pods")
	pods := map[string]string{}
	starts := describedName.FindAllStringSubmatchIndex(all, -1)
	for i, at := range starts {
		end := len(all)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		pods[all[at[2]:at[3]]] = all[at[0]:end]
	}
	return pods
}

// wantDescribed fails for each message that kubectl describe does not show unchanged.
func wantDescribed(t *testing.T, pods map[string]string, failures []*failure) {
	t.Helper()
	for _, f := range failures {
		shown := regexp.MustCompile(`\bMessage: +` + regexp.QuoteMeta(f.end.Message))
		if !shown.MatchString(pods[f.name]) {
			t.Errorf("of pod %s it lacks\n%s\nin\n%s", f.name, f.end.Message, pods[f.name])
		}
	}
}

// setUp starts the servers that the failures need. It creates the Services first,
// because each node needs a moment to know them.
func setUp(t *testing.T, ns *kube.Namespace, failures []*failure) {
	t.Helper()
	objects := []string{secretManifests(diagnosisSecrets(t))}
	for _, f := range failures {
		if f.level() == kube.Restricted {
			objects = append(objects, f.objects...)
		}
	}
	ns.Apply(t, strings.Join(objects, "\n---\n"))
	ns.ApplyFiles(t, filepath.Join(diagnosisFolder, "setup.yaml"))
	for _, pod := range []string{"postgres", "postgres-tls", "mariadb", "web"} {
		ns.WaitPod(t, pod, kube.Ready)
	}
}

// A failure is one file of testdata/diagnosis.
type failure struct {
	name     string // of the file and its pod
	title    string // what is wrong
	group    string // its chapter on the page
	exit     int32
	says     []string // texts that the message must have, besides the task's name and a next step
	manifest string   // the whole file
	objects  []string // its documents without the pod
	pod      corev1.Pod
	end      *corev1.ContainerStateTerminated
}

// level is the strictest level that admits the pod: failures of ownership need root.
func (f *failure) level() kube.Level {
	if f.group == "ownership" {
		return kube.Baseline
	}
	return kube.Restricted
}

// init returns the container that fails.
func (f *failure) init() *corev1.Container {
	i := slices.IndexFunc(f.pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == "init" })
	return &f.pod.Spec.InitContainers[i]
}

// secret is a text that only the passwords and tokens of testdata/diagnosis contain.
var secret = regexp.MustCompile(`-(8QzK|3vTn|5LwC)`)

func (f *failure) check(t *testing.T) {
	message := f.end.Message
	if f.end.ExitCode != f.exit {
		t.Errorf("exit code %d, want %d", f.end.ExitCode, f.exit)
	}
	if args := f.init().Args; len(args) > 0 && f.name != "unknown-task" && !strings.HasPrefix(message, args[0]+": ") {
		t.Errorf("the message does not begin with the task %s", args[0])
	}
	for _, part := range append([]string{"\ncause: ", "\nnext: "}, f.says...) {
		if !strings.Contains(message, part) {
			t.Errorf("the message lacks %q", part)
		}
	}
	if len(f.says) < 3 {
		t.Errorf("%s/%s.yaml says %d parts, want object, cause and next step at least", diagnosisFolder, f.name, len(f.says))
	}
	if len(message) > maxMessage {
		t.Errorf("the message has %d bytes, more than %d", len(message), maxMessage)
	}
	if secret.MatchString(message) {
		t.Error("the message has a secret in it")
	}
	if t.Failed() {
		t.Logf("the message (%s):\n%s", f.end.Reason, message)
	}
}

func readFailures(t *testing.T) []*failure {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(diagnosisFolder, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all []*failure
	for _, file := range files {
		if filepath.Base(file) == "setup.yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parseFailure(strings.TrimSuffix(filepath.Base(file), ".yaml"), string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, f)
	}
	return all
}
