package migration

import "github.com/initbox/initbox/internal/fault"

// Resume returns how many statements of a file are done already: those whose
// hashes were recorded, in order. What was done cannot change any more; what is
// still to be done may have been corrected.
func Resume(s *Step, done []string) (int, error) {
	for i, hash := range done {
		if i < len(s.Statements) && s.Statements[i].Hash() == hash {
			continue
		}
		return 0, fault.WithNext(
			fault.Finalf("%s: statement %d was changed after it had been run, and the file is only half done", s.Name, i+1),
			"restore the first statements of the file as they were, or finish by hand and record it with --resolve-dirty")
	}
	return len(done), nil
}
