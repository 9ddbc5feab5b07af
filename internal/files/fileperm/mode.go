package fileperm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The bits of a mode, as in stat(2).
const (
	SetUID = 0o4000
	SetGID = 0o2000
	Sticky = 0o1000

	AllBits = 0o7777 // what chmod(2) can set

	rwx  = 0o777
	anyX = 0o111
)

// A Mode is a change to the permission bits of a file, as chmod(1) writes it.
type Mode struct {
	text    string
	octal   bool
	actions []action
}

// An action is one operator of a symbolic mode with what surrounds it.
type action struct {
	op        byte   // '+', '-' or '='
	who       uint32 // bits that it may touch
	bits      uint32 // bits that it sets, clears or assigns
	copyFrom  uint32 // 0o700, 0o070 or 0o007: take the bits that this class has now
	condX     bool   // X: execute too, if it is a directory or somebody may execute it now
	mentioned uint32 // bits of a directory that may be touched although it is one
}

// ParseMode reads an octal mode (0640, 640, 2775) or a symbolic one
// (u+rwX,g+rwX,o-rwx). It is chmod(1) of GNU with two differences, for the sake
// of idempotence: the umask plays no part ("+x" is "a+x"), and a mode that would
// be another one when applied twice ("u=g,g=u" swaps) is refused.
//
// As there, the setuid and setgid bits of a directory stay unless they are
// mentioned: 0755 and u=rwx keep them, 2755, g+s and g-s touch them, and 00755,
// with five digits, clears them.
func ParseMode(s string) (Mode, error) {
	m := Mode{text: s}
	var err error
	switch {
	case s == "":
		return Mode{}, errors.New(`it is empty: write for instance 0640 or "u+rwX,g+rX,o-rwx"`)
	case len(s) > maxModeText:
		return Mode{}, fmt.Errorf("it is longer than %d bytes", maxModeText)
	case isDigits(s):
		m.octal = true
		m.actions, err = parseOctal(s)
	default:
		m.actions, err = parseSymbolic(s)
	}
	if err != nil {
		return Mode{}, err
	}
	if !m.isStable() {
		return Mode{}, errors.New("applied a second time it would change the mode again: write a mode that settles")
	}
	return m, nil
}

// maxModeText bounds the work of isStable.
const maxModeText = 256

// String returns m as it was written, "" for the zero Mode.
func (m Mode) String() string { return m.text }

// IsZero reports whether m is the zero Mode, which changes nothing.
func (m Mode) IsZero() bool { return len(m.actions) == 0 }

// Octal returns the mode of a new file, if m does not depend on an earlier mode.
func (m Mode) Octal() (mode uint32, ok bool) {
	if !m.octal {
		return 0, false
	}
	return m.actions[0].bits, true
}

// Apply returns the mode, without the file type, that m makes of current.
func (m Mode) Apply(current uint32, dir bool) uint32 {
	mode := current & AllBits
	for i := range m.actions {
		mode = m.actions[i].apply(mode, dir)
	}
	return mode
}

func (a *action) apply(mode uint32, dir bool) uint32 {
	bits := a.bits
	if a.copyFrom != 0 {
		bits = spread(mode & a.copyFrom)
	}
	if a.condX && (dir || mode&anyX != 0) {
		bits |= anyX
	}
	who := a.who
	if dir {
		who &^= (SetUID | SetGID) &^ a.mentioned
	}
	bits &= who
	switch a.op {
	case '+':
		return mode | bits
	case '-':
		return mode &^ bits
	default:
		return mode&^who | bits
	}
}

// spread gives all three classes what one class has.
func spread(bits uint32) uint32 {
	one := (bits | bits>>3 | bits>>6) & 0o7
	return one | one<<3 | one<<6
}

// isStable reports whether m changes no mode further that it has made.
func (m Mode) isStable() bool {
	for mode := range uint32(AllBits + 1) {
		for _, dir := range []bool{false, true} {
			once := m.Apply(mode, dir)
			if m.Apply(once, dir) != once {
				return false
			}
		}
	}
	return true
}

func parseOctal(s string) ([]action, error) {
	mode, err := strconv.ParseUint(s, 8, 32)
	switch {
	case strings.ContainsAny(s, "89"):
		return nil, errors.New("a mode is octal, with digits from 0 to 7")
	case err != nil || mode > AllBits:
		return nil, errors.New("it is too big: the largest mode is 7777, octal")
	}
	a := action{op: '=', who: AllBits, bits: uint32(mode), mentioned: uint32(mode)}
	if len(s) > 4 {
		a.mentioned = AllBits
	}
	return []action{a}, nil
}

func parseSymbolic(s string) ([]action, error) {
	var actions []action
	for clause := range strings.SplitSeq(s, ",") {
		parsed, err := parseClause(clause)
		if err != nil {
			return nil, err
		}
		actions = append(actions, parsed...)
	}
	return actions, nil
}

// classes are the letters for who, with the bits that are theirs.
var classes = map[byte]uint32{
	'u': 0o700 | SetUID,
	'g': 0o070 | SetGID,
	'o': 0o007 | Sticky,
	'a': AllBits,
}

// permissions are the letters for what, with the bits that they stand for.
var permissions = map[byte]uint32{
	'r': 0o444, 'w': 0o222, 'x': anyX, 's': SetUID | SetGID, 't': Sticky,
}

// parseClause reads who, and one or more operators with their permissions: "g+s", "a=rX", "u-x+r".
func parseClause(clause string) ([]action, error) {
	i := strings.IndexAny(clause, "+-=")
	if i < 0 {
		return nil, fmt.Errorf(`%q has no operator: write it like u+rw, g-w or o=`, clause)
	}
	who := uint32(0)
	for _, c := range []byte(clause[:i]) {
		class, ok := classes[c]
		if !ok {
			return nil, fmt.Errorf("%q in %q is not one of u, g, o and a", string(rune(c)), clause)
		}
		who |= class
	}
	if i == 0 {
		who = AllBits
	}
	var actions []action
	for rest := clause[i:]; rest != ""; {
		end := strings.IndexAny(rest[1:], "+-=") + 1
		if end == 0 {
			end = len(rest)
		}
		a := action{op: rest[0], who: who}
		if err := a.parsePermissions(rest[1:end], clause); err != nil {
			return nil, err
		}
		a.mentioned = a.who & a.bits
		actions, rest = append(actions, a), rest[end:]
	}
	return actions, nil
}

// parsePermissions reads what stands behind an operator: letters of rwxXst, or
// one of u, g and o to copy from.
func (a *action) parsePermissions(s, clause string) error {
	if s == "u" || s == "g" || s == "o" {
		a.copyFrom = classes[s[0]] & rwx
		return nil
	}
	for _, c := range []byte(s) {
		bits, ok := permissions[c]
		switch {
		case c == 'X':
			a.condX = true
		case !ok:
			return fmt.Errorf("%q in %q is not one of r, w, x, X, s and t", string(rune(c)), clause)
		}
		a.bits |= bits
	}
	return nil
}
