package descriptor

import (
	"regexp"
	"strings"
)

// Backstage's rules for names, as its own validation has them (catalog-model, KubernetesValidatorFunctions and
// CommonValidatorFunctions): https://backstage.io/docs/features/software-catalog/descriptor-format.
var (
	namePattern      = regexp.MustCompile(`^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$`)
	namespacePattern = regexp.MustCompile(`^[a-z0-9]+(?:-+[a-z0-9]+)*$`)
	tagPattern       = regexp.MustCompile(`^[a-z0-9:+#]+(-[a-z0-9:+#]+)*$`)
	kindPattern      = regexp.MustCompile(`^[a-zA-Z][a-z0-9A-Z]*$`)
)

const (
	maxName   = 63
	maxPrefix = 253
)

func validName(s string) bool      { return len(s) <= maxName && namePattern.MatchString(s) }
func validNamespace(s string) bool { return len(s) <= maxName && namespacePattern.MatchString(s) }
func validTag(s string) bool       { return len(s) <= maxName && tagPattern.MatchString(s) }

func validKind(s string) bool { return len(s) <= maxName && kindPattern.MatchString(s) }

// validLabel checks the value of a label: a name, or nothing.
func validLabel(s string) bool { return s == "" || validName(s) }

// validKey checks the key of an annotation or a label: a name, or a domain, a slash and a name.
func validKey(s string) bool {
	prefix, name, found := strings.Cut(s, "/")
	if !found {
		return validName(s)
	}
	return validPrefix(prefix) && validName(name)
}

// validPrefix checks a domain: parts with dots between them, of which each is a namespace.
func validPrefix(s string) bool {
	if len(s) > maxPrefix {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if !validNamespace(part) {
			return false
		}
	}
	return true
}
