package catalog

import (
	"regexp"
	"strings"
)

// Backstage's rules for names: https://backstage.io/docs/features/software-catalog/descriptor-format.
var (
	namePattern      = regexp.MustCompile(`^[a-zA-Z0-9]+([-_.][a-zA-Z0-9]+)*$`)
	namespacePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	tagPattern       = regexp.MustCompile(`^[a-z0-9:+#]+(-[a-z0-9:+#]+)*$`)
	prefixPattern    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$`)
)

const (
	maxName   = 63
	maxPrefix = 253
)

func validName(s string) bool      { return len(s) <= maxName && namePattern.MatchString(s) }
func validNamespace(s string) bool { return len(s) <= maxName && namespacePattern.MatchString(s) }
func validTag(s string) bool       { return len(s) <= maxName && tagPattern.MatchString(s) }

// validKey checks the key of an annotation or a label: a name, or a domain, a slash and a name.
func validKey(s string) bool {
	prefix, name, found := strings.Cut(s, "/")
	if !found {
		return validName(s)
	}
	return len(prefix) <= maxPrefix && prefixPattern.MatchString(prefix) && validName(name)
}
