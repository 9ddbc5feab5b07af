package chown

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/files/fileperm"
	"github.com/initbox/initbox/internal/files/glob"
	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/tasks"
)

// Spec is the task chown.
var Spec = tasks.Spec{
	Name:  "chown",
	Group: "files",
	Doc: `give files and directories their owner and mode

OWNER is UID:GID, UID or :GID. Names work if the image has /etc/passwd and
/etc/group. Directories are walked with all that is in them, unless
--recursive=false says otherwise.

An entry that has its owner and mode already is not written to, so a second run
costs one look per entry, and setuid bits and file capabilities, which the
kernel drops when a file changes hands, stay where nothing had to change.
Many entries are worked on at the same time (--jobs), which is what counts on a
network volume.

A symbolic link is given the owner itself and never followed, except where PATH
is one. Other mounts below PATH are left alone unless --cross-mounts. An entry
that vanishes meanwhile is no error. Entries that cannot be changed are counted,
and the rest is done nevertheless. PATH itself comes last and only if nothing
failed, so that its owner and mode say that the tree is done: with
--if-root-mismatch a tree whose root is right is not walked at all, as with
fsGroupChangePolicy: OnRootMismatch.

Modes are octal or symbolic as in chmod(1): u+rwX,g+rwX,o-rwx. The setuid and
setgid bits of a directory stay unless they are mentioned.

It needs the capability CHOWN; DAC_OVERRIDE to get into directories of others;
FOWNER for the modes of files of others, and FSETID for setgid bits of groups
that it is not in. Without any it can do what the owner of the files can.`,
	Args:    "owner path...",
	Timeout: 30 * time.Minute,
	Examples: []tasks.Example{
		{Doc: "a volume for an application that runs as 1000:1000", Command: "initbox chown 1000:1000 /data"},
		{Doc: "a large volume, only when it is new", Command: "initbox chown --if-root-mismatch 1000:1000 /data"},
		{Doc: "shared by a group, new files included", Command: "initbox chown --file-mode u+rw,g+rw --dir-mode u+rwx,g+rwxs :2000 /shared"},
		{Doc: "a directory that may not be there yet", Command: "initbox chown --mkdir --dir-mode 0750 1000:1000 /data/app/cache"},
		{Doc: "a disk with its lost+found, and snapshots of a filer", Command: "initbox chown --exclude lost+found --exclude .snapshot 999:999 /var/lib/postgresql/data"},
		{Doc: "what would change", Command: "initbox chown --dry-run 1000:1000 /data"},
	},
	Needs: tasks.Needs{
		Root: true,
		Capabilities: []tasks.Capability{
			{Name: "CHOWN"}, {Name: "DAC_OVERRIDE"},
			{Name: "FOWNER", Flags: []string{"file-mode", "dir-mode"}},
			{Name: "FSETID", Flags: []string{"file-mode", "dir-mode"}}, // the kernel drops setgid bits without it
		},
		Mounts: []string{"the volume that gets the owner, writable"},
	},
	Container: `args: [chown, --if-root-mismatch, "1000:1000", /data]
volumeMounts:
  - {name: data, mountPath: /data}`,
	New: func() tasks.Task { return New() },
}

// What to do with a file that has other names, which may be outside the tree.
const (
	linksWarn = "warn"
	linksSkip = "skip"
	linksFail = "fail"
)

// A Task gives files and directories their owner and mode.
type Task struct {
	Owner           string   // UID:GID, UID, :GID, or names; "" to change modes only
	Paths           []string // files and directories; at least one
	Recursive       bool     // directories with all that is in them
	FileMode        string   // octal or symbolic; "" to leave modes as they are
	DirMode         string   // the same for directories
	Mkdir           bool     // make a path that is missing, a directory
	Exclude         []string // globs of what to leave alone
	IfRootMismatch  bool     // leave a path alone whose root is right
	Jobs            int      // entries that are worked on at the same time
	CrossMounts     bool     // walk into other mounts
	Force           bool     // even directories of the system
	Hardlinks       string   // "warn", "skip" or "fail"
	PreserveSpecial bool     // keep setuid, setgid and file capabilities
	IgnoreErrors    bool     // succeed although entries could not be changed
}

// defaultJobs is as many requests as NFS servers commonly serve to one client.
const defaultJobs = 64

// New returns a Task with its defaults.
func New() *Task {
	return &Task{Recursive: true, Jobs: defaultJobs, Hardlinks: linksWarn}
}

// Flags implements [tasks.Task].
func (t *Task) Flags(fs *pflag.FlagSet) {
	fs.StringVar(&t.Owner, "owner", t.Owner, "`owner` to give: UID:GID, UID, :GID, or names that the image knows")
	fs.StringArrayVar(&t.Paths, "path", t.Paths, "`file` or directory to give to the owner; repeatable")
	fs.BoolVarP(&t.Recursive, "recursive", "R", t.Recursive, "directories with all that is in them")
	fs.StringVar(&t.FileMode, "file-mode", t.FileMode, "`mode` of files, octal or symbolic: 0640, u+rw,g+r,o-rwx; empty to leave it")
	fs.StringVar(&t.DirMode, "dir-mode", t.DirMode, "`mode` of directories, octal or symbolic: 2770, u+rwx,g+rxs; empty to leave it")
	fs.BoolVar(&t.Mkdir, "mkdir", t.Mkdir, "make the path first, if it is missing, and its parents")
	fs.StringArrayVar(&t.Exclude, "exclude", t.Exclude, "`glob` of what to leave alone; "+glob.Help+"; repeatable")
	fs.BoolVar(&t.IfRootMismatch, "if-root-mismatch", t.IfRootMismatch, "leave a path alone whose own owner and mode are right")
	flags.Int(fs, &t.Jobs, "jobs", 1, 1024, "entries that are worked on at the same time")
	fs.BoolVar(&t.CrossMounts, "cross-mounts", t.CrossMounts, "walk into other mounts below the path")
	fs.BoolVar(&t.Force, "force", t.Force, "even / and the directories of the image's system")
	flags.Enum(fs, &t.Hardlinks, "hardlinks", []string{linksWarn, linksSkip, linksFail},
		"what to do with a file that has other names, maybe outside the tree, and would have to change")
	fs.BoolVar(&t.PreserveSpecial, "preserve-special", t.PreserveSpecial, "keep setuid and setgid bits and file capabilities of files that change hands")
	fs.BoolVar(&t.IgnoreErrors, "ignore-errors", t.IgnoreErrors, "succeed, with a warning, although entries could not be changed; with --if-root-mismatch the path itself then stays as it is")
}

// Check implements [tasks.Task].
func (t *Task) Check() error {
	_, _, err := t.parse()
	errs := []error{err}
	if t.Owner == "" && t.FileMode == "" && t.DirMode == "" {
		errs = append(errs, errors.New("nothing to change: name an owner, as in initbox chown 1000:1000 /data, or --file-mode or --dir-mode"))
	}
	if len(t.Paths) == 0 {
		errs = append(errs, errors.New("no path: name at least one, as in initbox chown 1000:1000 /data"))
	}
	for _, p := range t.Paths {
		if p == "" || strings.ContainsRune(p, 0) {
			errs = append(errs, fmt.Errorf("path %q: no file has this name", p))
		}
	}
	for _, p := range t.Exclude {
		if err := glob.Check(p); err != nil {
			errs = append(errs, fmt.Errorf("--exclude %q: %w", p, err))
		}
	}
	return errors.Join(errs...)
}

// parse reads the owner and the modes.
func (t *Task) parse() (fileperm.OwnerName, *settings, error) {
	s := &settings{
		exclude: t.Exclude, hardlinks: t.Hardlinks, preserve: t.PreserveSpecial, cross: t.CrossMounts,
	}
	owner := fileperm.NoOwner
	var err error
	var errs []error
	if t.Owner != "" {
		if owner, err = fileperm.ParseOwner(t.Owner); err != nil {
			errs = append(errs, fmt.Errorf("owner %q: %w", t.Owner, err))
		}
	}
	if t.FileMode != "" {
		if s.file, err = fileperm.ParseMode(t.FileMode); err != nil {
			errs = append(errs, fmt.Errorf("--file-mode %q: %w", t.FileMode, err))
		}
	}
	if t.DirMode != "" {
		if s.dir, err = fileperm.ParseMode(t.DirMode); err != nil {
			errs = append(errs, fmt.Errorf("--dir-mode %q: %w", t.DirMode, err))
		}
	}
	return owner, s, errors.Join(errs...)
}
