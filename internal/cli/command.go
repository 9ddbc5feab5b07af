package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/tasks"
)

// A command is one task being configured.
type command struct {
	spec  tasks.Spec
	task  tasks.Task
	flags *pflag.FlagSet
	opts  options
	own   []string // names of the flags of the task itself
}

// options are the flags that every task has.
type options struct {
	timeout        time.Duration
	dryRun         bool
	terminationLog string
	logFormat      string
	logLevel       string
}

const defaultTerminationLog = "/dev/termination-log"

// newCommand returns spec with its defaults and all its flags.
func newCommand(spec tasks.Spec) *command {
	c := newStepCommand(spec)
	fs := c.flags
	fs.BoolVar(&c.opts.dryRun, "dry-run", false, "change nothing, say what would change")
	fs.StringVar(&c.opts.terminationLog, "termination-log", defaultTerminationLog,
		"`file` that takes the verdict, if it exists; what the container's terminationMessagePath says")
	flags.Enum(fs, &c.opts.logFormat, "log-format", []string{"text", "json"}, "how log lines are written to stderr")
	flags.Enum(fs, &c.opts.logLevel, "log-level", []string{"debug", "info", "warn", "error"}, "least level that is logged")
	return c
}

// newStepCommand returns spec as a step of a plan: of the options it has the
// timeout, the others belong to the process.
func newStepCommand(spec tasks.Spec) *command {
	c := &command{spec: spec, task: spec.New()}
	c.opts = options{timeout: spec.Timeout, logFormat: "text", logLevel: "info"}
	c.flags = newFlagSet(spec.Name)
	c.task.Flags(c.flags)
	c.flags.VisitAll(func(f *pflag.Flag) { c.own = append(c.own, f.Name) })
	flags.Duration(c.flags, &c.opts.timeout, "timeout", time.Millisecond, "deadline: the task ends by then, done or not")
	return c
}

// names returns the names of all flags of c.
func (c *command) names() []string {
	var names []string
	c.flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// shared returns the names of the flags that every task has.
func (c *command) shared() []string {
	return slices.DeleteFunc(c.names(), func(n string) bool { return slices.Contains(c.own, n) })
}

func newFlagSet(name string) *pflag.FlagSet {
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	return fs
}

// parseFlags gives fs the flags in args. A flag that takes one value is refused a
// second one: whichever was meant, the other would be dropped in silence.
func parseFlags(fs *pflag.FlagSet, args []string) error {
	given := make(map[string]string)
	return fs.ParseAll(args, func(f *pflag.Flag, value string) error {
		first, again := given[f.Name]
		given[f.Name] = value
		switch {
		case !again || isList(f):
			return fs.Set(f.Name, value)
		case flags.IsSecret(f):
			return tasks.Usagef("--%s is given twice: it takes one value", f.Name)
		default:
			return tasks.Usagef("--%s is given twice, as %q and %q: it takes one value", f.Name, first, value)
		}
	})
}

// parse reads the command line. It returns pflag.ErrHelp if help was asked for.
func (c *command) parse(args []string) error {
	if err := parseFlags(c.flags, args); err != nil {
		return c.flagError(err)
	}
	words, rest := c.flags.Args(), []string(nil)
	if dash := c.flags.ArgsLenAtDash(); dash >= 0 && c.spec.Rest != "" {
		words, rest = words[:dash], words[dash:]
	}
	if err := c.bind(c.spec.Args, words, words); err != nil {
		return err
	}
	return c.bind(c.spec.Rest+"...", rest, rest)
}

// rescue sets what says how to report from a command line that could not be
// parsed, as far as it stands there.
func (c *command) rescue(args []string) {
	if dash := slices.Index(args, "--"); dash >= 0 {
		args = args[:dash] // what follows may have flags of its own
	}
	for i, arg := range args {
		name, value, ok := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if name != "termination-log" && name != "log-format" || c.flags.Changed(name) {
			continue
		}
		if !ok && i+1 < len(args) {
			value = args[i+1]
		}
		_ = c.flags.Set(name, value) // a bad value is not worse than none
	}
}

// check returns every fault in the configuration as an error of kind Usage.
func (c *command) check() error {
	if err := c.task.Check(); err != nil {
		return &tasks.Error{Kind: tasks.Usage, Err: err, Next: tasks.NextOf(err)}
	}
	return nil
}

// bind gives words to the flags that to names, as in "owner path...": the one
// with dots takes what the others leave. Errors show the words as they were
// written, before variables were expanded.
func (c *command) bind(to string, words, written []string) error {
	names := strings.Fields(to)
	// A flag that was given by name leaves its place to the next one.
	names = slices.DeleteFunc(names, func(n string) bool {
		return !strings.HasSuffix(n, "...") && c.flags.Changed(n)
	})
	list := slices.IndexFunc(names, func(n string) bool { return strings.HasSuffix(n, "...") })
	for i := 0; len(words) > 0; i++ {
		if i >= len(names) {
			return c.unexpected(written)
		}
		take := 1
		if i == list {
			take = max(len(words)-(len(names)-i-1), 0)
		}
		f := c.flags.Lookup(strings.TrimSuffix(names[i], "..."))
		for i, w := range words[:take] {
			if err := c.flags.Set(f.Name, w); err != nil {
				return badValue(strings.ToUpper(f.Name), f, written[i], unwrapFlagError(err))
			}
		}
		words, written = words[take:], written[take:]
	}
	return nil
}

// shortForm says what takes the words of a step that is written without the names
// of its flags, as in "wait-tcp: db:5432".
func (c *command) shortForm() string {
	if c.spec.Args == "" && c.spec.Rest != "" {
		return c.spec.Rest + "..."
	}
	return c.spec.Args
}

// unexpected is the error for words that no flag takes.
func (c *command) unexpected(words []string) error {
	if c.spec.Rest == "" {
		return tasks.Usagef("unexpected argument %q: usage: %s", words[0], c.usageLine())
	}
	return tasks.Usagef(`unexpected argument %q: put "--" before the %s (initbox %s -- %s)`,
		words[0], c.spec.Rest, c.spec.Name, strings.Join(words, " "))
}

func (c *command) usageLine() string {
	line := "initbox " + c.spec.Name + " [flags]"
	if c.spec.Args != "" {
		line += " " + strings.ToUpper(c.spec.Args)
	}
	if c.spec.Rest != "" {
		line += " [-- " + strings.ToUpper(c.spec.Rest) + "...]"
	}
	return line
}

// flagError puts an error of pflag in our words.
func (c *command) flagError(err error) error {
	var (
		missing *pflag.NotExistError
		noValue *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &missing):
		return c.unknownFlag(missing)
	case errors.As(err, &noValue):
		_, usage := pflag.UnquoteUsage(noValue.GetFlag())
		return tasks.Usagef("--%s needs a value: %s", noValue.GetFlag().Name, usage)
	case errors.As(err, &invalid):
		return badValue("--"+invalid.GetFlag().Name, invalid.GetFlag(), invalid.GetValue(), unwrapFlagError(err))
	default:
		return tasks.Usagef("%w", err)
	}
}

func (c *command) unknownFlag(err *pflag.NotExistError) error {
	name := err.GetSpecifiedName()
	if rest := c.spec.Rest; rest != "" && c.flags.NArg() > 0 {
		return tasks.Usagef(`unknown flag --%s: if it belongs to a %s, put "--" before the %s (initbox %s -- %s ...)`,
			name, rest, rest, c.spec.Name, c.flags.Arg(0))
	}
	if short := err.GetSpecifiedShortnames(); short != "" {
		if word, _, _ := strings.Cut(short, "="); c.flags.Lookup(word) != nil {
			return tasks.Usagef("unknown flag -%s: write --%s, with two dashes", word, word)
		}
		return tasks.Usagef("unknown flag -%s", name)
	}
	return tasks.Usagef("unknown flag --%s%s", name, c.hint(name, "--"))
}

// hint says what the flag name was probably meant to be.
func (c *command) hint(name, dashes string) string {
	if newCommand(c.spec).flags.Lookup(name) != nil {
		return fmt.Sprintf(": it belongs to the whole run, give it to initbox run (%s%s)", dashes, name)
	}
	if near := nearest(name, c.names()); near != "" {
		return fmt.Sprintf(": did you mean %s%s?", dashes, near)
	}
	return fmt.Sprintf(": see initbox help %s", c.spec.Name)
}
