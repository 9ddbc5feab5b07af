package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"text/template"
	"text/template/parse"

	"github.com/initbox/initbox/internal/fault"
)

const (
	// maxCalls is how deep templates that call each other, and the loops around
	// the calls, may be in each other. The 100,000 calls of text/template take
	// 64 MiB, and a failure within a thousand loops takes seconds to come out.
	maxCalls = 100
	// made is how much text the functions of one file may make altogether, in
	// units of the size limit: it bounds the memory of values that grow in a loop.
	made = 64
)

// top is the name of a file's own template.
const top = "file"

// An execution renders one file in mode template.
type execution struct {
	*Renderer
	ctx   context.Context
	out   bytes.Buffer
	depth int   // of templates that are executed
	left  int64 // of what functions may make
}

// execute renders text in mode template.
func (r *Renderer) execute(ctx context.Context, name, text string) ([]byte, error) {
	x := &execution{Renderer: r, ctx: ctx, left: made * r.options.Limit()}
	t, err := template.New(top).Option("missingkey=error").Funcs(x.functions()).Parse(text)
	if err == nil {
		for _, t := range t.Templates() {
			guard(t.Root, 0)
		}
		// A file may not call these, so they are known only now.
		t.Funcs(template.FuncMap{"check": x.check, "enter": x.enter, "leave": x.leave})
		err = t.Execute(&x.out, r.vars)
	}
	switch {
	case err == nil:
		return x.out.Bytes(), nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return nil, fault.WithNext(fmt.Errorf("%s:%d: the template had not ended: %w", name, explain(err).line, ctx.Err()),
			"look for a loop in the file that goes on and on, or raise --timeout")
	}
	return nil, report(name, []problem{explain(err)})
}

// guard lets the templates in list call check between any two of their nodes, and
// enter and leave around the templates that they call. text/template knows no
// context and no bounds: {{range 1000000000}}{{end}} would not notice that it has
// to end. loops is how many of them are around list.
func guard(list *parse.ListNode, loops int) {
	if list == nil {
		return
	}
	nodes := []parse.Node{call("check", loops, list.Pos)}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			guard(n.List, loops)
			guard(n.ElseList, loops)
		case *parse.WithNode:
			guard(n.List, loops)
			guard(n.ElseList, loops)
		case *parse.RangeNode:
			guard(n.List, loops+1)
			guard(n.ElseList, loops+1)
		case *parse.TemplateNode:
			nodes = append(nodes, call("enter", loops+1, n.Pos), n, call("leave", loops+1, n.Pos))
			continue
		}
		nodes = append(nodes, n, call("check", loops, n.Position()))
	}
	list.Nodes = nodes
}

// call returns what {{function arg}} is parsed to.
func call(function string, arg int, at parse.Pos) parse.Node {
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: at, Pipe: &parse.PipeNode{
		NodeType: parse.NodePipe, Pos: at, Cmds: []*parse.CommandNode{{
			NodeType: parse.NodeCommand, Pos: at, Args: []parse.Node{
				parse.NewIdentifier(function).SetPos(at),
				&parse.NumberNode{NodeType: parse.NodeNumber, Pos: at, IsInt: true, Int64: int64(arg), Text: strconv.Itoa(arg)},
			},
		}},
	}}
}

// check returns the error that ends the execution, if one of its bounds is
// reached. For text/template it returns a text too.
func (x *execution) check(loops int) (string, error) {
	limit := x.options.Limit()
	switch {
	case x.ctx.Err() != nil:
		return "", x.ctx.Err()
	case x.depth+loops > maxCalls:
		return "", complaint(fmt.Sprintf("templates call each other more than %d deep, loops counted: look for one that calls itself", maxCalls))
	case int64(x.out.Len()) > limit:
		return "", complaint(fmt.Sprintf(tooLarge, limit))
	}
	return "", nil
}

func (x *execution) enter(levels int) (string, error) {
	x.depth += levels
	return x.check(0)
}

func (x *execution) leave(levels int) (string, error) {
	x.depth -= levels
	return x.check(0)
}

// charge takes n bytes off what functions may make.
func (x *execution) charge(n int) error {
	if x.left -= int64(n); x.left < 0 || n < 0 {
		return complaint("the template does too much work: look for a loop or a value that grows without end")
	}
	return x.ctx.Err()
}
