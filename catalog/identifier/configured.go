package identifier

import (
	"fmt"
	"strings"
)

// RepositoryPath returns the path of the repository of a provider ("github" or "gitlab") that a slug or an address
// names, read as in annotations: owner/name, https://host/owner/name/tree/main, git@host:owner/name.git. server is the
// host at which the repository must be, with its port if it has one; an address of another host is an error.
func RepositoryPath(text, provider, server string) (string, error) {
	r, err := ParseRepository(text, provider)
	if err != nil {
		return "", err
	}
	server = strings.ToLower(server)
	if r.Host != "" && !SameHost(r.Host, server) && (hostsOf[r.Host] == "" || hostsOf[r.Host] != hostsOf[server]) {
		return "", fmt.Errorf("it is at %s, and the source is at %s", r.Host, server)
	}
	return r.Path, nil
}

// CircleSlug returns the slug of the project of CircleCI that a slug, the address of its page or that of its repository
// names, read as in annotations.
func CircleSlug(text string) (string, error) {
	segments, err := circleSlug(strings.TrimSpace(text))
	if err != nil {
		return "", err
	}
	return segments[0] + "/" + segments[1] + "/" + strings.TrimSuffix(segments[2], ".git"), nil
}

// JenkinsJob returns the full name of the job whose page has an address, read as in annotations.
func JenkinsJob(address string) (string, error) {
	_, _, names, err := jenkinsJob(address)
	return strings.Join(names, "/"), err
}
