package contents

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
)

// codeownersFiles are where GitHub looks for the file, in its order.
var codeownersFiles = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// codeownersLimit is the size above which GitHub ignores the file, in bytes.
const codeownersLimit = 3 << 20

// codeownersFacts are the facts of the file. Without a file, nobody owns anything.
type codeownersFacts struct {
	SHA     string   `json:"sha,omitempty"`
	Known   bool     `json:"known"`
	Default []string `json:"default"` // owners of a file that no narrower rule names
	Owners  []string `json:"owners"`  // all that are named, sorted
	Invalid []string `json:"invalid"` // lines that GitHub ignores: "line 3: why"
	Error   string   `json:"error,omitempty"`
}

// codeowners reads the file if it has changed.
func (c *collector) codeowners(ctx context.Context, s *state, tree []treeFile, whole bool) error {
	var file treeFile
	for _, name := range codeownersFiles {
		if i := slices.IndexFunc(tree, func(f treeFile) bool { return f.Path == name && f.Type == "blob" }); i >= 0 {
			file = tree[i]
			break
		}
	}
	switch {
	case file.Path == "" && !whole:
		return nil // it may be there, and what was known of it still holds
	case file.Path == "" || file.SHA == "":
		s.Owners = codeownersFacts{Known: file.Path == "", Default: []string{}, Owners: []string{}, Invalid: []string{}}
		return nil
	case file.SHA == s.Owners.SHA && s.Owners.Known:
		return nil
	case file.Size > codeownersLimit:
		s.Owners = codeownersFacts{
			SHA:     file.SHA,
			Known:   true,
			Default: []string{},
			Owners:  []string{},
			Invalid: []string{"GitHub does not heed a file of more than 3 MB"},
		}
		return nil
	}
	text, err := c.blob(ctx, file.SHA)
	if code := client.Status(err); code == http.StatusNotFound || code == http.StatusForbidden {
		s.Owners = codeownersFacts{Error: fmt.Sprintf("%s does not show %s (status %d); the token needs read access to "+
			"contents", c.Source, file.Path, code)}
		return nil
	}
	if rest.Faulty(err) {
		c.odd(file.Path, err)
		s.Owners = codeownersFacts{Error: fmt.Sprintf("%s cannot be read: %v", file.Path, err)}
		return nil
	}
	if err != nil {
		return err
	}
	s.Owners = codeownersOf(text)
	s.Owners.SHA = file.SHA
	return nil
}

// DefaultOwners returns the owners, according to the text of a CODEOWNERS file, of the files that no narrower rule
// matches.
func DefaultOwners(text []byte) []string { return codeownersOf(text).Default }

// codeownersOf returns the facts of a CODEOWNERS file.
func codeownersOf(text []byte) codeownersFacts {
	rules, invalid := parseCodeowners(text)
	f := codeownersFacts{Known: true, Default: []string{}, Owners: []string{}, Invalid: invalid}
	for _, rule := range rules {
		f.Owners = append(f.Owners, rule.owners...)
		if rule.everything() { // the last rule that matches is the one that counts, also when it names nobody
			f.Default = append([]string{}, rule.owners...)
		}
	}
	slices.Sort(f.Owners)
	f.Owners = slices.Compact(f.Owners)
	return f
}

// codeownersRule is a line of the file: the owners of the files that the pattern matches.
type codeownersRule struct {
	pattern string // with escaped spaces resolved
	owners  []string
}

// everything reports whether the rule matches every file of a repository.
func (r codeownersRule) everything() bool {
	switch strings.TrimPrefix(r.pattern, "/") {
	case "**", "**/*", "**/**":
		return true
	case "*":
		return r.pattern == "*" // "/*" means the files at the top
	}
	return r.pattern == "/"
}

var (
	ownerName  = regexp.MustCompile(`^@[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:/[A-Za-z0-9_.-]+)?$`)
	ownerEmail = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@.]+$`)
)

// parseCodeowners reads the file as GitHub does: a pattern and its owners on each line, "#" begins a comment, a space
// in a pattern is written "\ ". A line that GitHub ignores is reported, and does not affect the others. A
// line with a pattern alone is valid: nobody owns those files.
func parseCodeowners(text []byte) (rules []codeownersRule, invalid []string) {
	invalid = []string{}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		rule, problem := parseCodeownersLine(strings.TrimSpace(line))
		switch {
		case problem != "":
			invalid = append(invalid, fmt.Sprintf("line %d: %s", number, problem))
		case rule.pattern != "":
			rules = append(rules, rule)
		}
	}
	return rules, invalid
}

func parseCodeownersLine(line string) (rule codeownersRule, problem string) {
	if line == "" || line[0] == '#' {
		return rule, ""
	}
	if !utf8.ValidString(line) {
		return rule, "it is not UTF-8 text"
	}
	words := codeownersWords(line)
	rule.pattern = words[0]
	switch {
	case strings.HasPrefix(rule.pattern, "!"):
		return rule, fmt.Sprintf("%s: a pattern cannot be negated with !", rule.pattern)
	case strings.ContainsAny(rule.pattern, "[]"):
		return rule, fmt.Sprintf("%s: a pattern cannot hold [ ]", rule.pattern)
	case strings.HasPrefix(line, `\#`):
		return rule, fmt.Sprintf("%s: a pattern cannot begin with #, escaped or not", rule.pattern)
	case strings.Contains(rule.pattern, "***"):
		return rule, fmt.Sprintf("%s: a pattern cannot hold ***", rule.pattern)
	}
	for _, owner := range words[1:] {
		if !ownerName.MatchString(owner) && !ownerEmail.MatchString(owner) {
			return rule, fmt.Sprintf("%s is not an owner; give @user, @organization/team or an e-mail address", owner)
		}
		rule.owners = append(rule.owners, owner)
	}
	return rule, ""
}

// codeownersWords splits a line, which is not empty, at its unescaped spaces; a word that begins with "#" ends it.
func codeownersWords(line string) []string {
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
