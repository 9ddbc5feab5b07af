package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/initbox/initbox/e2e/kube"
)

// A fault makes an example fail as its page shows.
type fault struct {
	edits     []edit
	without   string // a file that is not applied
	pods      string // label of the pods that fail; app=shop if empty
	container string // the container that fails; the example's init container if empty
}

// An edit replaces a text in a file.
type edit struct{ file, from, to string }

// in changes the file in folder, a copy of the example.
func (e edit) in(t *testing.T, folder string) {
	t.Helper()
	file := filepath.Join(folder, e.file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), e.from); n != 1 {
		t.Fatalf("%s has %q %d times, want once", file, e.from, n)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), e.from, e.to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestExampleFaults makes the examples fail and compares the messages in kubectl
// describe pod with those on their pages.
func TestExampleFaults(t *testing.T) {
	cluster := kube.New(t)
	for _, e := range examples {
		shown := messagesOf(t, e.path("README.md"))
		if len(shown) != len(e.faults) {
			t.Fatalf("the page of %s shows %d messages, the test makes %d faults", e.folder, len(shown), len(e.faults))
		}
		for i, f := range e.faults {
			t.Run(fmt.Sprintf("%s/%d", e.folder, i+1), func(t *testing.T) {
				t.Parallel()
				ns := cluster.Namespace(t, e.podSecurity())
				folder := f.prepare(t, e)
				faulty := e // the faults run side by side, each with its own files
				faulty.files = slices.DeleteFunc(slices.Clone(e.files), func(file string) bool { return file == f.without })
				faulty.apply(t, ns, folder)
				f.await(t, ns, e, shown[i])
			})
		}
	}
}

// prepare returns a copy of the example's folder that has the fault.
func (f fault) prepare(t *testing.T, e example) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(e.path(""))); err != nil {
		t.Fatal(err)
	}
	for _, edit := range f.edits {
		edit.in(t, folder)
	}
	return folder
}

// await waits until a pod's message is want. The first attempt may fail in another way:
// a deadline of seconds may pass while the stand-ins are still starting.
func (f fault) await(t *testing.T, ns *kube.Namespace, e example, want string) {
	t.Helper()
	selector, container := f.pods, f.container
	if selector == "" {
		selector = "app=shop"
	}
	if container == "" {
		container = e.init
	}
	kube.Eventually(t, "the message of the page", func(ctx context.Context) error {
		list, err := ns.CoreV1().Pods(ns.Name).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			return err
		}
		err = errors.New("there is no pod")
		for i := range list.Items {
			state, unended := kube.Terminated(&list.Items[i], container)
			if unended != nil {
				err = unended
				continue
			}
			if got := normalize(fmt.Sprintf("%s\nExit Code: %d", state.Message, state.ExitCode)); got != want {
				err = fmt.Errorf("a pod says\n%s\nthe page says\n%s", got, want)
				continue
			}
			return nil
		}
		return err
	})
}

var (
	cannotGoOn = regexp.MustCompile(`(?s)\n## When it cannot go on\n(.*)`)
	message    = regexp.MustCompile("(?s)```\n[^`]*?Message: +(.*?)```")
	changing   = []struct {
		pattern *regexp.Regexp
		by      string
	}{
		{regexp.MustCompile(`failed after [0-9.]+m?s|done in [0-9.m]+s`), "took TIME"},
		{regexp.MustCompile(`after \d+ attempts?`), "after N attempts"},
		{regexp.MustCompile(`\b10\.\d+\.\d+\.\d+\b`), "ADDRESS"},
		{regexp.MustCompile(`serial [0-9a-f]+`), "serial S"},
		{regexp.MustCompile(`(?m)^ +`), ""},
		{regexp.MustCompile(` +`), " "},
		{regexp.MustCompile(`\n\n+`), "\n"},
	}
)

// messagesOf returns the messages of containers on the page, without what differs each
// time.
func messagesOf(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	section := cannotGoOn.FindStringSubmatch(string(text))
	if section == nil {
		t.Fatalf("%s has no section %q", page, "When it cannot go on")
	}
	var all []string
	for _, m := range message.FindAllStringSubmatch(section[1], -1) {
		all = append(all, normalize(m[1]))
	}
	return all
}

func normalize(s string) string {
	for _, c := range changing {
		s = c.pattern.ReplaceAllString(s, c.by)
	}
	return strings.TrimSpace(s)
}
