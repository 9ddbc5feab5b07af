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
	// Doc is the help text. Its first line is the synopsis, without a full stop.
	Doc string
	// More returns what follows Doc, if that is computed: who asks for no help
	// does not pay for it. It may be nil.
	More func() string
	// Args names the flag that positional arguments feed, "" where there are none.
	Args string
	// Timeout is the default deadline of one run; it must be positive.
	Timeout time.Duration
	// Examples are shown by the help and the README; a test parses each of them.
	Examples []Example
	// New returns a Task that holds its defaults.
	New func() Task
}

// Help returns the whole help text.
func (s Spec) Help() string {
	if s.More == nil {
		return s.Doc
	}
	return s.Doc + s.More()
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
