package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/tasks"
)

const envPrefix = "INITBOX_"

// An environ is the environment of the process.
type environ map[string]string

func newEnviron(list []string) environ {
	e := make(environ, len(list))
	for _, kv := range list {
		if name, value, ok := strings.Cut(kv, "="); ok {
			e[name] = value
		}
	}
	return e
}

func (e environ) lookup(name string) (string, bool) {
	v, ok := e[name]
	return v, ok
}

// envName returns the variable of a flag: INITBOX_WAIT_TCP_HOLD for wait-tcp
// and hold, INITBOX_TIMEOUT for no task and timeout.
func envName(task, flag string) string {
	name := envPrefix
	if task != "" {
		name += task + "_"
	}
	return strings.ToUpper(strings.ReplaceAll(name+flag, "-", "_"))
}

// namespaceFile is where kubelet puts the namespace of a pod's service account.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// whoWeAre returns the pod and its namespace as [tasks.Env] has them. HOSTNAME is not
// asked: where it is not the host's name, it was set for another purpose, such as the
// address that a server listens on.
func (e environ) whoWeAre() (pod, namespace string) {
	pod, namespace = e["POD_NAME"], e["POD_NAMESPACE"]
	if pod == "" {
		pod, _ = os.Hostname() // unknown stays ""
	}
	if namespace == "" {
		data, _ := os.ReadFile(namespaceFile) // there is none without a service account's token
		namespace = strings.TrimSpace(string(data))
	}
	return pod, namespace
}

// apply sets each flag of fs that the command line left alone from the
// environment: from the variable of the task, or of every task where the flag
// is in shared. Empty variables count as unset, since a chart that has no value
// to give leaves them empty. The error joins all bad values.
func (e environ) apply(fs *pflag.FlagSet, task string, shared []string) error {
	var errs []error
	fs.VisitAll(func(f *pflag.Flag) {
		if v, ok := f.Value.(flags.EnvValue); ok {
			v.UseEnv(e.lookup)
		}
		if f.Changed {
			return
		}
		names := []string{envName(task, f.Name)}
		if slices.Contains(shared, f.Name) {
			names = append(names, envName("", f.Name))
		}
		for _, name := range names {
			value := e[name]
			if value == "" || isServiceVariable(name, value) {
				continue
			}
			if err := setAll(fs, f, splitEnv(f, value)); err != nil {
				errs = append(errs, badValue(name, f, value, err))
			}
			return
		}
	})
	return errors.Join(errs...)
}

// splitEnv returns the values in a variable: one a line for a flag that may be
// given more than once, which a YAML block scalar writes naturally.
func splitEnv(f *pflag.Flag, value string) []string {
	if !isList(f) {
		return []string{value}
	}
	var values []string
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); line != "" {
			values = append(values, line)
		}
	}
	return values
}

func setAll(fs *pflag.FlagSet, f *pflag.Flag, values []string) error {
	for _, v := range values {
		if err := fs.Set(f.Name, v); err != nil {
			return unwrapFlagError(err)
		}
	}
	return nil
}

// isList reports whether f may be given more than once.
func isList(f *pflag.Flag) bool {
	_, ok := f.Value.(pflag.SliceValue)
	return ok
}

// badValue is the error for a value that a flag refused. where is the flag, the
// variable, or file and line.
func badValue(where string, f *pflag.Flag, value string, err error) error {
	if flags.IsSecret(f) {
		return tasks.Usagef("%s: %w", where, err)
	}
	return tasks.Usagef("%s: %q: %w", where, value, err)
}

// unknown returns the INITBOX_ variables that no command reads, sorted.
func (e environ) unknown(known map[string]bool) []string {
	var names []string
	for name, value := range e {
		if strings.HasPrefix(name, envPrefix) && !known[name] && !isServiceVariable(name, value) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// isServiceVariable reports whether Kubernetes injected the variable for a
// Service whose name begins with "initbox": NAME_SERVICE_HOST,
// NAME_SERVICE_PORT[_port], NAME_PORT and NAME_PORT_80_TCP[_PROTO|_PORT|_ADDR]
// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
// The plain NAME_PORT could be a flag, so its value decides.
func isServiceVariable(name, value string) bool {
	if strings.HasSuffix(name, "_SERVICE_HOST") || strings.HasSuffix(name, "_SERVICE_PORT") || strings.Contains(name, "_SERVICE_PORT_") {
		return true
	}
	if strings.HasSuffix(name, "_PORT") && hasAnyPrefix(value, "tcp://", "udp://", "sctp://") {
		return true
	}
	_, port, ok := strings.Cut(name, "_PORT_")
	if !ok {
		return false
	}
	number, rest, _ := strings.Cut(port, "_")
	return number != "" && strings.Trim(number, "0123456789") == "" && hasAnyPrefix(rest, "TCP", "UDP", "SCTP")
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// unwrapFlagError returns what a flag's Set said, without pflag's words around it.
func unwrapFlagError(err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return errors.Unwrap(invalid)
	}
	return fmt.Errorf("%w", err)
}
