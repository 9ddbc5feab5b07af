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

// newStepCommand returns spec as a step of a plan. Its only shared flag is the
// timeout; the others belong to the process.
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

// Configure returns a task of spec configured by a command line alone: its
// arguments without the task's name. The error is of kind Usage.
func Configure(spec tasks.Spec, args []string) (tasks.Task, error) {
	c := newCommand(spec)
	return c.task, c.configure(nil, args)
}

// configure sets the flags of c from the command line and the environment, and
// checks the task. It returns pflag.ErrHelp if args ask for help.
func (c *command) configure(e environ, args []string) error {
	parseErr := c.parse(args)
	if errors.Is(parseErr, pflag.ErrHelp) {
		return parseErr
	}
	if parseErr != nil {
		c.rescue(args)
	}
	envErr := e.apply(c.flags, c.spec.Name, c.shared())
	if err := errors.Join(parseErr, envErr); err != nil {
		return tasks.WithNext(&tasks.Error{Kind: tasks.Usage, Err: err}, helpOf(c.spec.Name))
	}
	return c.check()
}

// helpOf is the next step where nothing better is known.
func helpOf(task string) string { return "initbox help " + task }

// parseFlags sets the flags of fs that args give. It refuses a second value for a
// flag that takes one: the flag would drop one of them silently.
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

// parse reads the command line. It returns pflag.ErrHelp if args ask for help.
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

// rescue sets the flags for reporting from a command line that could not be parsed,
// so that the error of that command line is reported as it asks.
func (c *command) rescue(args []string) {
	if dash := slices.Index(args, "--"); dash >= 0 {
		args = args[:dash] // the words after it may be flags of another command
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

// check returns all errors in the configuration as one error of kind Usage.
func (c *command) check() error {
	if err := c.task.Check(); err != nil {
		return &tasks.Error{Kind: tasks.Usage, Err: err, Next: tasks.NextOf(err)}
	}
	return nil
}

// bind sets the flags that to names, such as "owner path...", to words. The flag
// with dots takes the words that the others leave. Errors show the words as
// written, before variables were expanded.
func (c *command) bind(to string, words, written []string) error {
	names := strings.Fields(to)
	// A flag given by name takes no word: the word goes to the next flag.
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
				return badValue(strings.ToUpper(f.Name), f, written[i], err)
			}
		}
		words, written = words[take:], written[take:]
	}
	return nil
}

// shortForm returns the flags that take the words of a step written without names
// of flags, as in "wait-tcp: db:5432". Its form is that of bind.
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

// flagError rewords an error of pflag. Its errors arrive unwrapped.
func (c *command) flagError(err error) error {
	switch e := err.(type) {
	case *pflag.NotExistError:
		return c.unknownFlag(e)
	case *pflag.ValueRequiredError:
		_, usage := pflag.UnquoteUsage(e.GetFlag())
		return tasks.Usagef("--%s needs a value: %s", e.GetFlag().Name, usage)
	case *pflag.InvalidValueError:
		return badValue("--"+e.GetFlag().Name, e.GetFlag(), e.GetValue(), err)
	}
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	return tasks.Usagef("%w", err)
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

// hint suggests what to write instead of the unknown flag name.
func (c *command) hint(name, dashes string) string {
	if newCommand(c.spec).flags.Lookup(name) != nil {
		return fmt.Sprintf(": it belongs to the whole run, give it to initbox run (%s%s)", dashes, name)
	}
	if near := nearest(name, c.names()); near != "" {
		return fmt.Sprintf(": did you mean %s%s?", dashes, near)
	}
	return fmt.Sprintf(": see initbox help %s", c.spec.Name)
}
