package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/fault"
)

// takeOver makes the session what it was when the earlier run ended.
func (a *application) takeOver(ctx context.Context, p progress) error {
	if a.begun != nil && a.done < len(a.step.Statements) && p.begunHash != a.step.Statements[a.done].Hash() {
		return fault.WithNext(
			fault.Finalf("%s: statement %d was changed, but a run was interrupted while its old text ran, and it may have been done", a.step.Name, a.done+1),
			"restore the statement as it was, or finish by hand and record it with --resolve-dirty")
	}
	again, err := a.again()
	if err != nil {
		return err
	}
	for _, i := range again {
		if err := a.run(ctx, i); err != nil {
			return err
		}
	}
	return a.settle(ctx, a.header())
}

// again returns which of the statements that were done are to be run again: those
// that set what the others need that are still to be done, and what the server goes
// by. It is an error if one of them would not set the same.
func (a *application) again() ([]int, error) {
	if a.done == 0 || a.done == len(a.step.Statements) {
		return nil, nil
	}
	all := a.carries()
	w := &wanted{by: make(map[string]int), given: make(map[string]bool), any: none}
	for i := len(all) - 1; i >= a.done; i-- {
		w.step(i, &all[i])
	}
	var again []int
	var undone []carry             // statements that an undone try has run in this session
	alive := make(map[string]bool) // what this session has still, of the last try
	later := make(map[string]bool) // what was given behind statement i
	same := a.current == a.step
	if same {
		undone = all[a.done:max(a.done, a.tried)]
	}
	for i := a.done - 1; i >= 0; i-- {
		c := &all[i]
		gives := slices.Concat(c.gives, c.may)
		name, by := w.of(gives)
		lost := slices.IndexFunc(c.gives, func(name string) bool { return alive[name] })
		switch {
		case name == "" && !c.sets:
			if !same && c.constant() && !later[c.gives[0]] {
				again = append(again, i) // a trigger may read it
			}
		case c.again && len(c.may) == 0 && lost == none:
			again = append(again, i)
			w.step(max(by, a.done), c)
		case c.again && lost != none:
			return nil, a.gone(i, c.gives[lost], a.done)
		case c.resets || !same:
			return nil, a.gone(i, name, by)
		default:
			for _, name := range gives {
				if name, by := w.of([]string{name}); name != "" && given(undone, name) {
					return nil, a.gone(i, name, by)
				}
				alive[name] = true
				w.give(name)
			}
		}
		for _, name := range gives {
			later[name] = true
		}
	}
	slices.Reverse(again)
	return again, nil
}

// given reports whether one of the statements may have given name another value.
// LAST_INSERT_ID() keeps its value where an INSERT fails.
func given(all []carry, name string) bool {
	return name != lastInsertID && slices.ContainsFunc(all, func(c carry) bool {
		return slices.Contains(c.gives, name) || slices.Contains(c.may, name)
	})
}

// carries reads all statements. EXECUTE does what a string of some other says.
func (a *application) carries() []carry {
	all := make([]carry, len(a.step.Statements))
	var needs, gives []string
	for i, s := range a.step.Statements {
		all[i] = carries(s.SQL)
		needs, gives = append(needs, all[i].textNeeds...), append(gives, all[i].textGives...)
	}
	needs, gives = unique(needs), unique(gives)
	for i, s := range a.step.Statements {
		if classify(s.SQL) == executes {
			all[i].needs, all[i].may = slices.Concat(all[i].needs, needs), slices.Concat(all[i].may, gives)
		}
	}
	return all
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// gone words that statement i gave something, "" for a variable of the server, a
// value that statement by needs and that cannot be had again.
func (a *application) gone(i int, name string, by int) error {
	otherwise := "finish the file by hand and give --resolve-dirty"
	if a.step.Change.Version == nil {
		otherwise = "change a statement of the seed that was done, if only by a comment inside it: then it begins anew"
	}
	if name == "" {
		return fault.WithNext(
			fault.Finalf("%s: what statement %d (line %d) sets, it has set in an earlier try, and its value cannot be had again", a.step.Name, i+1, a.step.Statements[i].Line),
			otherwise)
	}
	line := a.step.Statements[by].Line
	how := fmt.Sprintf("look for the value in the database and write it into the file in place of %s from line %d on", name, line)
	if strings.HasPrefix(name, "@") {
		how = fmt.Sprintf("look for the value in the database and write SET %s = ... into the file before line %d (or statement %d once more, if it would find the same), and behind it again what was made of it (SET, PREPARE)", strings.ToLower(name), line, i+1)
	}
	next := how + "; or " + otherwise
	if a.begun != nil && by == a.done { // its number must stay, so that it can be judged
		next = "look whether that statement was done, too; then " + otherwise
	}
	return fault.WithNext(
		fault.Finalf("%s, line %d (statement %d): it needs %s, which statement %d (line %d) made in an earlier try, and that value cannot be had again",
			a.step.Name, line, by+1, strings.ToLower(name), i+1, a.step.Statements[i].Line),
		next)
}

// wanted is what the statements need that are behind one.
type wanted struct {
	by    map[string]int  // which statement needs what
	any   int             // statement that may need any variable, or none
	given map[string]bool // variables that are set before any
}

// step goes to before a statement that by needs, if it is not that itself.
func (w *wanted) step(by int, c *carry) {
	for _, name := range c.gives {
		w.give(name)
	}
	if c.any {
		w.any = by
		clear(w.given)
	}
	for _, name := range c.needs {
		w.by[name] = by
	}
}

func (w *wanted) give(name string) {
	delete(w.by, name)
	w.given[name] = true
}

// of returns the first of names that a statement needs, or "".
func (w *wanted) of(names []string) (name string, by int) {
	for _, name := range names {
		if by, ok := w.by[name]; ok {
			return name, by
		}
		if w.any != none && name[0] == '@' && !w.given[name] {
			return name, w.any
		}
	}
	return "", none
}
