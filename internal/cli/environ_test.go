package cli

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/tasks"
)

func testSpec(task *testTask) tasks.Spec {
	return tasks.Spec{Name: "test-task", Doc: "test things", Args: "word item...", Timeout: time.Minute, New: func() tasks.Task { return task }}
}

func TestPrecedence(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		env  []string
		want time.Duration
	}{
		{"default", nil, nil, time.Minute},
		{"for all tasks", nil, []string{"INITBOX_TIMEOUT=2m"}, 2 * time.Minute},
		{"for the task", nil, []string{"INITBOX_TIMEOUT=2m", "INITBOX_TEST_TASK_TIMEOUT=3m"}, 3 * time.Minute},
		{"flag", []string{"--timeout", "4m"}, []string{"INITBOX_TIMEOUT=2m", "INITBOX_TEST_TASK_TIMEOUT=3m"}, 4 * time.Minute},
		{"flag over a bad variable", []string{"--timeout=4"}, []string{"INITBOX_TIMEOUT=abc"}, 4 * time.Second},
		{"empty counts as unset", nil, []string{"INITBOX_TIMEOUT="}, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := newCommand(testSpec(new(testTask)))
			if err := cmd.configure(newEnviron(c.env), c.args); err != nil {
				t.Fatal(err)
			}
			if cmd.opts.timeout != c.want {
				t.Errorf("got %v, want %v", cmd.opts.timeout, c.want)
			}
		})
	}
}

// The variable for all tasks does not set a flag of the task itself.
func TestOwnFlagsAreNotShared(t *testing.T) {
	task := new(testTask)
	err := newCommand(testSpec(task)).configure(newEnviron([]string{"INITBOX_WORD=a", "INITBOX_TEST_TASK_ITEM= x y \n\nz\n"}), nil)
	if err != nil || task.Word != "" || !slices.Equal(task.Words, []string{"x y", "z"}) {
		t.Errorf("got %v, %+v", err, task)
	}
}

func TestBadValuesNameWhereTheyStand(t *testing.T) {
	cmd := newCommand(testSpec(&testTask{}))
	err := cmd.configure(newEnviron([]string{"INITBOX_TIMEOUT=abc", "INITBOX_TEST_TASK_COUNT=x"}), []string{"--log-format", "xml"})
	for _, want := range []string{`--log-format: "xml"`, `INITBOX_TIMEOUT: "abc": not a duration`, `INITBOX_TEST_TASK_COUNT: "x"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	if exitCode(err) != exitUsage {
		t.Errorf("exit code %d", exitCode(err))
	}
}

func TestPositional(t *testing.T) {
	for _, c := range []struct {
		spec string
		args []string
		word string
		list []string
		err  string
	}{
		{"word item...", []string{"a", "b", "c"}, "a", []string{"b", "c"}, ""},
		{"word item...", []string{"a"}, "a", nil, ""},
		{"word item...", []string{"--word", "x", "b", "c"}, "x", []string{"b", "c"}, ""},
		{"item... word", []string{"a", "b", "c"}, "c", []string{"a", "b"}, ""},
		{"item... word", []string{"c"}, "c", nil, ""},
		{"item... word", []string{"a", "b", "--word=x"}, "x", []string{"a", "b"}, ""},
		{"item... word", []string{"--", "-a", "--b"}, "--b", []string{"-a"}, ""},
		{"word", []string{"a", "b"}, "", nil, `unexpected argument "b"`},
		{"", []string{"a"}, "", nil, `unexpected argument "a"`},
	} {
		task := new(testTask)
		spec := testSpec(task)
		spec.Args = c.spec
		err := newCommand(spec).parse(c.args)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v: got %v, want %q", c.args, err, c.err)
			}
		case err != nil || task.Word != c.word || !slices.Equal(task.Words, c.list):
			t.Errorf("%q %v: got %v, %q, %q", c.spec, c.args, err, task.Word, task.Words)
		}
	}
}

// An Env has the environment of the process and the name of the pod.
func TestEnvOfATask(t *testing.T) {
	var seen *tasks.Env
	task := &testTask{run: func(_ context.Context, env *tasks.Env) error { seen = env.Sub(env.Log); return nil }}
	spec := testSpec(task)
	p := &Process{
		Args: []string{"test-task", "a"}, Stdout: io.Discard, Stderr: io.Discard,
		Env: []string{"INITBOX_TERMINATION_LOG=/nonexistent", "A=1", "HOSTNAME=0.0.0.0", "POD_NAMESPACE=shop"},
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range []string{host, "web-3"} {
		if code := (&App{Specs: []tasks.Spec{spec}}).Main(p); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		if value, found := seen.LookupEnv("A"); value != "1" || !found {
			t.Errorf("the variable A is %q, %v", value, found)
		}
		if seen.Pod != pod || seen.Namespace != "shop" {
			t.Errorf("the pod is %q in %q, want %q", seen.Pod, seen.Namespace, pod)
		}
		p.Env = append(p.Env, "POD_NAME=web-3")
	}
}

func TestSecretValuesAreNotShown(t *testing.T) {
	cmd := newCommand(testSpec(new(testTask)))
	f := cmd.flags.Lookup("token")
	if err := badValue("--token", f, "s3cret", context.Canceled); strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the secret is shown: %v", err)
	}
}

func TestServiceVariables(t *testing.T) {
	for name, value := range map[string]string{
		"INITBOX_SERVICE_HOST": "10.0.0.1", "INITBOX_SERVICE_PORT": "80", "INITBOX_SERVICE_PORT_HTTP": "80",
		"INITBOX_PORT": "tcp://10.0.0.1:80", "INITBOX_PORT_80_TCP": "tcp://10.0.0.1:80", "INITBOX_PORT_80_TCP_PROTO": "tcp",
		"INITBOX_PORT_80_TCP_PORT": "80", "INITBOX_PORT_80_TCP_ADDR": "10.0.0.1", "INITBOX_DEMO_PORT_53_UDP_ADDR": "10.0.0.1",
		"INITBOX_MIGRATE_DB_PORT": "tcp://10.0.0.1:5432",
	} {
		if !isServiceVariable(name, value) {
			t.Errorf("%s=%s is not known as Kubernetes' own", name, value)
		}
	}
	for name, value := range map[string]string{
		"INITBOX_MIGRATE_DB_PORT": "5432", "INITBOX_TIMEOUT": "5m", "INITBOX_PORT_X": "1", "INITBOX_WAIT_TCP_TARGET": "tcp://db:1",
	} {
		if isServiceVariable(name, value) {
			t.Errorf("%s=%s is taken for Kubernetes' own", name, value)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"wait-tcp", "wait-http", "run", "help", "migrate"}
	for in, want := range map[string]string{
		"wait-tpc": "wait-tcp", "waittcp": "wait-tcp", "wait-htp": "wait-http", "rnu": "run", "migrat": "migrate", "frobnicate": "", "migr": "migrate", "wai": "", "x": "",
	} {
		if got := nearest(in, known); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}
