// Package owners reads CODEOWNERS as GitHub and GitLab do: who owns a file, which lines are passed over, which patterns
// match nothing, and which files nobody owns.
package owners

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
)

// Dialect is the host whose rules a file follows.
type Dialect string

// The dialects. Gitea and Forgejo use regular expressions, which are not read.
const (
	GitHub Dialect = "github"
	GitLab Dialect = "gitlab"
)

// paths are where each host looks for the file, in its order; the first that exists is used.
var paths = map[Dialect][]string{
	GitHub: {".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"},
	GitLab: {"CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"},
}

// maxSize is the size above which GitHub ignores the file.
const maxSize = 3 << 20

// maxMatches bounds the comparisons of patterns that have wildcards with files.
const maxMatches = 60_000_000

// File is a parsed CODEOWNERS file.
type File struct {
	Path     string
	Dialect  Dialect
	Rules    []Rule // in the order of the file
	Problems []fact.Problem

	plain map[string][]int // rules without a wildcard, by the path that they name
	wild  []int            // the other rules
}

// Rule is a line of the file: who owns what the pattern matches.
type Rule struct {
	Pattern   string // with escapes resolved
	Owners    []string
	At        fact.Location
	Exclude   bool   // "!pattern" of GitLab: the section does not apply to the files
	Section   string // of GitLab, in lower case; "" is the part before the first section
	Optional  bool   // approval by the section is not required
	Approvals int    // that the section requires; 0: not stated, which is one

	matcher matcher
}

// Guess returns the dialect of a repository whose host is not known, by the files that only one host reads.
func Guess(t *tree.Tree) Dialect {
	if _, found := t.First(paths[GitHub][0]); !found {
		if _, found := t.First(paths[GitLab][2], ".gitlab-ci.yml"); found {
			return GitLab
		}
	}
	return GitHub
}

// Read reads the CODEOWNERS file of a repository. An empty dialect is guessed. Without a file the value is known and
// nil.
func Read(t *tree.Tree, dialect Dialect) fact.Value[*File] {
	guessed := dialect == ""
	if guessed {
		dialect = Guess(t)
	}
	file, found := t.First(paths[dialect]...)
	if !found {
		return tree.Absent[*File](t, nil)
	}
	at := fact.Location{Path: file.Path}
	if file.Size > maxSize && dialect == GitHub {
		return fact.Known(&File{
			Path:     file.Path,
			Dialect:  dialect,
			Problems: []fact.Problem{{At: at, Reason: "GitHub ignores a CODEOWNERS file larger than 3 MB"}},
		}, at)
	}
	var f *File
	err := fact.Contain(func() error {
		text, err := t.Text(file)
		if guessed && file.Dir() != ".github" && anySection.MatchString(text) {
			dialect = GitLab
		}
		if err == nil {
			f = Parse(file.Path, text, dialect)
		}
		return err
	})
	if err != nil {
		return fact.Unknown[*File](at, "%v", err)
	}
	return fact.Known(f, at)
}

// Parse reads the text of a CODEOWNERS file. A line that the host passes over becomes a problem.
func Parse(file, text string, dialect Dialect) *File {
	f := &File{Path: file, Dialect: dialect}
	var section header
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		at := fact.Location{Path: file, Line: number}
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if !utf8.ValidString(line) {
			f.Problems = append(f.Problems, fact.Problem{At: at, Reason: "it is not UTF-8 text"})
			continue
		}
		if dialect == GitLab {
			if h, ok := parseHeader(line); ok {
				section = h
				f.check(at, h.owners)
				continue
			}
		}
		words := split(line)
		if len(words) == 0 {
			continue
		}
		rule := Rule{
			Pattern:   words[0],
			Owners:    words[1:],
			At:        at,
			Section:   section.name,
			Optional:  section.optional,
			Approvals: section.approvals,
		}
		if problem := rule.compile(line, dialect); problem != "" {
			f.Problems = append(f.Problems, fact.Problem{
				At:     at,
				Reason: fmt.Sprintf("%s; GitHub skips line %d", problem, number),
			})
			continue
		}
		if !f.check(at, rule.Owners) && dialect == GitHub {
			continue // GitHub passes over the whole line
		}
		rule.Owners = slices.DeleteFunc(rule.Owners, func(owner string) bool { return !isOwner(owner, dialect) })
		if len(words) == 1 && !rule.Exclude {
			rule.Owners = section.owners
		}
		f.Rules = append(f.Rules, rule)
	}
	f.index()
	return f
}

// check reports the owners that are none.
func (f *File) check(at fact.Location, owners []string) bool {
	ok := true
	for _, owner := range owners {
		if !isOwner(owner, f.Dialect) {
			ok = false
			f.Problems = append(f.Problems, fact.Problem{At: at, Reason: fmt.Sprintf(
				"%s is not an owner; write @user, @organization/team or an email address", owner)})
		}
	}
	return ok
}

var (
	gitHubOwner = regexp.MustCompile(`^@[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:/[A-Za-z0-9_.-]+)?$`)
	gitLabOwner = regexp.MustCompile(`^@{1,2}[A-Za-z0-9_.][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.-]+)*$`)
	email       = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@.]+$`)
)

func isOwner(text string, dialect Dialect) bool {
	if dialect == GitLab && gitLabOwner.MatchString(text) {
		return true
	}
	return gitHubOwner.MatchString(text) || email.MatchString(text)
}

// header is the first line of a section of GitLab.
type header struct {
	name      string
	optional  bool
	approvals int
	owners    []string
}

var sectionHeader = regexp.MustCompile(`^(\^)?\[([^\]]+)\](?:\[(\d+)\])?(?:\s+(.*))?$`)

// anySection finds a line that GitHub never accepts.
var anySection = regexp.MustCompile(`(?m)^\^?\[[^\]\n]+\](\[\d+\])?(\s+@\S+)*[ \t]*$`)

func parseHeader(line string) (header, bool) {
	m := sectionHeader.FindStringSubmatch(line)
	if m == nil {
		return header{}, false
	}
	h := header{name: strings.ToLower(strings.TrimSpace(m[2])), optional: m[1] != ""}
	h.approvals, _ = strconv.Atoi(m[3])
	if m[4] != "" && m[4][0] != '#' {
		h.owners = split(m[4])
	}
	return h, true
}

// split splits a line at its spaces except escaped ones, and ends it at a word that begins with "#".
func split(line string) []string {
	var words []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
		}
		word.Reset()
	}
	for i := 0; i < len(line); i++ {
		switch ch := line[i]; {
		case ch == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
		case ch == ' ' || ch == '\t':
			flush()
		case ch == '#' && word.Len() == 0 && len(words) > 0:
			return words
		default:
			word.WriteByte(ch)
		}
	}
	flush()
	return words
}

// compile prepares the pattern for matching. It returns why the host passes over the line, or "".
func (r *Rule) compile(line string, dialect Dialect) string {
	if dialect == GitLab {
		if rest, found := strings.CutPrefix(r.Pattern, "!"); found {
			r.Pattern, r.Exclude = rest, true
		}
	} else {
		switch {
		case strings.HasPrefix(r.Pattern, "!"):
			return r.Pattern + ": a pattern cannot be negated with !"
		case strings.ContainsAny(r.Pattern, "[]"):
			return r.Pattern + ": a pattern cannot contain [ ]"
		case strings.HasPrefix(line, `\#`):
			return r.Pattern + ": a pattern cannot begin with #, escaped or not"
		case strings.Contains(r.Pattern, "***"):
			return r.Pattern + ": a pattern cannot contain ***"
		}
	}
	r.matcher = compile(r.Pattern, dialect)
	return ""
}
