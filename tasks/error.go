package tasks

import "github.com/initbox/initbox/internal/fault"

// A Kind says what a failure means for the caller of the run.
type Kind = fault.Kind

const (
	// Failed is the kind of every error without a kind of its own: a retry may
	// help.
	Failed = fault.Failed
	// Usage is a mistake in the configuration; the run has changed nothing.
	Usage = fault.Usage
	// Final is a failure that no retry can fix: a bad certificate, a dirty schema.
	Final = fault.Final
)

// An Error is a failure with what its reader needs to act on it. A Task may
// return any error; one that is, or wraps, an *Error says more.
type Error = fault.Error

// Usagef returns an error of kind Usage. The text names the flag, the variable,
// or the file and line, and says what is wrong and what to write instead.
func Usagef(format string, args ...any) error { return fault.Usagef(format, args...) }

// Finalf returns an error of kind Final.
func Finalf(format string, args ...any) error { return fault.Finalf(format, args...) }

// WithNext returns err with the next step to try. The kind stays that of err.
func WithNext(err error, next string) error { return fault.WithNext(err, next) }

// KindOf returns the kind of err: that of the outermost *Error in it, or Failed.
func KindOf(err error) Kind { return fault.KindOf(err) }

// NextOf returns the next step that err advises, or "". Of joined errors, the
// first one that advises a step counts.
func NextOf(err error) string { return fault.NextOf(err) }

// Permanent reports whether another attempt is useless: the kind of err is not
// Failed.
func Permanent(err error) bool { return fault.Permanent(err) }
