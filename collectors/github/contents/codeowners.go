package contents

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/repository/owners"
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
	file := owners.Parse("", string(text), owners.GitHub)
	f := codeownersFacts{Known: true, Default: []string{}, Owners: []string{}, Invalid: []string{}}
	for _, problem := range file.Problems {
		f.Invalid = append(f.Invalid, fmt.Sprintf("line %d: %s", problem.At.Line, problem.Reason))
	}
	for _, rule := range file.Rules {
		f.Owners = append(f.Owners, rule.Owners...)
		if everything(rule.Pattern) { // the last rule that matches is the one that counts, also when it names nobody
			f.Default = append([]string{}, rule.Owners...)
		}
	}
	slices.Sort(f.Owners)
	f.Owners = slices.Compact(f.Owners)
	return f
}

// everything reports whether a pattern matches every file of a repository.
func everything(pattern string) bool {
	switch strings.TrimPrefix(pattern, "/") {
	case "**", "**/*", "**/**":
		return true
	case "*":
		return pattern == "*" // "/*" means the files at the top
	}
	return pattern == "/"
}
