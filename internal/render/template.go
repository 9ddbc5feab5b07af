package render

import (
	"context"
	"fmt"
	"text/template"
	"text/template/parse"
)

const (
	maxCalls = 100 // depth of templates that call each other
	// work bounds one execution: the bytes that its functions may make, in units
	// of the size limit. A step of a loop and a call count as stepCost bytes.
	work     = 64
	stepCost = 64
)

// top is the name of a file's own template.
const top = "file"

// An execution renders one file in mode template.
type execution struct {
	*Renderer
	ctx   context.Context
	out   []byte
	left  int64 // of its work
	depth int
}

// execute renders text in mode template.
func (r *Renderer) execute(ctx context.Context, name, text string) ([]byte, error) {
	x := &execution{Renderer: r, ctx: ctx, left: work * r.options.Limit()}
	t, err := template.New(top).Option("missingkey=error").Funcs(x.functions()).Parse(text)
	if err == nil {
		instrument(t)
		err = t.Execute(x, r.vars)
	}
	if err == nil {
		return x.out, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, report(name, []fault{explain(err)})
}

// Write takes the output.
func (x *execution) Write(p []byte) (int, error) {
	if err := x.ctx.Err(); err != nil {
		return 0, err
	}
	if limit := x.options.Limit(); int64(len(x.out)+len(p)) > limit {
		return 0, complaint(fmt.Sprintf(tooLarge, limit))
	}
	x.out = append(x.out, p...)
	return len(p), nil
}

// charge takes n bytes off the work that is left.
func (x *execution) charge(n int) error {
	if x.left -= int64(n); x.left < 0 || n < 0 {
		return complaint("the template does too much work: look for a loop or a value that grows without end")
	}
	return nil
}

// The functions that instrument adds to templates. Each prints nothing.
const (
	stepFunc  = "_step"
	enterFunc = "_enter"
	leaveFunc = "_leave"
)

func (x *execution) step() (string, error) {
	if err := x.ctx.Err(); err != nil {
		return "", err
	}
	return "", x.charge(stepCost)
}

func (x *execution) enter() (string, error) {
	if x.depth++; x.depth > maxCalls {
		return "", complaint(fmt.Sprintf("templates call each other more than %d deep: look for one that calls itself", maxCalls))
	}
	return x.step()
}

func (x *execution) leave() string {
	x.depth--
	return ""
}

// instrument makes every loop and every template of t pay for its steps: without
// output, {{range 1000000000}}{{end}} would not notice that it has to end.
func instrument(t *template.Template) {
	for _, t := range t.Templates() {
		if t.Tree == nil || t.Root == nil {
			continue
		}
		instrumentLoops(t.Root)
		t.Root.Nodes = append([]parse.Node{call(enterFunc, t.Root.Pos)}, t.Root.Nodes...)
		t.Root.Nodes = append(t.Root.Nodes, call(leaveFunc, t.Root.Pos))
	}
}

func instrumentLoops(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.IfNode:
			instrumentLoops(node.List)
			instrumentLoops(node.ElseList)
		case *parse.WithNode:
			instrumentLoops(node.List)
			instrumentLoops(node.ElseList)
		case *parse.RangeNode:
			instrumentLoops(node.List)
			instrumentLoops(node.ElseList)
			node.List.Nodes = append([]parse.Node{call(stepFunc, node.Pos)}, node.List.Nodes...)
		}
	}
}

// call returns the node of {{name}}.
func call(name string, pos parse.Pos) parse.Node {
	word := parse.NewIdentifier(name).SetPos(pos)
	command := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: []parse.Node{word}}
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: pos, Cmds: []*parse.CommandNode{command}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: pos, Pipe: pipe}
}
