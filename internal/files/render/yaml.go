package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxNesting is how deep lists and maps of a YAML file may be nested on one line.
// The parser recurses and has no bound of its own.
const maxNesting = 200

func checkYAML(data []byte) []problem {
	tokens := lexer.Tokenize(string(data))
	if f := checkNesting(tokens); f != nil {
		return f
	}
	if _, err := parser.Parse(tokens, 0); err != nil {
		return []problem{yamlProblem(err)}
	}
	return checkAliases(tokens)
}

// yamlProblem makes a problem of an error of the YAML library.
func yamlProblem(err error) problem {
	var located interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if !errors.As(err, &located) {
		return problem{1, "the parser cannot read it"}
	}
	return problem{line(located.GetToken()), withoutQuoted(located.GetMessage())}
}

func line(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 1
	}
	return max(1, t.Position.Line)
}

// withoutQuoted replaces what a message quotes of the file.
func withoutQuoted(message string) string {
	before, rest, ok := strings.Cut(message, `"`)
	if !ok {
		return message
	}
	return before + "…" + rest[strings.LastIndexByte(rest, '"')+1:]
}

func checkNesting(tokens token.Tokens) []problem {
	flow, block, at := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		case token.SequenceEntryType, token.MappingKeyType:
			if line(t) != at {
				block, at = 0, line(t)
			}
			block++
		}
		if flow+block > maxNesting {
			return []problem{{line(t), fmt.Sprintf("lists and maps are nested more than %d deep", maxNesting)}}
		}
	}
	return nil
}

// checkAliases finds the aliases that no anchor before them in their document
// defines, which the parser leaves to whoever resolves them.
func checkAliases(tokens token.Tokens) []problem {
	var problems []problem
	defined := make(map[string]bool)
	for i, t := range tokens {
		name := ""
		if i+1 < len(tokens) {
			name = strings.TrimSpace(tokens[i+1].Value)
		}
		switch t.Type {
		case token.DocumentHeaderType, token.DocumentEndType:
			clear(defined)
		case token.AnchorType:
			defined[name] = true
		case token.AliasType:
			if !defined[name] {
				problems = append(problems, problem{line(t), "an alias (*) without an anchor (&) of its name before it: quote the text if it is none"})
			}
		}
	}
	return problems
}
