package cli

import (
	"errors"
	"os"
	"regexp"
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

// envName returns the name of the variable for a flag of task:
// INITBOX_WAIT_TCP_HOLD for hold of wait-tcp. If task is "", the variable is for
// all tasks: INITBOX_TIMEOUT for timeout.
func envName(task, flag string) string {
	name := envPrefix
	if task != "" {
		name += task + "_"
	}
	return strings.ToUpper(strings.ReplaceAll(name+flag, "-", "_"))
}

// namespaceFile is where kubelet puts the namespace of a pod's service account.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// whoWeAre returns the pod and its namespace as [tasks.Env] defines them. It does not
// read HOSTNAME: where that is not the host's name, it was set for another purpose, such
// as the address that a server listens on.
func (e environ) whoWeAre() (pod, namespace string) {
	pod, namespace = e["POD_NAME"], e["POD_NAMESPACE"]
	if pod == "" {
		pod, _ = os.Hostname() // "" if it fails
	}
	if namespace == "" {
		data, _ := os.ReadFile(namespaceFile) // a pod without a service account's token lacks it
		namespace = strings.TrimSpace(string(data))
	}
	return pod, namespace
}

// apply sets each flag of fs that the command line did not give from the
// environment: from the variable of the task or, if the flag is in shared, from the
// variable for all tasks. Empty variables count as unset, since a chart without a
// value leaves them empty. The error joins all bad values.
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
			for _, v := range splitEnv(f, value) {
				if err := fs.Set(f.Name, v); err != nil {
					errs = append(errs, badValue(name, f, value, err))
					return
				}
			}
			return
		}
	})
	return errors.Join(errs...)
}

// splitEnv returns the values in a variable. For a flag that may be given more than
// once each line is a value, as YAML's block scalars write them.
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

// isList reports whether f may be given more than once.
func isList(f *pflag.Flag) bool {
	_, ok := f.Value.(pflag.SliceValue)
	return ok
}

// badValue returns the error for a value that f refused with err. where is the
// name of the flag, the variable or the key.
func badValue(where string, f *pflag.Flag, value string, err error) error {
	err = unwrapFlagError(err)
	if flags.IsSecret(f) {
		return tasks.Usagef("%s: %w", where, err)
	}
	return tasks.Usagef("%s: %q: %w", where, value, err)
}

// unknown returns the INITBOX_ variables that no command reads, sorted.
func (e environ) unknown(known []string) []string {
	var names []string
	for name, value := range e {
		if strings.HasPrefix(name, envPrefix) && !slices.Contains(known, name) && !isServiceVariable(name, value) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// serviceVariable matches what Kubernetes injects for a Service: NAME_SERVICE_HOST,
// NAME_SERVICE_PORT[_port], NAME_PORT and NAME_PORT_80_TCP[_PROTO|_PORT|_ADDR]
// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
// The plain NAME_PORT could be a flag, so its value decides.
const serviceVariable = `^[^=]*(_SERVICE_(HOST|PORT)=|_SERVICE_PORT_|_PORT_[0-9]+_(TCP|UDP|SCTP)|_PORT=(tcp|udp|sctp)://)`

// isServiceVariable reports whether Kubernetes injected the variable for a Service
// whose name begins with "initbox".
func isServiceVariable(name, value string) bool {
	return regexp.MustCompile(serviceVariable).MatchString(name + "=" + value) // few variables get here
}

// unwrapFlagError returns the error of a flag's Set without pflag's words around it.
func unwrapFlagError(err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return errors.Unwrap(invalid)
	}
	return err
}
