package catalog

import "strings"

// RepositoryName returns the path of the repository that a text names: owner/name of https://host/owner/name/tree/main,
// git@host:owner/name.git and the like. A text that is no address is returned as it is.
func RepositoryName(text string) string {
	if !strings.Contains(text, "://") && !strings.Contains(text, "@") {
		return text
	}
	if r, err := parseRepository(text, ""); err == nil && r.path != "" {
		return r.path
	}
	host, rest, err := splitAddress(text, "") // of a host whose addresses are not known
	if rest = strings.TrimSuffix(strings.Trim(rest, "/"), ".git"); err != nil || host == "" || rest == "" {
		return text
	}
	return rest
}
