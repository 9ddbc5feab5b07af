package gotemplate

import "text/template/parse"

// A Kind is the type of a function's parameter.
type Kind int

// The kinds. A number or text that a template holds must be of the kind; a List
// may be nil.
const (
	Any Kind = iota
	Text
	Int
	List
)

func (k Kind) String() string { return [...]string{"interface {}", "string", "int", "[]string"}[k] }

// A Func is what templates may call. [NoArgs], [OneArg], [TwoArgs], [AnyArgs] and
// [MoreArgs] make one of a Go function whose parameters are of the four kinds.
type Func struct {
	kinds    []Kind // of its parameters
	variadic bool   // it takes more, of the kind Any
	call     func(args []any) (any, error)
}

// NoArgs returns f for templates.
func NoArgs[R any](f func() (R, error)) Func {
	return Func{call: func([]any) (any, error) { return f() }}
}

// OneArg returns f for templates.
func OneArg[A, R any](f func(A) (R, error)) Func {
	return Func{kinds: []Kind{kindOf[A]()}, call: func(args []any) (any, error) { return f(as[A](args[0])) }}
}

// TwoArgs returns f for templates.
func TwoArgs[A, B, R any](f func(A, B) (R, error)) Func {
	return Func{kinds: []Kind{kindOf[A](), kindOf[B]()}, call: func(args []any) (any, error) { return f(as[A](args[0]), as[B](args[1])) }}
}

// AnyArgs returns f for templates: any number of arguments.
func AnyArgs[R any](f func(...any) (R, error)) Func {
	return Func{variadic: true, call: func(args []any) (any, error) { return f(args...) }}
}

// MoreArgs returns f for templates: one argument and any number of others.
func MoreArgs[A, R any](f func(A, ...any) (R, error)) Func {
	return Func{kinds: []Kind{kindOf[A]()}, variadic: true, call: func(args []any) (any, error) { return f(as[A](args[0]), args[1:]...) }}
}

func kindOf[A any]() Kind {
	switch any((*A)(nil)).(type) {
	case *string:
		return Text
	case *int:
		return Int
	case *[]string:
		return List
	}
	return Any
}

// as returns v, which convert accepted, as an A; nil is its zero value.
func as[A any](v any) A {
	a, _ := v.(A)
	return a
}

// kind returns that of argument i.
func (f Func) kind(i int) Kind {
	if i < len(f.kinds) {
		return f.kinds[i]
	}
	return Any
}

// function calls the function that name names. node is the whole call.
func (s *state) function(dot any, name *parse.IdentifierNode, node parse.Node, args []parse.Node, final any) (any, error) {
	s.node = name
	f := s.funcs[name.Ident]
	n := len(args)
	if final != (absent{}) {
		n++
	}
	if f.variadic && n < len(f.kinds) {
		return nil, s.errorf("wrong number of args for %s: want at least %d got %d", name.Ident, len(f.kinds), len(args))
	}
	if !f.variadic && n != len(f.kinds) {
		return nil, s.errorf("wrong number of args for %s: want %d got %d", name.Ident, len(f.kinds), n)
	}
	if f.call == nil {
		return s.shortCircuit(dot, name.Ident == "or", args, final)
	}
	values := make([]any, 0, n)
	for i, arg := range args {
		value, err := s.argument(dot, f.kind(i), arg)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	if final != (absent{}) {
		value, err := s.convert(final, f.kind(n-1))
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	value, err := f.call(values)
	if err != nil {
		s.node = node
		return nil, s.errorf("error calling %s: %w", name.Ident, err)
	}
	return value, nil
}

// shortCircuit returns the first of the arguments whose truth is want, or the
// last; it evaluates none after that.
func (s *state) shortCircuit(dot any, want bool, args []parse.Node, final any) (value any, err error) {
	for _, arg := range args {
		value, err = s.argument(dot, Any, arg)
		if err != nil || truth(value) == want {
			return value, err
		}
	}
	if final != (absent{}) {
		value = final
	}
	return value, nil
}

// convert returns value for a parameter of the given kind.
func (s *state) convert(value any, kind Kind) (any, error) {
	ok := true
	switch kind {
	case Text:
		_, ok = value.(string)
	case Int:
		_, ok = value.(int)
	case List:
		_, ok = value.([]string)
		ok = ok || value == nil
	}
	switch {
	case ok:
		return value, nil
	case value == nil:
		return nil, s.errorf("invalid value; expected %s", kind)
	}
	return nil, s.errorf("wrong type for value; expected %s; got %T", kind, value)
}
