package catalog

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// exclusion are the patterns of files that are left out.
type exclusion struct {
	baseDir  string
	patterns []string // relative to baseDir, or absolute
}

func newExclusion(patterns []string, baseDir string) exclusion {
	e := exclusion{baseDir: baseDir}
	for _, p := range patterns {
		e.patterns = append(e.patterns, filepath.ToSlash(filepath.Clean(p)))
	}
	return e
}

// matches reports whether a file is left out, by its absolute name or by its name relative to the base directory.
func (e exclusion) matches(file string) bool {
	if len(e.patterns) == 0 {
		return false
	}
	base, errBase := filepath.Abs(e.baseDir)
	abs, errFile := filepath.Abs(file)
	if errBase != nil || errFile != nil {
		return false
	}
	if e.match(filepath.ToSlash(abs)) {
		return true
	}
	rel, err := filepath.Rel(base, abs)
	return err == nil && e.match(filepath.ToSlash(rel))
}

// matchesPath reports whether a path, relative to a repository's root, is left out.
func (e exclusion) matchesPath(p string) bool { return e.match(strings.Trim(p, "/")) }

func (e exclusion) match(p string) bool {
	return slices.ContainsFunc(e.patterns, func(pattern string) bool { return doublestar.MatchUnvalidated(pattern, p) })
}
