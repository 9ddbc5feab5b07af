// Package finding defines what can be wrong with TLS material: a stable list of
// reason codes, each with its meaning and the next step, and the Finding that says
// which certificate or file it is about.
package finding

import (
	"fmt"
	"slices"
	"strings"
)

// A Code is the stable name of a kind of fault. Codes are added, never renamed.
type Code string

// An Entry documents one Code.
type Entry struct {
	Code    Code
	Meaning string // one line
	Next    string // the next step
	Strict  bool   // found only with --strict
	Warning bool   // reported, but no failure
}

// A Finding is one fault and its place.
type Finding struct {
	Code    Code   `json:"code"`
	Subject string `json:"subject,omitempty"`
	Serial  string `json:"serial,omitempty"`
	File    string `json:"file,omitempty"`
	Block   int    `json:"block,omitempty"` // in File, counted from 1; 0 for the whole file
	Detail  string `json:"detail"`
	Next    string `json:"next"`
	Warning bool   `json:"warning,omitempty"`
}

// New returns a finding about a file or, if block is not 0, about one block of it.
func New(code Code, file string, block int, format string, args ...any) Finding {
	e := Lookup(code)
	return Finding{Code: code, File: file, Block: block, Detail: fmt.Sprintf(format, args...), Next: e.Next, Warning: e.Warning}
}

// Where identifies the certificate or the file: `tls.crt block 1 "CN=app" serial
// 0a`.
func (f Finding) Where() string {
	var parts []string
	if f.File != "" {
		parts = append(parts, f.File)
	}
	if f.Block > 0 {
		parts = append(parts, fmt.Sprintf("block %d", f.Block))
	}
	if f.Subject != "" {
		parts = append(parts, fmt.Sprintf("%q", f.Subject))
	}
	if f.Serial != "" {
		parts = append(parts, "serial "+f.Serial)
	}
	return strings.Join(parts, " ")
}

// String returns the finding on one line, without the next step.
func (f Finding) String() string {
	s := string(f.Code)
	if where := f.Where(); where != "" {
		s += ": " + where
	}
	return s + ": " + f.Detail
}

// OrWait ends the next step of faults that --wait may outlast.
const OrWait = ", or use --wait"

// A List is the findings in the order in which they were made.
type List []Finding

// Add appends a finding about a file.
func (l *List) Add(code Code, file string, block int, format string, args ...any) {
	*l = append(*l, New(code, file, block, format, args...))
}

// Unique returns l without repetitions. The first of several equal findings stays.
func (l List) Unique() List {
	seen := make(map[Finding]bool)
	return slices.DeleteFunc(slices.Clone(l), func(f Finding) bool {
		again := seen[f]
		seen[f] = true
		return again
	})
}

// Failed reports whether l contains a failure, not only warnings.
func (l List) Failed() bool {
	return slices.ContainsFunc(l, func(f Finding) bool { return !f.Warning })
}

// Has reports whether l contains code.
func (l List) Has(code Code) bool {
	return slices.ContainsFunc(l, func(f Finding) bool { return f.Code == code })
}

// Codes returns each code in l once, failures before warnings.
func (l List) Codes() []Code {
	var codes []Code
	seen := make(map[Code]bool)
	for _, warning := range []bool{false, true} {
		for _, f := range l {
			if f.Warning == warning && !seen[f.Code] {
				seen[f.Code] = true
				codes = append(codes, f.Code)
			}
		}
	}
	return codes
}
