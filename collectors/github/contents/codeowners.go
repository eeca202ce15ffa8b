package contents

import (
	"strings"

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
