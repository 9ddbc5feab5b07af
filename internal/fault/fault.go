// Package fault classifies errors: what kind of failure an error is, and the
// next step that its reader may try. It imports nothing of initbox, so every
// package may use it. Package tasks re-exports it.
package fault

import (
	"errors"
	"fmt"
)

// A Kind says what a failure means for the caller of the run.
type Kind int

const (
	// Failed is the kind of every error without a kind of its own: a retry may
	// help.
	Failed Kind = iota
	// Usage is a mistake in the configuration; the run has changed nothing.
	Usage
	// Final is a failure that no retry can fix: a bad certificate, a dirty schema.
	Final
)

// An Error is a failure with what its reader needs to act on it. A Task may
// return any error; one that is, or wraps, an *Error says more.
type Error struct {
	Kind Kind
	Err  error  // names the target and the cause, in lower case, without secrets
	Next string // the next step to try, "" for none

	// Cause is what Poll compares to decide whether a failure is new; "" means the
	// text of Err. It leaves out what differs at every attempt, such as times.
	Cause string
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Usagef returns an error of kind Usage. The text names the flag, the variable,
// or the file and line, and says what is wrong and what to write instead.
func Usagef(format string, args ...any) error {
	return &Error{Kind: Usage, Err: fmt.Errorf(format, args...)}
}

// Finalf returns an error of kind Final.
func Finalf(format string, args ...any) error {
	return &Error{Kind: Final, Err: fmt.Errorf(format, args...)}
}

// WithNext returns err with the next step to try. The kind stays that of err.
func WithNext(err error, next string) error {
	return &Error{Kind: KindOf(err), Err: err, Next: next}
}

// Reword returns an error with the given text that wraps err: people read the
// text, and errors.Is and errors.As still find err.
func Reword(err error, text string) error { return &reworded{text, err} }

type reworded struct {
	text string
	err  error
}

func (r *reworded) Error() string { return r.text }

func (r *reworded) Unwrap() error { return r.err }

// KindOf returns the kind of err: that of the outermost *Error in it, or Failed.
func KindOf(err error) Kind {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Kind
	}
	return Failed
}

// NextOf returns the next step that err advises, or "". Of joined errors, the
// first one that advises a step counts.
func NextOf(err error) string {
	if e, ok := err.(*Error); ok && e.Next != "" {
		return e.Next
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return NextOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			if next := NextOf(part); next != "" {
				return next
			}
		}
	}
	return ""
}

// CauseOf returns the text by which err differs from other failures of the same
// target.
func CauseOf(err error) string {
	if e := (*Error)(nil); errors.As(err, &e) && e.Cause != "" {
		return e.Cause
	}
	return err.Error()
}

// Permanent reports whether another attempt is useless: the kind of err is not
// Failed.
func Permanent(err error) bool { return KindOf(err) != Failed }
