package catalog

import (
	"path/filepath"
	"strings"
)

// exclusion are the patterns of files that are left out.
type exclusion struct {
	baseDir  string
	patterns [][]string // segments
	absolute [][]string
}

func newExclusion(patterns []string, baseDir string) exclusion {
	e := exclusion{baseDir: baseDir}
	for _, p := range patterns {
		absolute := filepath.IsAbs(p)
		for _, alternative := range expandBraces(filepath.ToSlash(filepath.Clean(p)), 0) {
			if segments := strings.Split(alternative, "/"); absolute {
				e.absolute = append(e.absolute, segments)
			} else {
				e.patterns = append(e.patterns, segments)
			}
		}
	}
	return e
}

// matches reports whether a file is left out, by its name relative to the base directory.
func (e exclusion) matches(file string) bool {
	if len(e.patterns)+len(e.absolute) == 0 {
		return false
	}
	base, errBase := filepath.Abs(e.baseDir)
	abs, errFile := filepath.Abs(file)
	if errBase != nil || errFile != nil {
		return false
	}
	parts := strings.Split(filepath.ToSlash(abs), "/")
	for _, p := range e.absolute {
		if matchSegments(p, parts) {
			return true
		}
	}
	rel, err := filepath.Rel(base, abs)
	return err == nil && e.matchesPath(filepath.ToSlash(rel))
}

// matchesPath reports whether a path, relative to a repository's root, is left out.
func (e exclusion) matchesPath(p string) bool {
	parts := strings.Split(strings.Trim(p, "/"), "/")
	for _, pattern := range e.patterns {
		if matchSegments(pattern, parts) {
			return true
		}
	}
	return false
}
