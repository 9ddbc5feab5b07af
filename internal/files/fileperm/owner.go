package fileperm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Keep in an [Owner] leaves that half as it is. It is the (uid_t)-1 of chown(2),
// which is why no user or group can have this number.
const Keep = ^uint32(0)

// maxID is the largest number that a user or group can have.
const maxID = Keep - 1

// An Owner is who shall own a file.
type Owner struct {
	UID, GID uint32 // Keep leaves it as it is
}

// String returns o as chown(1) writes it, "" if it keeps both halves.
func (o Owner) String() string {
	return joinOwner(formatID(o.UID), formatID(o.GID))
}

// Matches reports whether a file of uid and gid needs no change.
func (o Owner) Matches(uid, gid uint32) bool {
	return (o.UID == Keep || o.UID == uid) && (o.GID == Keep || o.GID == gid)
}

// An OwnerName is an owner as the user wrote it: numbers, or names that are
// still to be looked up.
type OwnerName struct {
	user, group half
}

// A half is one side of the colon.
type half struct {
	name string // "" if id holds it
	id   uint32
}

func (h half) String() string {
	if h.name != "" {
		return h.name
	}
	return formatID(h.id)
}

func formatID(id uint32) string {
	if id == Keep {
		return ""
	}
	return strconv.FormatUint(uint64(id), 10)
}

func joinOwner(user, group string) string {
	if group == "" {
		return user
	}
	return user + ":" + group
}

// String returns n as [ParseOwner] reads it.
func (n OwnerName) String() string { return joinOwner(n.user.String(), n.group.String()) }

// Numeric reports whether n needs no look-up.
func (n OwnerName) Numeric() bool { return n.user.name == "" && n.group.name == "" }

// NoOwner keeps both halves.
var NoOwner = OwnerName{half{id: Keep}, half{id: Keep}}

// ParseOwner reads USER, USER:GROUP or :GROUP, each a decimal number or a name.
// Digits are always a number: a user who is named "1000" cannot be meant.
func ParseOwner(s string) (OwnerName, error) {
	user, group, colon := strings.Cut(s, ":")
	switch {
	case s == "":
		return NoOwner, errors.New("it is empty: write UID:GID, UID or :GID")
	case s == ":":
		return NoOwner, errors.New("it names neither user nor group: write UID:GID, UID or :GID")
	case colon && group == "":
		return NoOwner, fmt.Errorf("a colon without a group means the user's login group in chown(1), "+
			"which an image without /etc/passwd does not know: write %s to leave the group as it is, or %s:GID", user, user)
	case strings.Contains(group, ":"):
		return NoOwner, errors.New("it has more than one colon: write UID:GID")
	case !colon && isDotted(s):
		return NoOwner, fmt.Errorf("a dot no longer separates user and group: write %s", strings.Replace(s, ".", ":", 1))
	}
	u, err := parseHalf("user", user)
	if err != nil {
		return NoOwner, err
	}
	g, err := parseHalf("group", group)
	if err != nil {
		return NoOwner, err
	}
	return OwnerName{u, g}, nil
}

// isDotted reports whether s is 1000.1000, the old way to write 1000:1000.
func isDotted(s string) bool {
	user, group, dot := strings.Cut(s, ".")
	return dot && isDigits(user) && isDigits(group)
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func parseHalf(kind, s string) (half, error) {
	switch {
	case s == "":
		return half{id: Keep}, nil
	case s == "-1":
		return half{}, fmt.Errorf("the %s -1 would mean to leave it as it is: leave it out instead, as in UID or :GID", kind)
	case isDigits(s):
		return parseID(kind, s)
	case s[0] == '-' || s[0] == '+' || strings.ContainsFunc(s, notInName):
		return half{}, fmt.Errorf("the %s %q is neither a number nor a name", kind, s)
	}
	return half{name: s}, nil
}

func parseID(kind, s string) (half, error) {
	id, err := strconv.ParseUint(s, 10, 32)
	switch {
	case err != nil:
		return half{}, fmt.Errorf("the %s %s is too big: the largest is %d", kind, s, maxID)
	case uint32(id) == Keep:
		return half{}, fmt.Errorf("the %s %s is -1 in chown(2), which means to leave it as it is: the largest is %d", kind, s, maxID)
	}
	return half{id: uint32(id)}, nil
}

// notInName reports whether r can stand in no name of the passwd file, or would
// only get there by a slip of quoting.
func notInName(r rune) bool {
	return r <= ' ' || r == 0x7f || r == 0xfffd || strings.ContainsRune(":/,;*?\"'`(){}[]<>|&", r)
}
