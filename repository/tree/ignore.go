package tree

import (
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// maxIgnore bounds the patterns of all .gitignore files; further ones are not heeded.
const maxIgnore = 2_000

// ignores has the patterns of the .gitignore files of a checkout: what they exclude is not part of the repository, such
// as what a build writes. A file that the index of git has is part of it, whatever the patterns are.
type ignores struct {
	rules   []ignoreRule
	tracked map[string]bool // the files of the index, and their directories; empty if it cannot be read
	inside  map[string]bool // directories that a pattern excludes and that have tracked files
}

func newIgnores(fsys fs.FS) *ignores {
	return &ignores{tracked: trackedFiles(fsys), inside: map[string]bool{}}
}

type ignoreRule struct {
	dir     string // of its file, with a slash at the end; "" is the root
	glob    string // from the root of the repository
	dirOnly bool
	negated bool
}

// load reads the .gitignore of a directory. Only a checkout has files that are not part of the repository.
func (i *ignores) load(fsys fs.FS, dir string) {
	name := path.Join(dir, ".gitignore")
	if info, err := fs.Lstat(fsys, name); err != nil || !info.Mode().IsRegular() {
		return
	}
	file, err := fsys.Open(name)
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, 256<<10))
	if err != nil {
		return
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || line[0] == '#' || len(i.rules) >= maxIgnore {
			continue
		}
		if r, ok := parseIgnore(dir, line); ok {
			i.rules = append(i.rules, r)
		}
	}
}

func parseIgnore(dir, line string) (ignoreRule, bool) {
	var r ignoreRule
	if rest, found := strings.CutPrefix(line, "!"); found {
		line, r.negated = rest, true
	}
	if rest, found := strings.CutSuffix(line, "/"); found {
		line, r.dirOnly = rest, true
	}
	// A slash at the beginning or in the middle anchors the pattern to the directory of the file.
	anchored := strings.Contains(line, "/")
	line = strings.NewReplacer("{", `\{`, "}", `\}`).Replace(strings.TrimPrefix(line, "/"))
	if !anchored {
		line = "**/" + line
	}
	r.glob = line
	if dir != "." {
		r.dir, r.glob = dir+"/", escape(dir)+"/"+line
	}
	return r, line != "" && doublestar.ValidatePattern(r.glob)
}

func escape(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`).Replace(name)
}

// excluded reports whether a path is not part of the repository. A directory that has tracked files is entered, and of
// it only these count.
func (i *ignores) excluded(name string, isDir bool) bool {
	if !isDir && i.tracked[name] {
		return false // as almost all files are: no pattern is matched with them
	}
	matched := i.inside[path.Dir(name)] || i.matches(name, isDir)
	if matched && i.tracked[name] {
		if isDir {
			i.inside[name] = true
		}
		return false
	}
	return matched
}

// matches reports whether a pattern excludes a path. The last pattern that matches decides.
func (i *ignores) matches(name string, isDir bool) bool {
	for k := len(i.rules) - 1; k >= 0; k-- {
		r := i.rules[k]
		if r.dirOnly && !isDir || !strings.HasPrefix(name, r.dir) {
			continue
		}
		if ok, err := doublestar.Match(r.glob, name); ok && err == nil {
			return !r.negated
		}
	}
	return false
}
