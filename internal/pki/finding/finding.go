// Package finding is the vocabulary of what can be wrong with TLS material: a
// stable list of reason codes, each with its meaning and what to do, and the
// Finding that says which certificate it is about.
package finding

import (
	"fmt"
	"slices"
	"strings"
)

// A Code is a stable reason. Codes are added, never renamed.
type Code string

// An Entry documents one Code.
type Entry struct {
	Code    Code
	Meaning string // one line
	Next    string // what to do
	Strict  bool   // only found with --strict
	Warning bool   // named, but no reason to fail
}

// A Finding is one fault, and where it is.
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

// New returns a finding about a file, or one block of it.
func New(code Code, file string, block int, format string, args ...any) Finding {
	e := Lookup(code)
	return Finding{Code: code, File: file, Block: block, Detail: fmt.Sprintf(format, args...), Next: e.Next, Warning: e.Warning}
}

// Where names the certificate or the file: `tls.crt block 1 "CN=app" serial 0a`.
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

// String is the finding in one line, without what to do.
func (f Finding) String() string {
	s := string(f.Code)
	if where := f.Where(); where != "" {
		s += ": " + where
	}
	return s + ": " + f.Detail
}

// OrWait ends the next step of what --wait would wait for.
const OrWait = ", or use --wait"

// A List is what was found, in the order in which it was found.
type List []Finding

// Add appends a finding about a file.
func (l *List) Add(code Code, file string, block int, format string, args ...any) {
	*l = append(*l, New(code, file, block, format, args...))
}

// Unique returns l with each finding once, where it stands first.
func (l List) Unique() List {
	seen := make(map[Finding]bool)
	return slices.DeleteFunc(slices.Clone(l), func(f Finding) bool {
		again := seen[f]
		seen[f] = true
		return again
	})
}

// Failed reports whether any finding is a reason to fail.
func (l List) Failed() bool {
	for _, f := range l {
		if !f.Warning {
			return true
		}
	}
	return false
}

// Has reports whether code was found.
func (l List) Has(code Code) bool {
	for _, f := range l {
		if f.Code == code {
			return true
		}
	}
	return false
}

// Codes returns each code found once, reasons to fail first.
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
