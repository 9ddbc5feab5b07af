package fileperm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// modes are those that chmod(1) of GNU reads the same way.
var modes = []string{
	"0640", "640", "0", "7", "2775", "755", "00755", "000755", "02755", "6000", "1777",
	"u+rwX,g+rwX,o-rwx", "g+s", "g-s", "u+s,g+s", "a=rX", "a=", "a=rwx", "u=rwx,g=rx,o=",
	"o+t", "a+st", "g=u", "o=g", "o-u", "u+g", "ug=rw,o=", "a-x+X", "u-x+X", "g=u-w", "go=",
	"u=s", "o+s", "ugo+rX", "u+rw", "a-st", "g+t", "u=rwxs", "ou-wx",
}

var currents = []uint32{0, 0o644, 0o600, 0o755, 0o4755, 0o2755, 0o6711, 0o1777, 0o7777, 0o640, 0o111, 0o2770}

func TestApplyIsChmod(t *testing.T) {
	chmod, err := exec.LookPath("chmod")
	if err != nil {
		t.Fatalf("this test compares with chmod(1): install coreutils (%v)", err)
	}
	for _, dir := range []bool{false, true} {
		paths := samples(t, dir)
		for _, text := range modes {
			m, err := ParseMode(text)
			if err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			for i, path := range paths {
				set(t, path, currents[i])
			}
			if out, err := exec.Command(chmod, append([]string{"--", text}, paths...)...).CombinedOutput(); err != nil {
				t.Fatalf("chmod %s: %v: %s", text, err, out)
			}
			for i, path := range paths {
				if got, want := m.Apply(currents[i], dir), get(t, path); got != want {
					t.Errorf("%q of %04o, directory %v: got %04o, chmod(1) makes %04o", text, currents[i], dir, got, want)
				}
			}
		}
	}
}

// samples makes one file or directory for each of currents.
func samples(t *testing.T, dir bool) []string {
	t.Helper()
	root := t.TempDir()
	var paths []string
	for i := range currents {
		path := filepath.Join(root, strconv.Itoa(i))
		err := os.Mkdir(path, 0o700)
		if !dir {
			os.Remove(path)
			err = os.WriteFile(path, nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func set(t *testing.T, path string, mode uint32) {
	t.Helper()
	fm := os.FileMode(mode & rwx)
	for bit, flag := range map[uint32]os.FileMode{SetUID: os.ModeSetuid, SetGID: os.ModeSetgid, Sticky: os.ModeSticky} {
		if mode&bit != 0 {
			fm |= flag
		}
	}
	if err := os.Chmod(path, fm); err != nil {
		t.Fatal(err)
	}
	if got := get(t, path); got != mode {
		t.Fatalf("%s: the mode %04o became %04o", path, mode, got)
	}
}

func get(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	mode := uint32(info.Mode().Perm())
	for bit, flag := range map[uint32]os.FileMode{SetUID: os.ModeSetuid, SetGID: os.ModeSetgid, Sticky: os.ModeSticky} {
		if info.Mode()&flag != 0 {
			mode |= bit
		}
	}
	return mode
}

func TestModeWithoutWho(t *testing.T) {
	for with, without := range map[string]string{"a+x": "+x", "a=rX": "=rX", "a-w": "-w", "a+st": "+st"} {
		a, err := ParseMode(with)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ParseMode(without)
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range currents {
			if a.Apply(mode, false) != b.Apply(mode, false) {
				t.Errorf("%q and %q differ for %04o", with, without, mode)
			}
		}
	}
}

func TestOctal(t *testing.T) {
	m, err := ParseMode("02750")
	if err != nil {
		t.Fatal(err)
	}
	if mode, ok := m.Octal(); !ok || mode != 0o2750 || m.String() != "02750" {
		t.Errorf("got %o, %v, %q", mode, ok, m)
	}
	if m, err = ParseMode("u=rw"); err != nil {
		t.Fatal(err)
	}
	if mode, ok := m.Octal(); ok {
		t.Errorf("u=rw is not octal: got %o", mode)
	}
	if !(Mode{}).IsZero() || m.IsZero() || (Mode{}).Apply(0o644, false) != 0o644 {
		t.Error("only the zero mode changes nothing")
	}
}

func TestParseModeRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "it is empty",
		"0888":                   "octal",
		"10000":                  "too big",
		"7777777777777777777777": "too big",
		"rw":                     "no operator",
		"rw-r--r--":              `"r" in "rw-r--r--" is not one of u, g, o and a`,
		"u+q":                    `"q" in "u+q" is not one of r, w, x, X, s and t`,
		"z+r":                    `"z" in "z+r"`,
		"u+r,":                   "no operator",
		"u+0644":                 `"0" in`,
		"g=uw":                   `"u" in`,
		"u=g,g=o":                "applied a second time",
		strings.Repeat("u", 300): "longer than",
	} {
		if m, err := ParseMode(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v; want an error with %q", in, m, err, want)
		}
	}
}

func FuzzParseMode(f *testing.F) {
	for _, s := range append([]string{"u=g,g=u", "+", "u+-=r", "99", "a+rwxXst,,", "g+é"}, modes...) {
		f.Add(s, uint32(0o644), true)
	}
	f.Fuzz(func(t *testing.T, s string, current uint32, dir bool) {
		m, err := ParseMode(s)
		if err != nil {
			return
		}
		once := m.Apply(current, dir)
		if once&^AllBits != 0 {
			t.Fatalf("%q of %o sets bits outside a mode: %o", s, current, once)
		}
		if twice := m.Apply(once, dir); twice != once {
			t.Fatalf("%q of %o makes %o, then %o", s, current, once, twice)
		}
		again, err := ParseMode(m.String())
		if err != nil || again.Apply(current, dir) != once {
			t.Fatalf("%q does not survive String: %v", s, err)
		}
		if mode, ok := m.Octal(); ok && m.Apply(current, false) != mode {
			t.Fatalf("%q is octal %o but makes %o", s, mode, m.Apply(current, false))
		}
	})
}
