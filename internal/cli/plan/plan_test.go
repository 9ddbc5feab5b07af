package plan

import (
	"reflect"
	"strings"
	"testing"
)

func env(name string) (string, bool) {
	v, ok := map[string]string{"HOST": "db", "EMPTY": "", "TRICKY": "a: [b, ${HOST}]"}[name]
	return v, ok
}

func TestParse(t *testing.T) {
	const file = `
timeout: 10m
steps:
  - name: database
    wait-tcp:
      target: ["${HOST}:5432", "x$$y"]
      successes: 2
  - wait-http: http://${HOST}/healthz
  - wait-tcp: [a:1, "${TRICKY}"]
`
	got, err := Parse("plan.yaml", []byte(file), env)
	if err != nil {
		t.Fatal(err)
	}
	want := &Plan{
		Timeout: &Value{"10m", "10m", 2},
		Steps: []Step{
			{Name: "database", Task: "wait-tcp", Line: 5, Fields: []Field{
				{Key: "target", Line: 6, List: true, Values: []Value{{"db:5432", "${HOST}:5432", 6}, {"x$y", "x$$y", 6}}},
				{Key: "successes", Line: 7, Values: []Value{{"2", "2", 7}}},
			}},
			{Task: "wait-http", Line: 8, Words: []Value{{"http://db/healthz", "http://${HOST}/healthz", 8}}},
			{Task: "wait-tcp", Line: 9, Words: []Value{{"a:1", "a:1", 9}, {"a: [b, ${HOST}]", "${TRICKY}", 9}}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseByteOrderMark(t *testing.T) {
	if _, err := Parse("p", []byte("\ufeffsteps:\r\n- a: b\r\n"), env); err != nil {
		t.Error(err)
	}
}

func TestParseJSON(t *testing.T) {
	got, err := Parse("plan.json", []byte(`{"steps": [{"wait-tcp": {"target": "db:5432", "any": true}}]}`), env)
	if err != nil {
		t.Fatal(err)
	}
	if f := got.Steps[0].Fields; len(f) != 2 || f[1].Values[0].Text != "true" {
		t.Errorf("got %+v", f)
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "p:1: the plan is empty"},
		{"only a comment", "# nothing\n", "p:1: the plan is empty"},
		{"not a mapping", "- a\n- b\n", `p:1: a plan is a mapping with the key "steps", this is a list`},
		{"a scalar", "\n\nhello", "p:3: a plan is a mapping"},
		{"syntax", "steps:\n  - a: [b\n", "p:2: not valid YAML"},
		{"tab", "steps:\n\t- a: b\n", "p:2: not valid YAML"},
		{"no steps key", "timeout: 1s\n", `p:1: the plan has no "steps"`},
		{"no step", "steps: []\n", "p:1: the plan has no step"},
		{"steps is empty", "steps:\n", `p:1: "steps" must be a list`},
		{"unknown key", "stages: []\nsteps: [{a: b}]", `p:1: unknown key "stages"`},
		{"duplicate key", "steps:\n- a:\n    x: 1\n    x: 2\n", `p:4: not valid YAML: mapping key "x" already defined at [3:5]`},
		{"duplicate top key", "steps: [{a: b}]\nsteps: [{a: b}]\n", `p:2: not valid YAML: mapping key "steps" already defined`},
		{"two tasks", "steps:\n- a: 1\n  b: 2\n", `p:3: a step has one task, this one has "a" and "b"`},
		{"no task", "steps:\n- name: x\n", "p:2: the step names no task"},
		{"step is a word", "steps:\n- wait-tcp\n", "p:2: a step is a mapping"},
		{"no value", "steps:\n- a:\n    x:\n", `p:3: "x" has no value`},
		{"nested", "steps:\n- a:\n    x: {y: z}\n", `p:3: "x" wants a single value, this is a mapping`},
		{"unset variable", "steps:\n- a:\n    x: 1\n    y: ${NOPE}\n", `p:4: "y": the variable NOPE is not set`},
		{"lone dollar", "steps:\n- a: $HOME\n", `p:2: "a": a lone "$"`},
		{"open brace", "steps:\n- a: ${HOST\n", `p:2: "a": "${" without "}"`},
		{"bad name", "steps:\n- a: ${HOST:-x}\n", `p:2: "a": "${HOST:-x}" is not a variable`},
		{"two documents", "steps: [{a: b}]\n---\nsteps: [{a: b}]\n", "p:2: a plan is one YAML document"},
		{"too large", strings.Repeat(" ", MaxSize+1), "p:1: the plan is larger than"},
		{"anchor", "steps: &s\n- a: b\n", `p:1: "steps" must be a list ("- wait-tcp: db:5432"), this is a YAML anchor`},
		{"alias", "steps:\n- a: *s\n", `p:2: "a" wants a single value, this is a YAML anchor or alias`},
		{"merge key", "steps:\n- <<: {a: b}\n", "p:2: a key must be a word, this is a YAML anchor or alias"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("p", []byte(c.in), env)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant an error with %q", err, c.want)
			}
		})
	}
}

func TestParseReportsEverything(t *testing.T) {
	_, err := Parse("p", []byte("steps:\n- a: ${NOPE}\n- b: ${NEVER}\n- c\n"), env)
	for _, want := range []string{"p:2: ", "p:3: ", "p:4: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
}

// FuzzParse checks that for any input Parse does not panic, and that a plan it returns
// is one that callers can use.
func FuzzParse(f *testing.F) {
	f.Add([]byte("timeout: 1m\nsteps:\n- name: x\n  wait-tcp:\n    target: [a:1, ${HOST}:2]\n- wait-http: http://x\n"))
	f.Add([]byte(`{"steps":[{"a":{"b":true,"c":[1,2]}}]}`))
	f.Add([]byte("steps: &s\n- a: *s\n- <<: {b: c}\n"))
	f.Add([]byte("? [a]\n: b\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("p", data, env)
		if (p == nil) == (err == nil) {
			t.Fatalf("plan %v with error %v", p, err)
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "p:") {
				t.Fatalf("error without file and line: %v", err)
			}
			return
		}
		if len(p.Steps) == 0 {
			t.Fatal("a plan without a step")
		}
		for _, s := range p.Steps {
			if s.Task == "" || s.Line < 1 {
				t.Fatalf("bad step %+v", s)
			}
			for _, f := range s.Fields {
				if !f.List && len(f.Values) != 1 {
					t.Fatalf("scalar field with %d values", len(f.Values))
				}
			}
		}
	})
}
