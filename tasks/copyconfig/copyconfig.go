package copyconfig

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/files/glob"
	"github.com/initbox/initbox/internal/files/render"
	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/tasks"
)

// Spec is the task copy-config.
var Spec = tasks.Spec{
	Name:  "copy-config",
	Group: "files",
	Doc: `copy configuration files into a volume, whole or not at all

A source is a file or a directory: a volume of a ConfigMap or Secret, or a
directory of the image. What is in a source directory comes directly into the
destination. The destination is a directory if it is one, ends with "/", or is to
take a directory or several sources; else it is the name of the one file.
Missing parents are made. Of two sources with the same file, the later one wins.

All files of a ConfigMap or Secret come from one version, even while kubelet
brings the next one. Names that begin with ".." are passed over. Links are
followed as long as they stay beneath the source; one that leads out is an error.

Each file is written under a temporary name (.initbox-XXXX.tmp) beside its place,
gets its owner and mode, goes to the disk and is renamed: a reader sees the old
file or the new one. A file that has its content, owner and mode already is not
touched. A link in the place of a file is replaced, never followed. Directories
that exist keep their owner and mode, but for those beneath the destination if
--owner or --dir-mode is given. Two runs with one destination take turns.

With --prune, a file that an earlier run of the same copy wrote and that is no
longer part of it is removed, unless somebody has changed it since. The sources,
--include and --exclude make up the copy: with others it is another one. The file
.initbox-manifest-XXXX in the destination remembers what was written.

With --atomic-dir all files appear at once, as in a volume of kubelet: they are in
a directory of their own, which the link ..data leads to, and DST/KEY is a link to
..data/KEY. What is no longer in the source disappears with the old version.

With --render variables are filled into the text files, with --validate the
result is checked, all of them before the first one is written. Files with a NUL
byte are binary and stay as they are. --render env knows

    ${NAME}           the value; unset is an error
    ${NAME:-default}  the default if NAME is unset or empty
    ${NAME:?message}  an error with this message if NAME is unset or empty
    $${NAME}          the text ${NAME} itself

and leaves every other $ alone. With --render template a file is a text/template
of Go: {{.NAME}} is a variable, an error if it is unset, and there are

    env "NAME"             the variable, "" if it is unset
    file "/path"           the content of a file
    default "x" VALUE      "x" if VALUE is empty
    required "why" VALUE   an error with this message if VALUE is ""
    quote VALUE            in double quotes, for JSON, YAML and TOML
    toJson, toYaml VALUE   as JSON on one line, as YAML
    b64enc, b64dec TEXT    base64
    urlquery VALUE         escaped for the query of a URL
    sha256 TEXT            the hex digest
    join "," LIST          one text
    split "," TEXT         a list
    trim TEXT              without white space at both ends
    indent 4 TEXT          every line moved right
    ordinal                3 in the pod web-3 of a StatefulSet`,
	Args:    "source... destination",
	Timeout: 5 * time.Minute,
	Examples: []tasks.Example{
		{Doc: "a ConfigMap into an emptyDir that the application may write to", Command: "initbox copy-config /config /etc/app"},
		{Doc: "one file, under another name", Command: "initbox copy-config /config/app.prod.yaml /etc/app/app.yaml"},
		{Doc: "a TLS secret for a server that insists on its key's mode", Command: "initbox copy-config --owner 999:999 --mode 0644 --mode-for 'tls.key=0600' /tls /certs"},
		{Doc: "with secrets from the environment, checked", Command: "initbox copy-config --render env --vars DB_HOST,DB_PASSWORD --validate yaml /config /etc/app"},
		{Doc: "defaults of the image, which the application may change", Command: "initbox copy-config --if-absent /usr/share/app/defaults /data/config"},
		{Doc: "what a ConfigMap no longer has goes too", Command: "initbox copy-config --prune /config /data/config"},
		{Doc: "all files of a version at once", Command: "initbox copy-config --atomic-dir /config /data/config"},
	},
	Needs: tasks.Needs{
		Capabilities: []tasks.Capability{{Name: "CHOWN", Flags: []string{"owner"}}},
		Mounts:       []string{"the sources, read-only", "the destination, writable"},
	},
	Container: `args: [copy-config, --render=env, --vars=DB_HOST, /config, /etc/app]
env:
  - {name: DB_HOST, value: postgres}
volumeMounts:
  - {name: config, mountPath: /config, readOnly: true}   # a ConfigMap
  - {name: app-config, mountPath: /etc/app}              # an emptyDir`,
	New: func() tasks.Task { return New() },
}

// A Task copies files.
type Task struct {
	Sources     []string // files and directories; at least one
	Destination string   // a directory, or the name of the only file
	Mode        string   // of files, octal or symbolic; "" for that of the source
	DirMode     string   // of directories; "" for 0755 where they are made
	ModeFor     []string // GLOB=MODE, over Mode; the last that matches counts
	Owner       string   // UID:GID, UID or :GID; "" for whoever runs it
	Include     []string // globs of files; none for all
	Exclude     []string // globs of files and directories
	IfAbsent    bool     // leave files alone that exist
	Prune       bool     // remove what an earlier run wrote and is gone from the sources
	TrimNewline bool     // without line ends at the end of a text file
	AtomicDir   bool     // all files at once
	InPlace     bool     // write into existing files instead of replacing them
	FSync       string   // "auto", "always" or "never"
	Jobs        int      // files that are worked on at the same time
	Validate    []string // KIND or GLOB=KIND
	Render      render.Options

	memory int64 // for the files of volumes, 0 for defaultMemory
}

// When files are written to the disk.
const (
	syncAuto   = "auto"
	syncAlways = "always"
	syncNever  = "never"
)

// defaultJobs is enough to hide the latency of a network volume, and few enough
// not to fight for the locks of a local one.
const defaultJobs = 16

// New returns a Task with its defaults.
func New() *Task { return &Task{FSync: syncAuto, Jobs: defaultJobs} }

// Flags implements [tasks.Task].
func (t *Task) Flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&t.Sources, "source", t.Sources, "`file` or directory to copy; repeatable, the later one wins")
	fs.StringVar(&t.Destination, "destination", t.Destination, "`directory` to copy into, or the name of the copy if there is one file")
	fs.StringVar(&t.Mode, "mode", t.Mode, "`mode` of the files, octal or symbolic; empty for that of the source without setuid and setgid")
	fs.StringVar(&t.DirMode, "dir-mode", t.DirMode, "`mode` of directories, octal or symbolic; empty for 0755 where they are made")
	fs.StringArrayVar(&t.ModeFor, "mode-for", t.ModeFor, "`GLOB=MODE` for some files; "+glob.Help+"; repeatable, the last that matches counts")
	fs.StringVar(&t.Owner, "owner", t.Owner, "`owner` of files and directories: UID:GID, UID, :GID, or names that the image knows")
	fs.StringArrayVar(&t.Include, "include", t.Include, "`glob` of files to copy, no others; "+glob.Help+"; repeatable")
	fs.StringArrayVar(&t.Exclude, "exclude", t.Exclude, "`glob` of files and directories to leave out; "+glob.Help+"; repeatable")
	fs.BoolVar(&t.IfAbsent, "if-absent", t.IfAbsent, "copy only files that are not there yet, whatever is in them")
	fs.BoolVar(&t.Prune, "prune", t.Prune, "remove files that an earlier run of this copy wrote and that are no longer part of it")
	fs.BoolVar(&t.TrimNewline, "trim-newline", t.TrimNewline, "drop the line ends at the end of each text file, for secrets")
	fs.BoolVar(&t.AtomicDir, "atomic-dir", t.AtomicDir, "publish all files at once, behind the link ..data")
	fs.BoolVar(&t.InPlace, "in-place", t.InPlace, "write into files that exist, where none can be replaced (subPath mounts); a reader may see half a file")
	flags.Enum(fs, &t.FSync, "fsync", []string{syncAuto, syncAlways, syncNever}, "write each file to the disk before it gets its name; auto is not in memory (tmpfs)")
	flags.Int(fs, &t.Jobs, "jobs", 1, 1024, "files that are worked on at the same time")
	t.Render.Flags(fs)
	if t.Render.MaxSize == 0 {
		t.Render.MaxSize = render.DefaultMaxSize
	}
	fs.Int64Var(&t.Render.MaxSize, "max-render-size", t.Render.MaxSize, "most `bytes` of a text file that is rendered, validated or trimmed")
	fs.StringArrayVar(&t.Validate, "validate", t.Validate, "check files before anything is written: `KIND` (json, yaml, toml or ini) for the files with such an extension, GLOB=KIND for others; repeatable")
}

// Check implements [tasks.Task].
func (t *Task) Check() error {
	_, err := t.parse()
	errs := []error{err, t.Render.Check()}
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch {
	case len(t.Sources) == 0 || t.Destination == "":
		fail("it takes a source and a destination, as in initbox copy-config /config /etc/app")
	default:
		errs = append(errs, checkPaths("source", t.Sources...), checkPaths("destination", t.Destination))
	}
	if t.AtomicDir {
		for flag, on := range map[string]bool{"--if-absent": t.IfAbsent, "--in-place": t.InPlace} {
			if on {
				fail("--atomic-dir and %s exclude each other: the whole directory is replaced", flag)
			}
		}
	}
	if t.InPlace && t.IfAbsent {
		fail("--in-place and --if-absent exclude each other: nothing that exists is written to")
	}
	if t.Jobs < 1 {
		fail("--jobs must be at least 1")
	}
	return errors.Join(errs...)
}
