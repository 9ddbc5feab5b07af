package tasks

import "github.com/initbox/initbox/internal/fault"

// A Kind says what a failed run means to whoever started it.
type Kind = fault.Kind

const (
	// Failed is the kind of every error that says nothing else: a retry may help.
	Failed = fault.Failed
	// Usage is a fault in the configuration; nothing was touched.
	Usage = fault.Usage
	// Final is a failure that no retry can heal: a bad certificate, a dirty schema.
	Final = fault.Final
)

// An Error is a failure with what the reader needs to act on it. Any error may
// be returned by a Task; one that is, or wraps, an *Error says more.
type Error = fault.Error

// Usagef returns an error of kind Usage. Name the flag, variable or file and
// line, say what is wrong and what to write instead.
func Usagef(format string, args ...any) error { return fault.Usagef(format, args...) }

// Finalf returns an error of kind Final.
func Finalf(format string, args ...any) error { return fault.Finalf(format, args...) }

// WithNext adds the next step to err and keeps its kind.
func WithNext(err error, next string) error { return fault.WithNext(err, next) }

// KindOf returns the kind of err: that of the outermost *Error in it, or Failed.
func KindOf(err error) Kind { return fault.KindOf(err) }

// NextOf returns the next step that err advises, or "". Of joined errors the first
// that advises one counts.
func NextOf(err error) string { return fault.NextOf(err) }

// Permanent reports whether trying again cannot heal err.
func Permanent(err error) bool { return fault.Permanent(err) }
