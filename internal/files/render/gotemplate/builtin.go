package gotemplate

import (
	"errors"
	"fmt"
)

// builtins returns the functions that every template may call.
func builtins() map[string]Func {
	return map[string]Func{
		"and":   {kinds: []Kind{Any}, variadic: true}, // these two are
		"or":    {kinds: []Kind{Any}, variadic: true}, // shortCircuit
		"not":   OneArg(func(v any) (bool, error) { return !truth(v), nil }),
		"len":   OneArg(length),
		"index": MoreArgs(index),
		"slice": MoreArgs(slice),
		"eq":    MoreArgs(equalAny),
		"ne":    TwoArgs(func(a, b any) (bool, error) { is, err := equal(a, b); return !is, err }),
		"lt":    TwoArgs(less),
		"le":    TwoArgs(lessOrEqual),
		"gt":    TwoArgs(func(a, b any) (bool, error) { is, err := lessOrEqual(a, b); return !is, err }),
		"ge":    TwoArgs(func(a, b any) (bool, error) { is, err := less(a, b); return !is, err }),
	}
}

// truth reports whether value is neither nil, false, zero nor empty.
func truth(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case []string:
		return len(v) > 0
	case map[string]string:
		return len(v) > 0
	}
	return value != false && value != "" && widen(value) != 0 && value != 0.0 && value != 0i
}

func length(value any) (int, error) {
	switch v := value.(type) {
	case nil:
		return 0, errors.New("len of untyped nil")
	case string:
		return len(v), nil
	case []string:
		return len(v), nil
	case map[string]string:
		return len(v), nil
	}
	return 0, fmt.Errorf("len of type %T", value)
}

// index returns item[indexes[0]][indexes[1]]…
func index(item any, indexes ...any) (any, error) {
	if item == nil {
		return nil, errors.New("index of untyped nil")
	}
	for _, at := range indexes {
		var err error
		switch v := item.(type) {
		case string:
			item, err = element([]byte(v), at, "string")
		case []string:
			item, err = element(v, at, "slice")
		case map[string]string:
			item, err = entry(v, at)
		default:
			err = fmt.Errorf("can't index item of type %T", item)
		}
		if err != nil {
			return nil, err
		}
	}
	return item, nil
}

func element[T any](list []T, at any, what string) (any, error) {
	i, err := position(at, len(list))
	if err != nil {
		return nil, err
	}
	if i == len(list) {
		return nil, fmt.Errorf("reflect: %s index out of range", what)
	}
	return list[i], nil
}

// entry returns "" for a key that m lacks.
func entry(m map[string]string, key any) (any, error) {
	switch key := key.(type) {
	case string:
		return m[key], nil
	case nil:
		return nil, errors.New("value is nil; should be of type string")
	default:
		return nil, fmt.Errorf("value has type %T; should be string", key)
	}
}

// position returns at as a number from 0 to limit.
func position(at any, limit int) (int, error) {
	switch n := widen(at).(type) {
	case int:
		if n < 0 || n > limit {
			return 0, fmt.Errorf("index out of range: %d", n)
		}
		return n, nil
	case nil:
		return 0, errors.New("cannot index slice/array with nil")
	}
	return 0, fmt.Errorf("cannot index slice/array with type %T", at)
}

// slice returns item[from:to:limit], of which any from the end may be left out.
func slice(item any, indexes ...any) (any, error) {
	if item == nil {
		return nil, errors.New("slice of untyped nil")
	}
	if len(indexes) > 3 {
		return nil, fmt.Errorf("too many slice indexes: %d", len(indexes))
	}
	switch v := item.(type) {
	case string:
		if len(indexes) == 3 {
			return nil, errors.New("cannot 3-index slice a string")
		}
		at, err := bounds(indexes, len(v), len(v))
		if err != nil {
			return nil, err
		}
		return v[at[0]:at[1]], nil
	case []string:
		at, err := bounds(indexes, len(v), cap(v))
		if err != nil {
			return nil, err
		}
		return v[at[0]:at[1]:at[2]], nil
	}
	return nil, fmt.Errorf("can't slice item of type %T", item)
}

// bounds returns the three indexes of a slice expression.
func bounds(indexes []any, length, limit int) ([3]int, error) {
	at := [3]int{0, length, limit}
	for i, index := range indexes {
		n, err := position(index, limit)
		if err != nil {
			return at, err
		}
		at[i] = n
	}
	if at[0] > at[1] {
		return at, fmt.Errorf("invalid slice index: %d > %d", at[0], at[1])
	}
	if at[1] > at[2] {
		return at, fmt.Errorf("invalid slice index: %d > %d", at[1], at[2])
	}
	return at, nil
}
