package fileperm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseOwner(t *testing.T) {
	for in, want := range map[string]Owner{
		"1000:1000":             {1000, 1000},
		"1000":                  {1000, Keep},
		":1000":                 {Keep, 1000},
		"0:0":                   {0, 0},
		"0100":                  {100, Keep}, // decimal, as in chown(1)
		"4294967294:4294967294": {4294967294, 4294967294},
	} {
		name, err := ParseOwner(in)
		if err != nil || !name.Numeric() {
			t.Errorf("%q: got %v, %v", in, name, err)
			continue
		}
		if got, err := (Directory{}).Resolve(name); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", in, got, err, want)
		}
	}
}

func TestParseOwnerRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "it is empty",
		":":                       "neither user nor group",
		"1000:":                   "login group",
		"app:":                    "write app to leave the group as it is, or app:GID",
		"1:2:3":                   "more than one colon",
		"1000.1000":               "write 1000:1000",
		"4294967295":              "-1 in chown(2)",
		":4294967295":             "the group 4294967295 is -1",
		"4294967296":              "too big",
		"99999999999999999999999": "too big",
		"-1":                      "leave it out",
		"1000:-1":                 "leave it out",
		"-2":                      "neither a number nor a name",
		"+1000":                   "neither a number nor a name",
		"10 00":                   "neither a number nor a name",
		"1000,1000":               "neither a number nor a name",
		"a/b":                     "neither a number nor a name",
		"1000:\x00":               "neither a number nor a name",
	} {
		if _, err := ParseOwner(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", in, err, want)
		}
	}
}

func TestResolveNames(t *testing.T) {
	dir := directory(t, "root:x:0:0:root:/:/bin/sh\napp:x:1001:1002:::\njohn.doe:x:7:7:::\nbroken\n",
		"app:x:1002:\nhuge:x:4294967295:\nbad:x:x:\n")
	for in, want := range map[string]string{
		"app":         "1001",
		"app:app":     "1001:1002",
		":app":        ":1002",
		"5:app":       "5:1002",
		"john.doe":    "7",
		"nobody":      `the user "nobody" is not in `,
		"1:wheel":     `the group "wheel" is not in `,
		"broken":      "line 4 has no number",
		":huge":       "not from 0 to 4294967294",
		":bad":        "not from 0 to 4294967294",
		"app:missing": "write its number",
	} {
		name, err := ParseOwner(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		got, err := dir.Resolve(name)
		if (err != nil || got.String() != want) && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, %v; want %q", in, got, err, want)
		}
	}
}

func TestResolveWithoutPasswd(t *testing.T) {
	none := Directory{Passwd: "/nonexistent/passwd", Group: "/nonexistent/group"}
	for in, want := range map[string]string{
		"app":  "this image has no /nonexistent/passwd: write its number",
		":app": "this image has no /nonexistent/group: write its number",
	} {
		name, err := ParseOwner(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := none.Resolve(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", in, err, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		owner    Owner
		uid, gid uint32
		want     bool
	}{
		{Owner{1, 2}, 1, 2, true}, {Owner{1, 2}, 1, 3, false}, {Owner{1, 2}, 3, 2, false},
		{Owner{Keep, 2}, 9, 2, true}, {Owner{1, Keep}, 1, 9, true}, {Owner{1, Keep}, 2, 9, false},
	} {
		if got := c.owner.Matches(c.uid, c.gid); got != c.want {
			t.Errorf("%v of %d:%d: got %v", c.owner, c.uid, c.gid, got)
		}
	}
}

func directory(t *testing.T, passwd, group string) Directory {
	t.Helper()
	d := Directory{Passwd: filepath.Join(t.TempDir(), "passwd"), Group: filepath.Join(t.TempDir(), "group")}
	for path, text := range map[string]string{d.Passwd: passwd, d.Group: group} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func FuzzParseOwner(f *testing.F) {
	for _, s := range []string{"1000:1000", ":5", "app", "a:b", "1.2", "4294967295", "user:", "::", "-1", "é:ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := ParseOwner(s)
		if err != nil {
			return
		}
		again, err := ParseOwner(name.String())
		if err != nil || again != name {
			t.Fatalf("%q became %q, which became %v, %v", s, name, again, err)
		}
		if !name.Numeric() {
			return
		}
		owner, err := (Directory{}).Resolve(name)
		if err != nil || owner == (Owner{Keep, Keep}) {
			t.Fatalf("%q: got %v, %v", s, owner, err)
		}
		if owner.String() != name.String() {
			t.Fatalf("%q: %q is not %q", s, owner, name)
		}
	})
}
