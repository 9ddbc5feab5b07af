package copyconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testtask"
	"github.com/initbox/initbox/tasks"
)

func TestDestinationIsDecidedAsCpDoes(t *testing.T) {
	src := tree{"a": "1", "d/b": "2"}
	for _, c := range []struct {
		name    string
		sources []string
		dst     string
		before  tree
		want    tree
	}{
		{"directory into one that is there", []string{"src"}, "out", tree{"old": "x"}, tree{"old": "x", "a": "1", "d/b": "2"}},
		{"directory into a new one", []string{"src"}, "out/x/y", nil, tree{"x/y/a": "1", "x/y/d/b": "2"}},
		{"file into a directory", []string{"src/a"}, "out", tree{"old": "x"}, tree{"old": "x", "a": "1"}},
		{"file into a new directory", []string{"src/a"}, "out/x/", nil, tree{"x/a": "1"}},
		{"file under another name", []string{"src/a"}, "out/x/z", nil, tree{"x/z": "1"}},
		{"two files", []string{"src/a", "src/d/b"}, "out", nil, tree{"a": "1", "b": "2"}},
		{"file and directory", []string{"src/a", "src/d"}, "out", nil, tree{"a": "1", "b": "2"}},
		{"the later source wins", []string{"src/d", "over"}, "out", nil, tree{"b": "over"}},
		{"dot", []string{"src/a"}, "out/.", nil, tree{"a": "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			src.write(t, filepath.Join(dir, "src"))
			tree{"b": "over"}.write(t, filepath.Join(dir, "over"))
			out := c.before.write(t, filepath.Join(dir, "out"))
			task := New()
			for _, s := range c.sources {
				task.Sources = append(task.Sources, filepath.Join(dir, s))
			}
			task.Destination = dir + "/" + c.dst
			mustRun(t, task, -1)
			c.want.want(t, out)
			mustRun(t, task, 0)
		})
	}
}

func TestOnlyWhatDiffersIsTouched(t *testing.T) {
	dir := t.TempDir()
	src := tree{"same": "1", "new": "2", "content": "aaa", "length": "aaaa", "mode": "m"}.write(t, filepath.Join(dir, "src"))
	dst := tree{"same": "1", "content": "aab", "length": "aa", "mode": "m", "mine": "x"}.write(t, filepath.Join(dir, "dst"))
	if err := os.Chmod(filepath.Join(dst, "mode"), 0o400); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(filepath.Join(dst, "same"))
	if err != nil {
		t.Fatal(err)
	}
	o := mustRun(t, copyTask(src, dst, nil), 4)
	if got, want := o.Summary[0], "5 files: 1 created, 3 updated, 1 unchanged"; got != want {
		t.Errorf("summary %q, want %q", got, want)
	}
	tree{"same": "1", "new": "2", "content": "aaa", "length": "aaaa", "mode": "m", "mine": "x"}.want(t, dst)
	if after, err := os.Stat(filepath.Join(dst, "same")); err != nil || !os.SameFile(before, after) {
		t.Error("a file that was right was replaced")
	}
	mustRun(t, copyTask(src, dst, nil), 0)
}

func TestModes(t *testing.T) {
	dir := t.TempDir()
	src := tree{"plain": "", "sub/tls.key": "", "sub/run.sh": ""}.write(t, filepath.Join(dir, "src"))
	for path, mode := range map[string]os.FileMode{"sub/run.sh": 0o755 | os.ModeSetuid, "sub/tls.key": 0o400} {
		if err := os.Chmod(filepath.Join(src, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		with func(*Task)
		want map[string]os.FileMode
	}{
		{nil, map[string]os.FileMode{"plain": 0o644, "sub/tls.key": 0o400, "sub/run.sh": 0o755, "sub": 0o755 | os.ModeDir}},
		{func(t *Task) { t.Mode, t.DirMode = "0640", "0750" },
			map[string]os.FileMode{"plain": 0o640, "sub/tls.key": 0o640, "sub/run.sh": 0o640, "sub": 0o750 | os.ModeDir}},
		{func(t *Task) { t.Mode, t.ModeFor = "u=rwX,go=rX", []string{"*.key=0644", "tls.key=0600", "/plain=a+x"} },
			map[string]os.FileMode{"plain": 0o755, "sub/tls.key": 0o600, "sub/run.sh": 0o755, "sub": 0o755 | os.ModeDir}},
	} {
		dst := filepath.Join(t.TempDir(), "dst")
		task := copyTask(src, dst, c.with)
		mustRun(t, task, -1)
		for path, want := range c.want {
			if info, err := os.Stat(filepath.Join(dst, path)); err != nil || info.Mode() != want {
				t.Errorf("%s: mode %v, want %v: %v", path, info.Mode(), want, err)
			}
		}
		mustRun(t, task, 0)
		if err := os.Chmod(filepath.Join(dst, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
		want := int64(0)
		if task.DirMode != "" {
			want = 1
		}
		mustRun(t, task, want)
	}
}

func TestRulesThatMatchNothingAreNamed(t *testing.T) {
	src := tree{"tls.key": "", "a.conf": ""}.write(t, t.TempDir())
	o := mustRun(t, copyTask(src, t.TempDir(), func(t *Task) {
		t.ModeFor, t.Validate = []string{"tls.key=0600", "*.kye=0600"}, []string{"json", "*.conf=ini"}
	}), 2)
	for text, want := range map[string]bool{"*.kye": true, "rule=tls.key": false, "rule=json": true, "rule=\"*.conf": false} {
		if strings.Contains(o.Log, text) != want {
			t.Errorf("%q in the log: %v, want %v\n%s", text, !want, want, o.Log)
		}
	}
}

func TestIncludeAndExclude(t *testing.T) {
	src := tree{"a.conf": "1", "b.txt": "2", "d/c.conf": "3", "d/x/e.conf": "4", "empty/": ""}.write(t, t.TempDir())
	for _, c := range []struct {
		include, exclude []string
		want             tree
	}{
		{nil, nil, tree{"a.conf": "1", "b.txt": "2", "d/c.conf": "3", "d/x/e.conf": "4", "empty/": ""}},
		{[]string{"*.conf"}, nil, tree{"a.conf": "1", "d/c.conf": "3", "d/x/e.conf": "4"}},
		{[]string{"*.conf"}, []string{"x"}, tree{"a.conf": "1", "d/c.conf": "3"}},
		{nil, []string{"/d", "*.txt"}, tree{"a.conf": "1", "empty/": ""}},
		{[]string{"d/*"}, nil, tree{"d/c.conf": "3"}},
	} {
		dst := t.TempDir()
		mustRun(t, copyTask(src, dst, func(t *Task) { t.Include, t.Exclude = c.include, c.exclude }), -1)
		c.want.want(t, dst)
	}
}

func TestIfAbsentAndInPlace(t *testing.T) {
	src := tree{"a": "new", "b": "new", "c": "shorter"}.write(t, t.TempDir())
	dst := tree{"a": "mine", "c": "what was there before"}.write(t, t.TempDir())
	o := mustRun(t, copyTask(src, dst, func(t *Task) { t.IfAbsent = true }), 1)
	if o.Summary[0] != "3 files: 1 created, 2 kept" {
		t.Error(o.Summary)
	}
	tree{"a": "mine", "b": "new", "c": "what was there before"}.want(t, dst)

	before, err := os.Stat(filepath.Join(dst, "c"))
	if err != nil {
		t.Fatal(err)
	}
	inPlace := copyTask(src, dst, func(t *Task) { t.InPlace = true })
	mustRun(t, inPlace, 2)
	tree{"a": "new", "b": "new", "c": "shorter"}.want(t, dst)
	if after, err := os.Stat(filepath.Join(dst, "c")); err != nil || !os.SameFile(before, after) {
		t.Error("the file was replaced")
	}
	mustRun(t, inPlace, 0)
}

func TestInPlaceRefusesWhatIsNoPlainFile(t *testing.T) {
	src := tree{"a": "new"}.write(t, t.TempDir())
	outside := tree{"a": "precious"}.write(t, t.TempDir())
	for name, plant := range map[string]func(at string) error{
		"link":      func(at string) error { return os.Symlink(filepath.Join(outside, "a"), at) },
		"hard link": func(at string) error { return os.Link(filepath.Join(outside, "a"), at) },
	} {
		dst := t.TempDir()
		if err := plant(filepath.Join(dst, "a")); err != nil {
			t.Fatal(err)
		}
		if o := testtask.Run(t.Context(), copyTask(src, dst, func(t *Task) { t.InPlace = true })); o.Err == nil || !strings.Contains(o.Text(), "--in-place") {
			t.Errorf("%s: %s", name, o.Text())
		}
		tree{"a": "precious"}.want(t, outside)
		mustRun(t, copyTask(src, dst, nil), 1) // replaced, not followed
		tree{"a": "new"}.want(t, dst)
		tree{"a": "precious"}.want(t, outside)
	}
}

func TestTrimRenderAndValidate(t *testing.T) {
	src := tree{
		"token": "secret\r\n\n", "bin": "a\x00${X}\n", "a.conf": "host=${HOST} $host\n", "ok.json": `{"h":"${HOST}"}`,
	}.write(t, t.TempDir())
	dst := t.TempDir()
	task := copyTask(src, dst, func(t *Task) {
		t.TrimNewline, t.Validate = true, []string{"json", "*.conf=ini"}
		t.Render.Mode, t.Render.Vars = "env", []string{"HOST"}
	})
	mustRun(t, task, 4, environ("HOST=db"))
	tree{"token": "secret", "bin": "a\x00${X}\n", "a.conf": "host=db $host", "ok.json": `{"h":"db"}`}.want(t, dst)
	mustRun(t, task, 0, environ("HOST=db"))

	task.Render.VarsFiles = []string{filepath.Join(src, "..", "missing")}
	if o := testtask.Run(t.Context(), task); tasks.KindOf(o.Err) != tasks.Usage {
		t.Errorf("a missing --vars-file: %s", o.Text())
	}
}

func TestNothingIsWrittenUnlessAllIsRight(t *testing.T) {
	src := tree{"a": "fine", "sub/bad.yaml": "a: [", "sub/worse.json": "{", "unset": "${NOPE}"}.write(t, t.TempDir())
	dst := filepath.Join(t.TempDir(), "dst")
	task := copyTask(src, dst, func(t *Task) {
		t.Validate, t.Render.Mode = []string{"yaml", "json"}, "env"
	})
	o := testtask.Run(t.Context(), task)
	if tasks.KindOf(o.Err) != tasks.Usage || o.Changes != 0 {
		t.Fatalf("%d changes: %s", o.Changes, o.Text())
	}
	if _, err := os.Stat(dst); err == nil {
		t.Error("the destination was made")
	}
	task.Render.Mode = "none"
	if o := testtask.Run(t.Context(), task); !strings.Contains(o.Err.Error(), "bad.yaml:1") || !strings.Contains(o.Err.Error(), "worse.json:1") {
		t.Errorf("not all faults are named: %s", o.Text())
	}
	task.Validate, task.Render.MaxSize = []string{"a=ini"}, 3
	if o := testtask.Run(t.Context(), task); tasks.KindOf(o.Err) != tasks.Usage || !strings.Contains(o.Text(), "--max-render-size") {
		t.Errorf("a large file: %s", o.Text())
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	src := tree{"a": "1", "d/b": "2"}.write(t, t.TempDir())
	for _, with := range []func(*Task){
		nil, func(t *Task) { t.Prune = true }, func(t *Task) { t.AtomicDir = true }, func(t *Task) { t.InPlace = true },
	} {
		for _, before := range []tree{nil, {"a": "0", "x": "y"}} {
			dst := filepath.Join(t.TempDir(), "x/y")
			if before != nil {
				before.write(t, dst)
			}
			task := copyTask(src, dst, with)
			dry := testtask.Run(t.Context(), task, testtask.DryRun)
			if before == nil {
				if _, err := os.Lstat(filepath.Dir(dst)); err == nil {
					t.Error("a directory was made")
				}
			} else {
				before.want(t, dst)
			}
			if wet := testtask.Run(t.Context(), task); dry.Err != nil || wet.Err != nil || dry.Changes == 0 || before != nil && dry.Changes != wet.Changes {
				t.Errorf("%+v: dry %d, wet %d changes\n%s\n%s", *task, dry.Changes, wet.Changes, dry.Text(), wet.Text())
			}
			if dry := testtask.Run(t.Context(), task, testtask.DryRun); dry.Changes != 0 {
				t.Errorf("%+v: %d changes left: %s", *task, dry.Changes, dry.Text())
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for want, with := range map[string]func(*Task){
		"takes a source":      func(t *Task) { t.Sources = nil },
		"no file has":         func(t *Task) { t.Sources = []string{""} },
		"--mode":              func(t *Task) { t.Mode = "999" },
		"--dir-mode":          func(t *Task) { t.DirMode = "u+q" },
		"GLOB=MODE":           func(t *Task) { t.ModeFor = []string{"x"} },
		"--owner":             func(t *Task) { t.Owner = "a:b:c" },
		"--include":           func(t *Task) { t.Include = []string{"["} },
		"--exclude":           func(t *Task) { t.Exclude = []string{"x/"} },
		"--validate":          func(t *Task) { t.Validate = []string{"xml"} },
		"GLOB=KIND":           func(t *Task) { t.Validate = []string{"*.conf"} },
		"--if-absent exclude": func(t *Task) { t.AtomicDir, t.IfAbsent = true, true },
		"--in-place exclude":  func(t *Task) { t.AtomicDir, t.InPlace = true, true },
		"--in-place and":      func(t *Task) { t.InPlace, t.IfAbsent = true, true },
		"--fsync":             func(t *Task) { t.FSync = "maybe" },
		"--render":            func(t *Task) { t.Render.Vars = []string{"A"} },
	} {
		if err := copyTask("/a", "/b", with).Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := copyTask("/a", "/b", nil).Check(); err != nil {
		t.Error(err)
	}
}

// Every function that the help names exists.
func TestHelpOfTemplates(t *testing.T) {
	var calls []string
	for line := range strings.Lines(Spec.Doc) {
		text, ok := strings.CutPrefix(line, "    ")
		if !ok || strings.HasPrefix(text, "$") {
			continue
		}
		for _, word := range strings.Fields(text) {
			name, more := strings.CutSuffix(word, ",")
			calls = append(calls, "{{if false}}{{"+name+"}}{{end}}")
			if !more {
				break
			}
		}
	}
	if len(calls) < 15 {
		t.Fatal(calls)
	}
	src := tree{"a": strings.Join(calls, "") + "{{.NAME}}"}.write(t, t.TempDir())
	dst := t.TempDir()
	mustRun(t, copyTask(src, dst, func(t *Task) { t.Render.Mode = "template" }), 1, environ("NAME=value"))
	tree{"a": "value"}.want(t, dst)
}

func TestOrdinalOfThePod(t *testing.T) {
	src, dst := tree{"a": "{{ordinal}}"}.write(t, t.TempDir()), t.TempDir()
	mustRun(t, copyTask(src, dst, func(t *Task) { t.Render.Mode = "template" }), 1, func(env *tasks.Env) { env.Pod = "web-7" })
	tree{"a": "7"}.want(t, dst)
}
