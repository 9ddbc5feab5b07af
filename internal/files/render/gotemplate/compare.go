package gotemplate

import (
	"errors"
	"fmt"
)

var (
	errOrder   = errors.New("invalid type for comparison")
	errMissing = errors.New("missing argument for comparison")
)

// widen returns a byte as an int, which it may be compared with, and every other
// value as it is.
func widen(value any) any {
	if b, ok := value.(byte); ok {
		return int(b)
	}
	return value
}

// isNil reports whether value is nil, or a list or map that is.
func isNil(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case []string:
		return v == nil
	case map[string]string:
		return v == nil
	}
	return false
}

// isBasic reports whether value is a truth value, a number or a text.
func isBasic(value any) bool {
	switch value.(type) {
	case nil, []string, map[string]string:
		return false
	}
	return true
}

func incompatible(a, b any) error {
	return fmt.Errorf("incompatible types for comparison: %T and %T", a, b)
}

// equalAny reports whether a is one of the others.
func equalAny(a any, others ...any) (bool, error) {
	if len(others) == 0 {
		return false, errMissing
	}
	for _, b := range others {
		if is, err := equal(a, b); is || err != nil {
			return is, err
		}
	}
	return false, nil
}

// equal reports whether a is b. A list or map can be compared with nil only.
func equal(a, b any) (bool, error) {
	switch {
	case isBasic(a) && isBasic(b):
		x, y := widen(a), widen(b)
		if kind(x) != kind(y) {
			return false, incompatible(a, b)
		}
		return x == y, nil
	case a == nil || b == nil:
		return isNil(a) && isNil(b), nil
	case isBasic(a) || isBasic(b):
		return false, incompatible(a, b)
	case kind(a) == kind(b) && (isNil(a) || isNil(b)):
		return isNil(a) && isNil(b), nil
	}
	return false, fmt.Errorf("non-comparable types: %T and %T", a, b)
}

// kind tells the types of values apart.
func kind(value any) string { return fmt.Sprintf("%T", value) }

// less reports whether a is before b: two numbers of one type, or two texts.
func less(a, b any) (bool, error) {
	if !isBasic(a) || !isBasic(b) {
		return false, errOrder
	}
	y := widen(b)
	switch x := widen(a).(type) {
	case int:
		if y, ok := y.(int); ok {
			return x < y, nil
		}
	case float64:
		if y, ok := y.(float64); ok {
			return x < y, nil
		}
	case string:
		if y, ok := y.(string); ok {
			return x < y, nil
		}
	default:
		if kind(x) == kind(y) {
			return false, errOrder
		}
	}
	return false, incompatible(a, b)
}

func lessOrEqual(a, b any) (bool, error) {
	is, err := less(a, b)
	if is || err != nil {
		return is, err
	}
	return equal(a, b)
}
