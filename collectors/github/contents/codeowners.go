package contents

import (
	"context"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/owners"
)

// DefaultOwners returns the owners, according to the text of a CODEOWNERS file, of the files that no narrower rule
// matches.
func DefaultOwners(text []byte) []string {
	owned := []string{}
	for _, rule := range owners.Parse("", string(text), owners.GitHub).Rules {
		if everything(rule.Pattern) { // the last rule that matches is the one that counts, also when it names nobody
			owned = append([]string{}, rule.Owners...)
		}
	}
	return owned
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

// resolver reports whether an owner in CODEOWNERS exists and can write to the repository.
type resolver func(owner string) fact.Value[bool]

// resolve asks GitHub which owners in CODEOWNERS it does not find, once in this collect.
func (c *collector) resolve(ctx context.Context) resolver {
	if c.resolver != nil {
		return c.resolver
	}
	var found struct {
		Errors []struct {
			Kind   string `json:"kind"`
			Column int    `json:"column"` // from 1, where the owner begins in the source
			Source string `json:"source"` // the line
		} `json:"errors"`
	}
	_, err := c.Get(ctx, "repos/"+c.Scope+"/codeowners/errors", "", &found)
	unknown := map[string]bool{}
	for _, e := range found.Errors {
		if e.Kind != "Unknown owner" || e.Column < 1 || e.Column > len(e.Source) {
			continue
		}
		if words := strings.Fields(e.Source[e.Column-1:]); len(words) > 0 {
			unknown[strings.ToLower(words[0])] = true
		}
	}
	c.resolver = func(owner string) fact.Value[bool] {
		if err != nil {
			return fact.Unknown[bool](fact.Location{}, "GitHub does not show which owners it finds: %v", err)
		}
		return fact.Known(!unknown[strings.ToLower(owner)], fact.Location{})
	}
	return c.resolver
}
