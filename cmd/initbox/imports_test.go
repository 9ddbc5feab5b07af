package main

import (
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/initbox/initbox/"

// A pkg is the output of go list for a package of this module.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		list = append(list, p)
	}
}

// Imports go one way: cmd, internal/cli, tasks; a task, tasks and internal.
func TestImportRules(t *testing.T) {
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			imported, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			if why := forbidden(p.ImportPath, imported); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, why)
			}
		}
	}
}

func forbidden(from, to string) string {
	isTask := func(p string) bool { return strings.HasPrefix(p, "tasks/") }
	switch {
	case isTask(from) && isTask(to) && !sameTask(from, to):
		return "no task imports another"
	case to == "internal/cli" && !strings.HasPrefix(from, "cmd/"):
		return "only cmd uses the command line"
	case isTask(to) && !isTask(from) && !strings.HasPrefix(from, "cmd/"):
		return "only cmd knows the tasks"
	case strings.HasPrefix(to, "internal/testkit") && !strings.HasPrefix(from, "internal/testkit") && !strings.HasPrefix(from, "examples/"):
		return "what serves tests is for tests"
	case to == "tasks" && strings.HasPrefix(from, "internal/") && !inRooms(from, contractRooms):
		return "only what carries the contract out knows it; errors are in internal/fault"
	case from == "internal/database/sqlsplit":
		return "it splits text, whoever runs the statements"
	case from == "internal/fault":
		return "internal/fault is the ground"
	case strings.HasPrefix(to, "cmd/"):
		return "cmd is the top"
	}
	return ""
}

// contractRooms are the rooms of internal that work with an Env: the command line, waiting, databases, and helpers of tests.
var contractRooms = []string{"internal/cli", "internal/wait", "internal/database", "internal/testkit"}

func inRooms(p string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return p == r || strings.HasPrefix(p, r+"/") })
}

// A room is a folder directly below internal. A stranger reads their list first, so it stays short.
func TestRooms(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("..", "..", "internal"))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 12 {
		t.Errorf("internal has %d rooms, at most 12 are wanted: does a new one belong into another?", len(entries))
	}
}

// sameTask reports whether two packages belong to the same folder below tasks.
func sameTask(a, b string) bool {
	return slices.Equal(strings.SplitN(a, "/", 3)[:2], strings.SplitN(b, "/", 3)[:2])
}

// Only code that talks to a database may reach a driver: each driver makes the binary
// larger and the start of every pod slower.
func TestDriversStayWithTheirTasks(t *testing.T) {
	drivers := []string{"github.com/jackc/pgx", "github.com/go-sql-driver/mysql", "github.com/golang-migrate/migrate", "database/sql", "modernc.org/sqlite"}
	mayReach := []string{"cmd/initbox", "tasks/migrate", "tasks/waitdb", "internal/database", "internal/testkit/testdialect"}
	for _, p := range packages(t) {
		if slices.ContainsFunc(mayReach, func(m string) bool { return strings.HasPrefix(p.ImportPath, m) }) {
			continue
		}
		for _, dep := range p.Deps {
			for _, d := range drivers {
				if strings.HasPrefix(dep, d) {
					t.Errorf("%s reaches %s", p.ImportPath, dep)
				}
			}
		}
	}
}

// The code that all databases share imports no driver: only a dialect does.
func TestDriversStayWithTheirDialects(t *testing.T) {
	for _, p := range packages(t) {
		for _, d := range []string{"github.com/jackc/pgx", "github.com/go-sql-driver/mysql", "modernc.org/sqlite"} {
			if p.ImportPath == "internal/database" && slices.ContainsFunc(p.Deps, func(dep string) bool { return strings.HasPrefix(dep, d) }) {
				t.Errorf("%s reaches %s", p.ImportPath, d)
			}
		}
	}
}

// Only main calls os.Exit.
func TestOneExit(t *testing.T) {
	found := sources(t, `os\.Exit\(|syscall\.Exit\(|log\.Fatal`, "cmd", "internal", "tasks")
	if !slices.Equal(found, []string{"cmd/initbox/main.go"}) {
		t.Errorf("exits of the process are in %v", found)
	}
}

// Only the command line and the helpers of tests read the environment of the process. A
// task gets it from its Env.
func TestOneEnvironment(t *testing.T) {
	read := `\b(os|syscall|unix)\.(Getenv|LookupEnv|Environ|ExpandEnv|Hostname)\b`
	for _, path := range sources(t, read, "cmd", "internal", "tasks") {
		if !inRooms(path, []string{"internal/cli", "internal/testkit"}) {
			t.Errorf("%s reads the environment or the host's name: tasks.Env has them", path)
		}
	}
}

// sources returns the Go files below the folders tops in which pattern matches outside a
// comment, each file once for each match. It leaves out tests.
func sources(t *testing.T, pattern string, tops ...string) (found []string) {
	t.Helper()
	match, comment := regexp.MustCompile(pattern), regexp.MustCompile(`(?m)^\s*//.*$`)
	root := filepath.Join("..", "..")
	for _, top := range tops {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for range match.FindAll(comment.ReplaceAll(source, nil), -1) {
				rel, _ := filepath.Rel(root, path)
				found = append(found, filepath.ToSlash(rel))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}
