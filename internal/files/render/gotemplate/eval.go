package gotemplate

import (
	"strings"
	"text/template/parse"
)

// absent stands for the value before a pipeline's first command, where nil would
// be one.
type absent struct{}

func (s *state) pipeline(dot any, pipe *parse.PipeNode) (any, error) {
	if pipe == nil {
		return nil, nil
	}
	s.node = pipe
	var value any = absent{}
	for _, cmd := range pipe.Cmds {
		var err error
		if value, err = s.command(dot, cmd, value); err != nil {
			return nil, err
		}
	}
	for _, v := range pipe.Decl {
		if pipe.IsAssign {
			if err := s.set(v.Ident[0], value); err != nil {
				return nil, err
			}
		} else {
			s.vars = append(s.vars, variable{v.Ident[0], value})
		}
	}
	return value, nil
}

// command evaluates one command of a pipeline; final is the value before it.
func (s *state) command(dot any, cmd *parse.CommandNode, final any) (any, error) {
	first := cmd.Args[0]
	hasArgs := len(cmd.Args) > 1 || final != absent{}
	switch n := first.(type) {
	case *parse.FieldNode, *parse.ChainNode, *parse.VariableNode:
		return s.reference(dot, n, hasArgs)
	case *parse.IdentifierNode:
		return s.function(dot, n, cmd, cmd.Args[1:], final)
	case *parse.PipeNode:
		if !hasArgs {
			return s.pipeline(dot, n)
		}
	default:
		s.node = n
	}
	if hasArgs {
		return nil, s.noFunction(first)
	}
	switch first.(type) {
	case *parse.DotNode:
		return dot, nil
	case *parse.NilNode:
		return nil, s.errorf("nil is not a command")
	}
	return s.constant(first)
}

func (s *state) noFunction(node parse.Node) error {
	return s.errorf("can't give argument to non-function %s", node)
}

// reference evaluates a variable, or what the fields after one, dot or a pipeline
// lead to.
func (s *state) reference(dot any, node parse.Node, hasArgs bool) (any, error) {
	s.node = node
	value, fields := dot, []string(nil)
	switch n := node.(type) {
	case *parse.FieldNode:
		fields = n.Ident
	case *parse.VariableNode:
		v, err := s.variable(n.Ident[0])
		if err != nil {
			return nil, err
		}
		value, fields = v.value, n.Ident[1:]
	case *parse.ChainNode:
		fields = n.Field
		var err error
		if value, err = s.argument(dot, Any, n.Node); err != nil {
			return nil, err
		}
	}
	if len(fields) == 0 && hasArgs {
		return nil, s.noFunction(node)
	}
	for i, name := range fields {
		var err error
		if value, err = s.field(value, name, hasArgs && i == len(fields)-1); err != nil {
			return nil, err
		}
	}
	return value, nil
}

func (s *state) field(value any, name string, hasArgs bool) (any, error) {
	switch m := value.(type) {
	case nil:
		return nil, s.errorf("nil data; no entry for key %q", name)
	case map[string]string:
		if hasArgs {
			return nil, s.errorf("%s is not a method but has arguments", name)
		}
		element, ok := m[name]
		if !ok {
			return nil, s.errorf("map has no entry for key %q", name)
		}
		return element, nil
	}
	return nil, s.errorf("can't evaluate field %s in type %T", name, value)
}

// argument evaluates an argument for a parameter of the given kind.
func (s *state) argument(dot any, kind Kind, node parse.Node) (value any, err error) {
	s.node = node
	switch n := node.(type) {
	case *parse.DotNode:
		value = dot
	case *parse.NilNode:
		if kind == Text || kind == Int {
			return nil, s.errorf("cannot assign nil to %s", kind)
		}
	case *parse.FieldNode, *parse.VariableNode, *parse.ChainNode:
		value, err = s.reference(dot, node, false)
	case *parse.PipeNode:
		value, err = s.pipeline(dot, n)
	case *parse.IdentifierNode:
		value, err = s.function(dot, n, n, nil, absent{})
	default:
		return s.literal(kind, node)
	}
	if err != nil {
		return nil, err
	}
	return s.convert(value, kind)
}

// literal evaluates a constant argument for a parameter of the given kind.
func (s *state) literal(kind Kind, node parse.Node) (any, error) {
	switch kind {
	case Text:
		if n, ok := node.(*parse.StringNode); ok {
			return n.Text, nil
		}
		return nil, s.errorf("expected string; found %s", node)
	case Int:
		if n, ok := node.(*parse.NumberNode); ok && n.IsInt {
			return int(n.Int64), nil
		}
		return nil, s.errorf("expected integer; found %s", node)
	case List:
		return nil, s.errorf("can't handle %s for arg of type %s", node, kind)
	}
	return s.constant(node)
}

// constant evaluates a constant whose spelling alone tells its type.
func (s *state) constant(node parse.Node) (any, error) {
	switch n := node.(type) {
	case *parse.BoolNode:
		return n.True, nil
	case *parse.StringNode:
		return n.Text, nil
	case *parse.NumberNode:
		return s.number(n)
	}
	return nil, s.errorf("can't evaluate command %q", node)
}

func (s *state) number(n *parse.NumberNode) (any, error) {
	switch {
	case n.IsComplex:
		return n.Complex128, nil
	case n.IsFloat && !isHexInt(n.Text) && n.Text[0] != '\'' && strings.ContainsAny(n.Text, ".eEpP"):
		return n.Float64, nil
	case n.IsInt && int64(int(n.Int64)) == n.Int64:
		return int(n.Int64), nil
	}
	return nil, s.errorf("%s overflows int", n.Text)
}

// isHexInt tells 0x1e, an integer, from 0x1p4, which is none.
func isHexInt(s string) bool {
	return len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && !strings.ContainsAny(s, "pP")
}
