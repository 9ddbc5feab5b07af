// Package gotemplate executes templates in the language of text/template on
// plain data.
//
// The standard library's own evaluator finds methods by their names at run time.
// A program that links it keeps every exported method of every type it has: two
// of the fifteen megabytes of initbox. So text/template/parse reads a template
// here, as it does there, and this package walks the tree. A differential test
// holds the two to one behaviour and to the same messages.
//
// # Data
//
// A value is nil, a bool, int, byte (an element of a text), float64, complex128,
// string, []string or map[string]string. There are no methods, fields of
// structures, pointers, channels and functions as values. A key that a map does
// not have is an error, as with the option missingkey=error.
//
// # Functions
//
// and, or, not, len, index, slice, eq, ne, lt, le, gt and ge are built in. All
// others come from the caller, print and its like too: who bounds the work of a
// template has to see what they make.
//
// # Errors
//
// An [Error] names only what stands in the template and the types of values, so
// it can be shown where values are secrets. What a function's own error says is
// the function's affair.
package gotemplate
