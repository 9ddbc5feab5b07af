package tasks

import (
	"context"
	"time"

	"github.com/spf13/pflag"
)

// A Spec describes one task as plain data.
type Spec struct {
	// Name is the subcommand and the key of a step in a run-file, such as
	// "wait-tcp".
	Name string
	// Group is the heading under which help and README list the task: one of [Groups].
	Group string
	// Doc is the help text. Its first line is the synopsis, without a full stop.
	Doc string
	// More returns the end of the help and of the page, if it has to be computed;
	// only a request for help pays for that. Its first line is the heading. It may
	// be nil.
	More func() string
	// Args names the flag that takes positional arguments, "" if there is none.
	Args string
	// Rest names the flag that takes the words after "--", each as one value,
	// including a further "--" and words that look like flags: the command of a
	// wrapper, the steps of run. The flag is a StringArray. If Rest is "", those
	// words are positional arguments. In "run --", a task with Rest is the last
	// step, because it takes all words that follow.
	Rest string
	// Needs is what the pod must grant beyond the Pod Security level restricted.
	Needs Needs
	// Container shows the task in a pod, for its page: the keys args, env and
	// volumeMounts of an init container, as YAML. The page adds name, image and
	// securityContext.
	Container string
	// Timeout is the default deadline of one run; it must be positive.
	Timeout time.Duration
	// Examples appear in the help and the README; a test parses each of them.
	Examples []Example
	// New returns a Task that holds its defaults.
	New func() Task
}

// Groups returns the groups of tasks in the order in which help lists them.
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
	// Flags binds the configuration to fs, with the current values as defaults. It
	// has no other effect.
	Flags(fs *pflag.FlagSet)
	// Check returns every error in the configuration at once, joined. It does no
	// I/O: an earlier step may still have to create a file that a flag names.
	Check() error
	// Run does the work. It is idempotent, returns within 100 ms after ctx is
	// done, and leaves no goroutine or file descriptor behind. It makes every
	// change through [Env.Do].
	Run(ctx context.Context, env *Env) error
}
