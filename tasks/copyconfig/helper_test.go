package copyconfig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/files/atomicfile"
	"github.com/initbox/initbox/internal/testkit/testtask"
	"github.com/initbox/initbox/tasks"
)

// Some tests need a process of their own: to be killed, with other rights, with
// mounts of its own. They start this binary again with one of these variables.
const (
	asTask     = "INITBOX_TEST_TASK"     // a Task as JSON: it is run
	asScenario = "INITBOX_TEST_SCENARIO" // the name of a scenario, and its directory
)

func TestMain(m *testing.M) {
	var err error
	switch text, name := os.Getenv(asTask), os.Getenv(asScenario); {
	case text != "":
		task := new(Task)
		if err = json.Unmarshal([]byte(text), task); err == nil {
			fmt.Println("begin")
			err = testtask.Run(context.Background(), task).Err
		}
	case name != "":
		name, dir, _ := strings.Cut(name, ":")
		err = scenarios[name](dir)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err, "\nnext:", tasks.NextOf(err))
		os.Exit(1)
	}
}

// long reports whether the tests that take minutes shall take them.
func long() bool { return os.Getenv("INITBOX_TEST_LONG") == "1" }

// taskCommand returns a process that runs task.
func taskCommand(t *testing.T, task *Task) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	return testtask.Again(asTask, string(text))
}

// copyTask returns a Task for a copy, changed by with.
func copyTask(src, dst string, with func(*Task)) *Task {
	t := New()
	t.Sources, t.Destination = []string{src}, dst
	if with != nil {
		with(t)
	}
	return t
}

// mustRun runs task, which must succeed with this many changes; -1 for any. with
// shapes its Env before.
func mustRun(t *testing.T, task *Task, changes int64, with ...func(*tasks.Env)) testtask.Outcome {
	t.Helper()
	o := testtask.Run(t.Context(), task, with...)
	if o.Err != nil || changes >= 0 && o.Changes != changes {
		t.Fatalf("%d changes, want %d\n%s", o.Changes, changes, o.Text())
	}
	return o
}

// environ gives an Env these variables.
func environ(variables ...string) func(*tasks.Env) {
	return func(env *tasks.Env) { env.Environ = variables }
}

// A tree is files and their contents by path; a directory has a "/" at its end.
type tree map[string]string

// write makes the tree in dir, which it makes too.
func (tr tree) write(t *testing.T, dir string) string {
	t.Helper()
	for path, content := range tr {
		full := filepath.Join(dir, path)
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		if strings.HasSuffix(path, "/") {
			err = os.MkdirAll(full, 0o755)
		} else if target, ok := strings.CutPrefix(content, "-> "); ok && err == nil {
			err = os.Symlink(target, full)
		} else if err == nil {
			err = os.WriteFile(full, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// readTree returns what is in dir: links as "-> target", directories only where
// they are empty. Manifests are left out.
func readTree(dir string) (tree, error) {
	tr := make(tree)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		switch {
		case strings.HasPrefix(d.Name(), manifestPrefix):
		case d.IsDir():
			if entries, err := os.ReadDir(path); err == nil && len(entries) == 0 {
				tr[rel+"/"] = ""
			}
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			tr[rel] = "-> " + target
			return err
		default:
			data, err := os.ReadFile(path)
			tr[rel] = string(data)
			return err
		}
		return nil
	})
	return tr, err
}

// want fails the test unless dir holds exactly tr.
func (tr tree) want(t *testing.T, dir string) {
	t.Helper()
	got, err := readTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := tr.diff(got); diff != "" {
		t.Fatalf("%s:\n%s", dir, diff)
	}
}

// diff says how got differs from tr, "" if it does not.
func (tr tree) diff(got tree) string {
	var b strings.Builder
	for path, content := range tr {
		if have, ok := got[path]; !ok {
			fmt.Fprintf(&b, "%q is missing\n", path)
		} else if have != content {
			fmt.Fprintf(&b, "%q has %.80q, want %.80q\n", path, have, content)
		}
	}
	for path := range got {
		if _, ok := tr[path]; !ok {
			fmt.Fprintf(&b, "%q should not be there\n", path)
		}
	}
	return b.String()
}

// noTemps returns an error if a temporary file or directory is left in dir.
func noTemps(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && atomicfile.IsTemp(d.Name()) {
			return fmt.Errorf("%s was left behind", path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// eventually waits until ok, for at most a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("still not: " + what)
		}
	}
}
