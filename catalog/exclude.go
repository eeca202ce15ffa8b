package catalog

import (
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// exclusion are the patterns of files that are left out.
type exclusion struct {
	baseDir  string
	patterns []string // relative to baseDir, or absolute
	used     []bool   // by pattern: it left something out
}

func newExclusion(patterns []string, baseDir string) exclusion {
	e := exclusion{baseDir: baseDir}
	for _, p := range patterns {
		e.patterns = append(e.patterns, filepath.ToSlash(filepath.Clean(p)))
	}
	e.used = make([]bool, len(patterns))
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
	excluded := e.match(filepath.ToSlash(abs))
	if rel, err := filepath.Rel(base, abs); err == nil && e.match(filepath.ToSlash(rel)) {
		excluded = true
	}
	return excluded
}

// matchesPath reports whether a path, relative to a repository's root, is left out.
func (e exclusion) matchesPath(p string) bool { return e.match(strings.Trim(p, "/")) }

// match tries every pattern, because each is used that matches.
func (e exclusion) match(p string) bool {
	matched := false
	for i, pattern := range e.patterns {
		if doublestar.MatchUnvalidated(pattern, p) {
			e.used[i], matched = true, true
		}
	}
	return matched
}

// warnUnusedExclusions reports the patterns of catalog.exclude, as configured, that left nothing out: most are
// mistyped.
func (l *loader) warnUnusedExclusions(configured []string) {
	for i, used := range l.exclude.used {
		if !used {
			l.Warn("", 0, "catalog.exclude: no descriptor matches %s, neither a file (below %s) nor a path in the repository "+
				"of a source",
				configured[i], l.BaseDir)
		}
	}
}
