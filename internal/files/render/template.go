package render

import (
	"context"
	"fmt"

	"github.com/initbox/initbox/internal/files/render/gotemplate"
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
	ctx  context.Context
	out  []byte
	left int64 // of its work
}

// execute renders text in mode template.
func (r *Renderer) execute(ctx context.Context, name, text string) ([]byte, error) {
	x := &execution{Renderer: r, ctx: ctx, left: work * r.options.Limit()}
	t, err := gotemplate.Parse(top, text, x.functions())
	if err == nil {
		err = t.Execute(x, r.vars, x.step)
	}
	if err == nil {
		return x.out, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, report(name, []problem{explain(err)})
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

// step makes every loop and every template pay for its steps: without output,
// {{range 1000000000}}{{end}} would not notice that it has to end.
func (x *execution) step(depth int) error {
	if err := x.ctx.Err(); err != nil {
		return err
	}
	if depth > maxCalls {
		return complaint(fmt.Sprintf("templates call each other more than %d deep: look for one that calls itself", maxCalls))
	}
	return x.charge(stepCost)
}
