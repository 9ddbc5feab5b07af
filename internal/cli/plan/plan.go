// Package plan reads run-files: YAML (or JSON, which is YAML too) that lists
// steps. It knows the shape of a run-file and the line of each value, but not which
// tasks and flags exist.
package plan

import (
	"bytes"
	"errors"
	"fmt"
	"iter"

	"github.com/goccy/go-yaml/ast"
	yamlparser "github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxSize is the limit for a run-file, in bytes: a ConfigMap cannot be larger.
const MaxSize = 1 << 20

// A Plan is one run-file.
type Plan struct {
	Timeout *Value // limit for the whole plan, nil if the file gives none
	Steps   []Step
}

// A Step is one task with its configuration as written in the file.
type Step struct {
	Name   string // as given, or ""
	Task   string
	Line   int
	Words  []Value // the short form, "wait-tcp: db:5432": positional arguments
	Fields []Field // the long form: flags in the order of the file
}

// A Field is one flag of a step.
type Field struct {
	Key    string
	Line   int
	List   bool // written as a sequence
	Values []Value
}

// A Value is a scalar with its line.
type Value struct {
	Text    string // variables expanded
	Written string // as in the file: errors show this, since a variable may hold a secret
	Line    int
}

// Parse reads the run-file data. file names it in messages. lookup finds the
// variables that values refer to as ${NAME}; $$ stands for a dollar sign. The
// error joins all faults, each beginning with file and line.
func Parse(file string, data []byte, lookup func(string) (string, bool)) (*Plan, error) {
	p := &parser{file: file, lookup: lookup}
	if root := p.document(data); root != nil {
		if plan := p.plan(root); len(p.errs) == 0 {
			return plan, nil
		}
	}
	return nil, errors.Join(p.errs...)
}

type parser struct {
	file   string
	lookup func(string) (string, bool)
	errs   []error
}

func (p *parser) errorf(line int, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s:%d: %s", p.file, line, fmt.Sprintf(format, args...)))
}

// document returns the top mapping of data, or nil after an error.
func (p *parser) document(data []byte) *ast.MappingNode {
	if len(data) > MaxSize {
		p.errorf(1, "the plan is larger than %d bytes", MaxSize)
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // the byte order mark of Windows editors
	file, err := yamlparser.ParseBytes(data, 0)
	if err != nil {
		p.syntax(err)
		return nil
	}
	if len(file.Docs) > 1 {
		at := 1
		if start := file.Docs[1].Start; start != nil {
			at = start.Position.Line
		}
		p.errorf(at, "a plan is one YAML document: remove what follows the ---")
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		p.errorf(1, `the plan is empty: write "steps:" and a list of tasks`)
		return nil
	}
	root, ok := file.Docs[0].Body.(*ast.MappingNode)
	if !ok {
		p.errorf(line(file.Docs[0].Body), `a plan is a mapping with the key "steps", this is %s`, kind(file.Docs[0].Body))
		return nil
	}
	return root
}

// syntax reports an error of the YAML library as file:line: message.
func (p *parser) syntax(err error) {
	at, message := 1, err.Error()
	var located interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if errors.As(err, &located) && located.GetToken() != nil {
		at, message = located.GetToken().Position.Line, located.GetMessage()
	}
	p.errorf(at, "not valid YAML: %s", message)
}

func (p *parser) plan(root *ast.MappingNode) *Plan {
	plan := new(Plan)
	found := false
	for key, value := range p.pairs(root) {
		switch key.Text {
		case "steps":
			found = true
			plan.Steps = p.steps(value)
		case "timeout":
			if v, ok := p.scalar("timeout", value); ok {
				plan.Timeout = &v
			}
		default:
			p.errorf(key.Line, `unknown key %q: a plan has "steps" and "timeout"`, key.Text)
		}
	}
	if !found {
		p.errorf(line(root), `the plan has no "steps"`)
	}
	return plan
}

func (p *parser) steps(node ast.Node) []Step {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		p.errorf(line(node), `"steps" must be a list ("- wait-tcp: db:5432"), this is %s`, kind(node))
		return nil
	}
	if len(list.Values) == 0 {
		p.errorf(line(list), "the plan has no step")
	}
	steps := make([]Step, 0, len(list.Values))
	for _, item := range list.Values {
		mapping, ok := item.(*ast.MappingNode)
		if !ok {
			p.errorf(line(item), `a step is a mapping from a task to its flags ("wait-tcp: db:5432"), this is %s`, kind(item))
			continue
		}
		if step, ok := p.step(mapping); ok {
			steps = append(steps, step)
		}
	}
	return steps
}

func (p *parser) step(node *ast.MappingNode) (Step, bool) {
	step := Step{Line: line(node)}
	for key, value := range p.pairs(node) {
		switch {
		case key.Text == "name":
			v, ok := p.scalar("name", value)
			if !ok {
				return step, false
			}
			step.Name = v.Text
		case step.Task != "":
			p.errorf(key.Line, "a step has one task, this one has %q and %q: begin a new step with a dash, or indent a flag below its task", step.Task, key.Text)
			return step, false
		default:
			step.Task, step.Line = key.Text, key.Line
			p.config(&step, value)
		}
	}
	if step.Task == "" {
		p.errorf(step.Line, "the step names no task")
		return step, false
	}
	return step, true
}

func (p *parser) config(step *Step, value ast.Node) {
	mapping, ok := value.(*ast.MappingNode)
	if !ok {
		step.Words, _ = p.values(step.Task, value)
		return
	}
	for key, value := range p.pairs(mapping) {
		values, list := p.values(key.Text, value)
		step.Fields = append(step.Fields, Field{Key: key.Text, Line: key.Line, List: list, Values: values})
	}
}

// values returns a scalar or each scalar of a list.
func (p *parser) values(key string, node ast.Node) (values []Value, list bool) {
	items := []ast.Node{node}
	sequence, list := node.(*ast.SequenceNode)
	if list {
		items = sequence.Values
	}
	for _, item := range items {
		if v, ok := p.scalar(key, item); ok {
			values = append(values, v)
		}
	}
	return values, list
}

func (p *parser) scalar(key string, node ast.Node) (Value, bool) {
	if tag, ok := node.(*ast.TagNode); ok {
		node = tag.Value
	}
	var text string
	switch node := node.(type) {
	case *ast.StringNode:
		text = node.Value
	case *ast.LiteralNode:
		text = node.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text = node.GetToken().Value // as written: 0644 must not become 420
	case nil, *ast.NullNode:
		p.errorf(line(node), "%q has no value", key)
		return Value{}, false
	default:
		p.errorf(line(node), "%q wants a single value, this is %s", key, kind(node))
		return Value{}, false
	}
	expanded, err := expand(text, p.lookup)
	if err != nil {
		p.errorf(line(node), "%q: %v", key, err)
		return Value{}, false
	}
	return Value{Text: expanded, Written: text, Line: line(node)}, true
}

// pairs yields the entries of a mapping and reports keys that are not words. The
// library has already refused duplicate keys.
func (p *parser) pairs(node *ast.MappingNode) iter.Seq2[Value, ast.Node] {
	return func(yield func(key Value, value ast.Node) bool) {
		for _, entry := range node.Values {
			key, ok := entry.Key.(*ast.StringNode)
			if !ok {
				p.errorf(line(entry), "a key must be a word, this is %s", kind(entry.Key))
				continue
			}
			if !yield(Value{Text: key.Value, Line: line(key)}, entry.Value) {
				return
			}
		}
	}
}

func line(node ast.Node) int {
	if node == nil || node.GetToken() == nil {
		return 1
	}
	return node.GetToken().Position.Line
}

func kind(node ast.Node) string {
	switch node.(type) {
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case nil, *ast.NullNode:
		return "empty"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "a YAML anchor or alias, which a plan cannot have"
	default:
		return "a single value"
	}
}
