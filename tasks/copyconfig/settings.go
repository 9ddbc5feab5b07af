package copyconfig

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/files/fileperm"
	"github.com/initbox/initbox/internal/files/glob"
	"github.com/initbox/initbox/internal/files/render"
)

// settings are the flags that have a syntax of their own.
type settings struct {
	mode, dirMode fileperm.Mode
	modeFor       []modeRule
	owner         fileperm.OwnerName
	validate      []validateRule
}

type modeRule struct {
	glob string
	mode fileperm.Mode
}

type validateRule struct {
	glob string // "" for the extensions of kind
	kind string
}

// parse reads the flags and returns every error in them.
func (t *Task) parse() (*settings, error) {
	s := &settings{owner: fileperm.NoOwner}
	var errs []error
	bad := func(flag, value string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s %q: %w", flag, value, err))
		}
	}
	var err error
	if t.Mode != "" {
		s.mode, err = fileperm.ParseMode(t.Mode)
		bad("mode", t.Mode, err)
	}
	if t.DirMode != "" {
		s.dirMode, err = fileperm.ParseMode(t.DirMode)
		bad("dir-mode", t.DirMode, err)
	}
	if t.Owner != "" {
		s.owner, err = fileperm.ParseOwner(t.Owner)
		bad("owner", t.Owner, err)
	}
	for _, v := range t.ModeFor {
		rule, err := parseModeRule(v)
		s.modeFor = append(s.modeFor, rule)
		bad("mode-for", v, err)
	}
	for _, v := range t.Validate {
		rule, err := parseValidateRule(v)
		s.validate = append(s.validate, rule)
		bad("validate", v, err)
	}
	for _, v := range t.Include {
		bad("include", v, glob.Check(v))
	}
	for _, v := range t.Exclude {
		bad("exclude", v, glob.Check(v))
	}
	if !slices.Contains([]string{syncAuto, syncAlways, syncNever}, t.FSync) {
		bad("fsync", t.FSync, errors.New("it must be one of auto, always, never"))
	}
	return s, errors.Join(errs...)
}

func parseModeRule(s string) (modeRule, error) {
	// A symbolic mode has "=" too, a glob hardly ever.
	pattern, text, ok := strings.Cut(s, "=")
	if !ok {
		return modeRule{}, errors.New("write GLOB=MODE, as in tls.key=0600")
	}
	mode, err := fileperm.ParseMode(text)
	return modeRule{pattern, mode}, errors.Join(glob.Check(pattern), err)
}

func parseValidateRule(s string) (validateRule, error) {
	rule := validateRule{kind: s}
	if i := strings.LastIndexByte(s, '='); i >= 0 {
		rule = validateRule{s[:i], s[i+1:]}
		if err := glob.Check(rule.glob); err != nil {
			return rule, err
		}
	}
	if !slices.Contains(render.Formats(), rule.kind) {
		return rule, fmt.Errorf("%q is not one of %s: write KIND, or GLOB=KIND as in '*.conf=ini'", rule.kind, strings.Join(render.Formats(), ", "))
	}
	return rule, nil
}

// extensions are those of each kind of file.
var extensions = map[string][]string{
	"json": {".json"},
	"yaml": {".yaml", ".yml"},
	"toml": {".toml"},
	"ini":  {".ini"},
}

func (r validateRule) matches(rel string) bool {
	if r.glob == "" {
		return slices.Contains(extensions[r.kind], strings.ToLower(path.Ext(rel)))
	}
	return glob.Match(r.glob, rel)
}

// fileMode returns the mode of the file that is rel in its source and has the
// mode source there.
func (s *settings) fileMode(rel func() string, source uint32) uint32 {
	mode := s.mode
	if len(s.modeFor) > 0 {
		path := rel()
		for _, rule := range s.modeFor {
			if glob.Match(rule.glob, path) {
				mode = rule.mode
			}
		}
	}
	return mode.Apply(source&0o777, false)
}

func checkPaths(what string, paths ...string) error {
	var errs []error
	for _, p := range paths {
		if p == "" || strings.ContainsRune(p, 0) {
			errs = append(errs, fmt.Errorf("%s %q: no file has this name", what, p))
		}
	}
	return errors.Join(errs...)
}
