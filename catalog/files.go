package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// isPattern reports whether p is a glob rather than the name of one file.
func isPattern(p string) bool { return strings.ContainsAny(p, "*?[{") }

// expand returns the files that pattern names, in order. A relative pattern is relative to dir. "**" stands for any
// number of folders, "{a,b}" for either; folders .git and node_modules are never entered by "**". A name without a
// pattern is returned whether or not the file exists, so that reading it reports why it cannot be read.
// closed are the directories that could not be entered, in which there may be more.
func expand(pattern, dir string) (files []string, closed []closedDir, err error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(escapePattern(dir), pattern)
	}
	if !isPattern(pattern) {
		return []string{filepath.Clean(unescapePattern(pattern))}, nil, nil
	}
	for _, alternative := range expandBraces(filepath.ToSlash(pattern), 0) {
		found, unread, err := glob(alternative)
		if err != nil {
			return nil, nil, err
		}
		files, closed = append(files, found...), append(closed, unread...)
	}
	slices.Sort(files)
	slices.SortFunc(closed, func(a, b closedDir) int { return strings.Compare(a.name, b.name) })
	return slices.Compact(files), slices.CompactFunc(closed, func(a, b closedDir) bool { return a.name == b.name }), nil
}

// closedDir is a directory that cannot be read.
type closedDir struct {
	name string
	err  error
}

// Files returns the files that a name or a pattern names, as in Config.Files; scorecards are found the same way.
// A directory that cannot be read is an error.
func Files(pattern, dir string) ([]string, error) {
	files, closed, err := expand(pattern, dir)
	for _, c := range closed {
		err = errors.Join(err, fmt.Errorf("pattern %s: %s: %w", pattern, c.name, c.err))
	}
	return files, err
}

// escapePattern keeps a folder whose own name holds a "[" from being read as a pattern.
func escapePattern(dir string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`).Replace(dir)
}

func unescapePattern(p string) string {
	return strings.NewReplacer(`\*`, `*`, `\?`, `?`, `\[`, `[`, `\{`, `{`).Replace(p)
}

// maxBraceDepth bounds how many "{…}" a pattern may hold; each multiplies the alternatives.
const maxBraceDepth = 4

func expandBraces(pattern string, depth int) []string {
	start := 0
	for start < len(pattern) && (pattern[start] != '{' || (start > 0 && pattern[start-1] == '\\')) {
		start++
	}
	end := strings.IndexByte(pattern[start:], '}')
	if start == len(pattern) || end < 0 || depth == maxBraceDepth {
		return []string{pattern}
	}
	var out []string
	for _, choice := range strings.Split(pattern[start+1:start+end], ",") {
		out = append(out, expandBraces(pattern[:start]+choice+pattern[start+end+1:], depth+1)...)
	}
	return out
}

// validPattern reports a pattern that cannot be one.
func validPattern(pattern string) error {
	for s := range strings.SplitSeq(pattern, "/") {
		if _, err := path.Match(s, ""); err != nil {
			return fmt.Errorf("pattern %s: %w", pattern, err)
		}
	}
	return nil
}

func glob(pattern string) (files []string, closed []closedDir, err error) {
	if err := validPattern(pattern); err != nil {
		return nil, nil, err
	}
	segments := strings.Split(pattern, "/")
	fixed := 0
	for fixed < len(segments)-1 && !isPattern(strings.NewReplacer(`\*`, ``, `\?`, ``, `\[`, ``, `\{`, ``).Replace(segments[fixed])) {
		fixed++
	}
	root := unescapePattern(strings.Join(segments[:fixed], "/"))
	if root == "" {
		root = "/"
	}
	rest := segments[fixed:]
	err = filepath.WalkDir(filepath.FromSlash(root), func(p string, entry fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && p == filepath.FromSlash(root) {
				return fs.SkipAll
			}
			var pathErr *fs.PathError
			if errors.As(err, &pathErr) {
				err = pathErr.Err
			}
			closed = append(closed, closedDir{p, err})
			return nil
		}
		rel, err := filepath.Rel(filepath.FromSlash(root), p)
		if err != nil || rel == "." {
			return err
		}
		parts := strings.Split(filepath.ToSlash(rel), "/")
		if entry.IsDir() {
			if !couldMatch(rest, parts) || ((entry.Name() == ".git" || entry.Name() == "node_modules") && !slices.Contains(rest, entry.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if matchSegments(rest, parts) && isFile(p, entry) {
			files = append(files, p)
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("pattern %s: %w", pattern, err)
	}
	return files, closed, nil
}

// isFile follows symbolic links, because a linked descriptor is a descriptor.
func isFile(p string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.Type().IsRegular()
	}
	info, err := os.Stat(p)
	return err == nil && info.Mode().IsRegular()
}

// couldMatch reports whether something below the folder can match, so that other folders need not be walked.
func couldMatch(pattern, folder []string) bool {
	for i, part := range folder {
		if i >= len(pattern)-1 {
			return slices.Contains(pattern[:min(i+1, len(pattern))], "**")
		}
		if pattern[i] == "**" {
			return true
		}
		if ok, err := path.Match(pattern[i], part); !ok || err != nil {
			return false
		}
	}
	return true
}

func matchSegments(pattern, parts []string) bool {
	if len(pattern) == 0 {
		return len(parts) == 0
	}
	if pattern[0] == "**" {
		for i := range len(parts) + 1 {
			if matchSegments(pattern[1:], parts[i:]) {
				return true
			}
		}
		return false
	}
	if len(parts) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], parts[0])
	return ok && err == nil && matchSegments(pattern[1:], parts[1:])
}

// within reports whether file lies below root once symbolic links are followed. A file that does not exist is judged
// by its name.
func within(file, root string) bool {
	resolve := func(p string) string {
		if r, err := filepath.EvalSymlinks(p); err == nil {
			p = r
		}
		if abs, err := filepath.Abs(p); err == nil {
			p = abs
		}
		return p
	}
	rel, err := filepath.Rel(resolve(root), resolve(file))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
