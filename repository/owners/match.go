package owners

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// matcher is a pattern, prepared. Both hosts follow the rules of .gitignore, with one exception: a "*" that ends a
// pattern with a directory in front matches the files of that directory and not those below.
type matcher struct {
	segments []segment // of the path from the root
	within   bool      // what lies in a matched directory matches, too
	plain    bool      // no segment has a wildcard
	prefix   string    // of a plain pattern: the directory or file from the root
}

func compile(pattern string, dialect Dialect) matcher {
	dirOnly := strings.HasSuffix(pattern, "/") && pattern != "/"
	inner := strings.Trim(pattern, "/")
	// On GitLab only a leading slash anchors a pattern; in .gitignore, one in the middle does, too.
	anchored := strings.HasPrefix(pattern, "/") || dialect == GitHub && strings.Contains(inner, "/")
	m := matcher{within: true}
	var parts []string
	if inner != "" {
		parts = strings.Split(inner, "/")
	}
	if !anchored {
		parts = append([]string{"**"}, parts...)
	}
	last := ""
	if len(parts) > 0 {
		last = parts[len(parts)-1]
	}
	if last == "**" && dialect == GitLab && !dirOnly {
		parts[len(parts)-1] = "*" // for Ruby's fnmatch, ** without a slash behind it is *
	}
	switch {
	case dirOnly || pattern == "/":
		if inner == "**" && dialect == GitHub {
			parts = append(parts, "*") // "**/" matches directories, so what lies in one
		}
		parts = append(parts, "**", "*")
		m.within = false
	case dialect == GitLab:
		m.within = false // a pattern without a slash at its end is that of files
	case last == "*" && anchored:
		m.within = false
	}
	parts = slices.CompactFunc(parts, func(a, b string) bool { return a == "**" && b == "**" })
	for _, part := range parts {
		m.segments = append(m.segments, prepare(part))
	}
	m.plain = !strings.ContainsAny(pattern, "*?[\\") && anchored && inner != ""
	m.prefix = inner
	return m
}

// match reports whether the pattern matches the path of a file.
//
// A "**" is tried with its shortest match first, and the last one decides, as for "*" in a text: backtracking to an
// earlier one cannot help. So the cost is at most the number of segments times that of parts.
func (m matcher) match(parts []string) bool {
	star, resume := -1, 0
	i, pos := 0, 0
	for {
		switch {
		case i == len(m.segments):
			if pos == len(parts) || m.within && pos > 0 {
				return true
			}
		case m.segments[i].kind == anyDirs:
			if i == len(m.segments)-1 {
				return pos < len(parts)
			}
			star, resume = i, pos
			i++
			continue
		case pos < len(parts) && m.segments[i].match(parts[pos]):
			i++
			pos++
			continue
		}
		if star < 0 || resume >= len(parts) {
			return false
		}
		resume++
		i, pos = star+1, resume
	}
}

// segment is a part of a pattern between slashes, prepared.
type segment struct {
	kind          segmentKind
	before, after string // around the star of oneStar; the text of literal and general is before
}

type segmentKind int

const (
	literal segmentKind = iota
	anyDirs             // "**"
	oneStar             // "*.go"
	general             // all else, for path.Match
)

func prepare(text string) segment {
	if text == "**" {
		return segment{kind: anyDirs}
	}
	before, after, star := strings.Cut(text, "*")
	switch {
	case strings.ContainsAny(before, `?[\`) || strings.ContainsAny(after, `*?[\`):
		return segment{kind: general, before: text}
	case star:
		return segment{kind: oneStar, before: before, after: after}
	}
	return segment{before: text}
}

func (s segment) match(name string) bool {
	switch s.kind {
	case literal:
		return name == s.before
	case oneStar:
		rest, found := strings.CutPrefix(name, s.before)
		return found && strings.HasSuffix(rest, s.after)
	}
	ok, err := path.Match(s.before, name)
	return err == nil && ok
}

// Owners returns the owners of a file and the rules that decide: the last one that matches; on GitLab the last one of
// each section. A file without owners has none.
func (f *File) Owners(file string) (owners []string, decisive []*Rule) {
	parts := strings.Split(file, "/")
	if f.Dialect == GitLab {
		return f.ownersBySection(parts)
	}
	last := -1
	for _, i := range f.plainMatches(file) {
		last = max(last, i)
	}
	for _, i := range slices.Backward(f.wild) {
		if i < last {
			break
		}
		if f.Rules[i].matcher.match(parts) {
			last = i
			break
		}
	}
	if last < 0 {
		return nil, nil
	}
	return f.Rules[last].Owners, []*Rule{&f.Rules[last]}
}

// index prepares the rules for look-ups: those without a wildcard are found by the directories of a file.
func (f *File) index() {
	f.plain, f.wild = map[string][]int{}, nil
	for i := range f.Rules {
		if m := &f.Rules[i].matcher; m.plain && f.Dialect == GitHub {
			f.plain[m.prefix] = append(f.plain[m.prefix], i)
		} else {
			f.wild = append(f.wild, i)
		}
	}
}

// plainMatches returns the rules without a wildcard that match a file: those of its path and of each directory above.
func (f *File) plainMatches(file string) []int {
	var found []int
	for name := file; name != "." && name != "/"; name = path.Dir(name) {
		for _, i := range f.plain[name] {
			if name != file || f.Rules[i].matcher.within { // "/docs/" does not match a file of that name
				found = append(found, i)
			}
		}
	}
	return found
}

func (f *File) ownersBySection(parts []string) (owners []string, decisive []*Rule) {
	decided, excluded := map[string]*Rule{}, map[string]bool{}
	var order []string
	for i := range f.Rules {
		r := &f.Rules[i]
		if excluded[r.Section] || !r.matcher.match(parts) {
			continue
		}
		if r.Exclude {
			excluded[r.Section] = true
			delete(decided, r.Section)
			continue
		}
		if decided[r.Section] == nil {
			order = append(order, r.Section)
		}
		decided[r.Section] = r
	}
	for _, section := range order {
		if r := decided[section]; r != nil {
			decisive = append(decisive, r)
			for _, owner := range r.Owners {
				if !slices.Contains(owners, owner) {
					owners = append(owners, owner)
				}
			}
		}
	}
	return owners, decisive
}

// Named returns all owners that the file names, sorted.
func (f *File) Named() []string {
	var all []string
	for _, r := range f.Rules {
		all = append(all, r.Owners...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Coverage compares the file with the files of a repository.
type Coverage struct {
	Files     int      // compared
	Uncovered []string // files without an owner
	Dead      []*Rule  // rules whose pattern matches no file
	Shadowed  []*Rule  // rules that match files, for all of which later rules decide
}

// Cover compares the rules with every file. The error is a bound that is exceeded.
func (f *File) Cover(files []string) (Coverage, error) {
	if len(f.wild)*len(files) > maxMatches {
		return Coverage{}, fmt.Errorf("%d patterns times %d files are too many to compare", len(f.wild), len(files))
	}
	c := Coverage{Files: len(files)}
	matches, decides := make([]bool, len(f.Rules)), make(map[*Rule]bool, len(f.Rules))
	for _, file := range files {
		owners, decisive := f.Owners(file)
		if len(owners) == 0 {
			c.Uncovered = append(c.Uncovered, file)
		}
		for _, r := range decisive {
			decides[r] = true
		}
		for _, i := range f.plainMatches(file) {
			matches[i] = true
		}
		parts := strings.Split(file, "/")
		for _, i := range f.wild {
			matches[i] = matches[i] || f.Rules[i].matcher.match(parts)
		}
	}
	for i := range f.Rules {
		switch r := &f.Rules[i]; {
		case !matches[i]:
			c.Dead = append(c.Dead, r)
		case !decides[r] && !r.Exclude:
			c.Shadowed = append(c.Shadowed, r)
		}
	}
	return c, nil
}
