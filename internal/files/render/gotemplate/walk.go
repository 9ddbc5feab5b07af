package gotemplate

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/template/parse"
)

// A state is the execution of one template.
type state struct {
	*Template
	w     io.Writer
	step  func(depth int) error
	tree  *parse.Tree
	node  parse.Node // at hand, for errors
	vars  []variable
	depth int
}

type variable struct {
	name  string
	value any
}

// What ends the body of a loop early.
var (
	errBreak    = errors.New("break")
	errContinue = errors.New("continue")
)

// errorf returns an error at the current node.
func (s *state) errorf(format string, args ...any) error {
	location, context := s.tree.ErrorContext(s.node)
	return &Error{Location: location, Context: context, Template: s.tree.Name, Err: fmt.Errorf(format, args...)}
}

// template executes the state's template on data.
func (s *state) template(data any) error {
	s.node = s.tree.Root
	s.vars = []variable{{"$", data}}
	if err := s.step(s.depth); err != nil {
		return s.errorf("%w", err)
	}
	return s.walk(data, s.tree.Root)
}

func (s *state) walk(dot any, node parse.Node) error {
	s.node = node
	switch node := node.(type) {
	case *parse.ActionNode:
		return s.action(dot, node)
	case *parse.BreakNode:
		return errBreak
	case *parse.CommentNode:
		return nil
	case *parse.ContinueNode:
		return errContinue
	case *parse.IfNode:
		return s.branch(dot, &node.BranchNode, false)
	case *parse.WithNode:
		return s.branch(dot, &node.BranchNode, true)
	case *parse.ListNode:
		for _, n := range node.Nodes {
			if err := s.walk(dot, n); err != nil {
				return err
			}
		}
		return nil
	case *parse.RangeNode:
		return s.loop(dot, node)
	case *parse.TemplateNode:
		return s.call(dot, node)
	case *parse.TextNode:
		return s.print(node, string(node.Text))
	}
	return s.errorf("unknown node: %s", node)
}

// action prints a pipeline. The variables that it declares live on.
func (s *state) action(dot any, node *parse.ActionNode) error {
	value, err := s.pipeline(dot, node.Pipe)
	if err != nil || len(node.Pipe.Decl) > 0 {
		return err
	}
	if value == nil {
		value = "<no value>"
	}
	return s.print(node, value)
}

func (s *state) print(node parse.Node, value any) error {
	s.node = node
	if _, err := fmt.Fprint(s.w, value); err != nil {
		return s.errorf("%w", err)
	}
	return nil
}

func (s *state) branch(dot any, node *parse.BranchNode, with bool) error {
	defer s.pop(len(s.vars))
	value, err := s.pipeline(dot, node.Pipe)
	switch {
	case err != nil:
		return err
	case truth(value) && with:
		return s.walk(value, node.List)
	case truth(value):
		return s.walk(dot, node.List)
	case node.ElseList != nil:
		return s.walk(dot, node.ElseList)
	}
	return nil
}

func (s *state) call(dot any, node *parse.TemplateNode) error {
	tree := s.trees[node.Name]
	if tree == nil {
		return s.errorf("template %q not defined", node.Name)
	}
	data, err := s.pipeline(dot, node.Pipe)
	if err != nil {
		return err
	}
	callee := *s
	callee.tree = tree
	callee.depth++
	return callee.template(data)
}

func (s *state) loop(dot any, node *parse.RangeNode) error {
	defer s.pop(len(s.vars))
	value, err := s.pipeline(dot, node.Pipe)
	if err != nil {
		return err
	}
	err = s.elements(value, node)
	if err == errEmpty {
		err = nil
		if node.ElseList != nil {
			err = s.walk(dot, node.ElseList)
		}
	}
	if err == errBreak { // also from its else
		return nil
	}
	return err
}

// errEmpty tells of a value without elements.
var errEmpty = errors.New("empty")

// elements executes the body of a loop for each element of value.
func (s *state) elements(value any, node *parse.RangeNode) error {
	ran := false
	var failed error
	body := func(index, element any) bool {
		ran = true
		failed = s.iteration(node, index, element)
		return failed == nil
	}
	switch value := value.(type) {
	case nil:
	case int, byte:
		if len(node.Pipe.Decl) > 1 {
			return s.errorf("range over a number gives one variable, not two")
		}
		numbers(value, body)
	case []string:
		for i, v := range value {
			if !body(i, v) {
				break
			}
		}
	case map[string]string:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if !body(key, value[key]) {
				break
			}
		}
	default:
		return s.errorf("range needs a list or a number (as of split), not a value of type %T", value)
	}
	if !ran {
		return errEmpty
	}
	return failed
}

// numbers calls body for the numbers below value, in its type.
func numbers(value any, body func(index, element any) bool) {
	_, small := value.(byte)
	for i := range widen(value).(int) {
		var element any = i
		if small {
			element = byte(i)
		}
		if !body(nil, element) {
			return
		}
	}
}

// iteration executes the body of a loop once.
func (s *state) iteration(node *parse.RangeNode, index, element any) error {
	defer s.pop(len(s.vars))
	s.node = node
	if err := s.step(s.depth); err != nil {
		return s.errorf("%w", err)
	}
	decl := node.Pipe.Decl
	for i, value := range [][]any{nil, {element}, {index, element}}[len(decl)] {
		if node.Pipe.IsAssign {
			if err := s.set(decl[i].Ident[0], value); err != nil {
				return err
			}
		} else { // the pipeline declared them last
			s.vars[len(s.vars)-len(decl)+i].value = value
		}
	}
	if err := s.walk(element, node.List); err != errContinue {
		return err
	}
	return nil
}

func (s *state) pop(n int) { s.vars = s.vars[:n] }

// variable returns the innermost variable name. The parser knows those that are
// read, not those that are assigned to.
func (s *state) variable(name string) (*variable, error) {
	for i := len(s.vars) - 1; i >= 0; i-- {
		if s.vars[i].name == name {
			return &s.vars[i], nil
		}
	}
	return nil, s.errorf("undefined variable: %s", name)
}

func (s *state) set(name string, value any) error {
	v, err := s.variable(name)
	if err == nil {
		v.value = value
	}
	return err
}
