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
	segments []string // of the path from the root; "**" is any number of directories
	within   bool     // what lies in a matched directory matches, too
	plain    bool     // no segment has a wildcard
}

func compile(pattern string, dialect Dialect) matcher {
	dirOnly := strings.HasSuffix(pattern, "/") && pattern != "/"
	inner := strings.Trim(pattern, "/")
	// On GitLab only a leading slash anchors a pattern; in .gitignore, one in the middle does, too.
	anchored := strings.HasPrefix(pattern, "/") || dialect == GitHub && strings.Contains(inner, "/")
	m := matcher{within: true}
	if inner != "" {
		m.segments = strings.Split(inner, "/")
	}
	if !anchored {
		m.segments = append([]string{"**"}, m.segments...)
	}
	last := ""
	if len(m.segments) > 0 {
		last = m.segments[len(m.segments)-1]
	}
	if last == "**" && dialect == GitLab && !dirOnly {
		m.segments[len(m.segments)-1] = "*" // for Ruby's fnmatch, ** without a slash behind it is *
	}
	switch {
	case dirOnly || pattern == "/":
		if last == "**" {
			m.segments = append(m.segments, "*") // "**/" matches directories, so what lies in one
		}
		m.segments = append(m.segments, "**", "*")
		m.within = false
	case dialect == GitLab:
		m.within = false // a pattern without a slash at its end is that of files
	case last == "*" && anchored:
		m.within = false
	}
	m.segments = slices.CompactFunc(m.segments, func(a, b string) bool { return a == "**" && b == "**" })
	m.plain = !strings.ContainsAny(pattern, "*?[\\") && anchored
	return m
}

// match reports whether the pattern matches a file.
func (m matcher) match(parts []string) bool {
	if m.plain && m.within {
		return len(parts) >= len(m.segments) && slices.Equal(m.segments, parts[:len(m.segments)])
	}
	return m.from(0, parts)
}

// from matches the segments from index i on. A "**" is tried with its shortest match first, and the last one decides,
// as for "*" in a text: backtracking to an earlier one cannot help, so the cost is bounded by segments times parts.
func (m matcher) from(i int, parts []string) bool {
	star, resume := -1, 0
	pos := 0
	for {
		switch {
		case i == len(m.segments):
			if pos == len(parts) || m.within && pos > 0 {
				return true
			}
		case m.segments[i] == "**":
			if i == len(m.segments)-1 {
				return pos < len(parts)
			}
			star, resume = i, pos
			i++
			continue
		case pos < len(parts) && glob(m.segments[i], parts[pos]):
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

func glob(pattern, name string) bool {
	switch {
	case pattern == "*" || pattern == name:
		return true
	case !strings.ContainsAny(pattern, "*?[\\"):
		return false
	}
	// A suffix such as *.go is the common case.
	if rest, found := strings.CutPrefix(pattern, "*"); found && !strings.ContainsAny(rest, "*?[\\") {
		return strings.HasSuffix(name, rest)
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// Owners returns the owners of a file and the rules that decide: the last one that matches; on GitLab the last one of
// each section. A file without owners has none.
func (f *File) Owners(file string) (owners []string, decisive []*Rule) {
	parts := strings.Split(file, "/")
	if f.Dialect == GitHub {
		for i := len(f.Rules) - 1; i >= 0; i-- {
			if r := &f.Rules[i]; r.matcher.match(parts) {
				return r.Owners, []*Rule{r}
			}
		}
		return nil, nil
	}
	return f.ownersBySection(parts)
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
	if len(f.Rules)*len(files) > maxMatches {
		return Coverage{}, fmt.Errorf("%d rules times %d files are too many to compare", len(f.Rules), len(files))
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
		parts := strings.Split(file, "/")
		for i := range f.Rules {
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
