// Package render fills variables into configuration files and checks the result.
// It works in memory only; who calls it writes the result.
//
// # Variables
//
// There is one set of variables: the environment, over it the --vars-file files
// in their order, over them the --vars-dir directories in theirs. The later one
// wins, because a file is named on purpose and an environment is inherited.
// --vars and --vars-prefix choose the variables that exist for the rendered
// files, wherever they come from; both together choose what either chooses.
//
// # Binary files
//
// A file with a NUL byte is binary, as git and grep see it, and passes through
// unchanged and unbounded. Text in an old encoding (Latin-1) has none and is
// rendered; its other bytes stay as they are.
//
// # Mode env
//
//	${NAME}           the value; unset is an error
//	${NAME:-default}  the default if NAME is unset or empty
//	${NAME:?message}  an error with this message if NAME is unset or empty
//	$${NAME}          the text ${NAME} itself
//
// A name has letters, digits and underscores and does not begin with a digit.
// Every other byte stays as it is: $NAME, $$, $1, ${1}, ${a variable that was
// not chosen}. Only directly before a reference is $$ an escape: each pair of
// dollar signs there becomes one, so $$${NAME} is a dollar sign and the value.
// The shell's PID, a regular expression or a Makefile's $$ need no care.
//
// The other forms of the shell (${NAME-x}, ${NAME+x}, ${NAME%x} …) are errors
// for chosen names: in a configuration file they are more often a slip, or
// another program's syntax, than meant. A reference stands on one line. A
// default or message may hold references, eight deep, but no other brace: where
// ${NAME:-{"a":1}} ends is not what most readers think. A message is shown as it
// is written, without values. A value is inserted
// as it is; references in it are not expanded.
//
// # Mode template
//
// The file is a text/template. {{.NAME}} is a variable, and an error if it is
// unset; {{env "NAME"}} is "" then, made for default, required and if, and for
// names that are no identifiers, as the keys of a Secret: {{env "tls.crt"}}.
//
//	env "NAME"             the variable, "" if it is unset
//	file "/path"           the content of a regular file, at most the size limit
//	default "x" VALUE      "x" if VALUE is empty: "", 0, false, an empty list
//	required "why" VALUE   an error with this message if VALUE is ""
//	quote VALUE            in double quotes, for JSON, YAML and TOML
//	toJson VALUE           as JSON on one line
//	toYaml VALUE           as YAML, lists and maps in block style
//	b64enc, b64dec TEXT    base64, the standard alphabet
//	urlquery VALUE         escaped for the query of a URL
//	sha256 TEXT            the hex digest
//	join "," LIST          one text
//	split "," TEXT         a list; that of "" is empty
//	trim TEXT              without white space at both ends
//	indent 4 TEXT          every line moved right
//	ordinal                3 in the pod web-3 of a StatefulSet
//
// The functions of text/template itself (printf, eq, index, len …) exist too.
//
// Output, call depth and the memory that functions take are bounded. A template
// that loops without end runs until the context is done, and not longer.
//
// # Errors
//
// An error is FILE:LINE: MESSAGE. It never holds the value of a variable, and of
// a file only what its author wrote as a name, a message or a template's action.
// In mode env all errors of a file are reported at
// once; text/template stops at its first.
package render
