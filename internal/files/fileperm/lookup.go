package fileperm

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// A Directory is where the names of users and groups are looked up.
type Directory struct {
	Passwd, Group string // paths of the files
}

// System is the directory of the image that runs.
var System = Directory{Passwd: "/etc/passwd", Group: "/etc/group"}

// Resolve looks up the names in n, if it has any.
func (d Directory) Resolve(n OwnerName) (Owner, error) {
	uid, err := resolve("user", n.user, d.Passwd)
	if err != nil {
		return Owner{}, err
	}
	gid, err := resolve("group", n.group, d.Group)
	if err != nil {
		return Owner{}, err
	}
	return Owner{UID: uid, GID: gid}, nil
}

func resolve(kind string, h half, path string) (uint32, error) {
	if h.name == "" {
		return h.id, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("the %s %q cannot be looked up, for this image has no %s: write its number", kind, h.name, path)
	}
	if err != nil {
		return 0, fmt.Errorf("the %s %q cannot be looked up (%w): write its number", kind, h.name, err)
	}
	defer f.Close()
	id, err := find(f, h.name)
	switch {
	case err != nil:
		return 0, fmt.Errorf("the %s %q cannot be looked up in %s (%w): write its number", kind, h.name, path, err)
	case id == Keep:
		return 0, fmt.Errorf("the %s %q is not in %s of this image: write its number", kind, h.name, path)
	}
	return id, nil
}

// find returns the number of name in r, which has the format of passwd(5) or
// group(5): both have the name in the first field and the number in the third.
// It returns Keep, which is nobody's number, if r has no such name.
func find(r io.Reader, name string) (uint32, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20) // a group of many members is one long line
	for n := 1; lines.Scan(); n++ {
		fields := strings.SplitN(lines.Text(), ":", 4)
		if fields[0] != name {
			continue
		}
		if len(fields) < 3 {
			return 0, fmt.Errorf("line %d has no number", n)
		}
		id, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil || uint32(id) == Keep {
			return 0, fmt.Errorf("the number in line %d is not from 0 to %d", n, maxID)
		}
		return uint32(id), nil
	}
	return Keep, lines.Err()
}
