package tasks

import (
	"context"
	"time"

	"github.com/spf13/pflag"
)

// A Spec is one task as plain data.
type Spec struct {
	// Name is the subcommand and the key of a step in a run-file: "wait-tcp".
	Name string
	// Group is the heading under which help and README list the task: one of [Groups].
	Group string
	// Doc is the help text. Its first line is the synopsis, without a full stop.
	Doc string
	// More returns what the help and the page end with, if that is computed: who
	// asks for no help does not pay for it. Its first line is the heading. It may be nil.
	More func() string
	// Args names the flag that positional arguments feed, "" where there are none.
	Args string
	// Rest names the flag that takes the words after "--", each as one value, also a
	// further "--" and what looks like a flag: the command of a wrapper, the steps of
	// run. It is a StringArray. Where Rest is "", they are positional arguments. As a
	// step of "run --" a task with Rest is the last one: all words after it are its own.
	Rest string
	// Needs is what the pod must grant beyond the Pod Security level restricted.
	Needs Needs
	// Container is the task in a pod, for its page: the keys args, env and volumeMounts
	// of an init container, as YAML. Its name, image and securityContext are added.
	Container string
	// Timeout is the default deadline of one run; it must be positive.
	Timeout time.Duration
	// Examples are shown by the help and the README; a test parses each of them.
	Examples []Example
	// New returns a Task that holds its defaults.
	New func() Task
}

// Groups are the groups of tasks, in the order in which help lists them.
func Groups() []string {
	return []string{"wait", "files", "database", "certificates", "node", "application"}
}

// An Example is a command line that a user may copy.
type Example struct {
	Doc     string // what it is for, one line
	Command string // as typed into a shell: "initbox wait-tcp db:5432"
}

// A Task is one configured run. Its exported fields are its configuration.
type Task interface {
	// Flags binds the configuration to fs, the present values being the
	// defaults. It has no other effect.
	Flags(fs *pflag.FlagSet)
	// Check returns every error in the configuration at once, joined. It does
	// no I/O: a file that a flag names may be made by an earlier step.
	Check() error
	// Run does the work. It is idempotent, returns within 100 ms after ctx is
	// done, and leaves neither goroutine nor file descriptor behind. It asks
	// env before every change.
	Run(ctx context.Context, env *Env) error
}
