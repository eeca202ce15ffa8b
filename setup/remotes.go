package setup

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
)

// remote is a git remote of the current directory.
type remote struct {
	name     string // origin
	provider string // github, gitlab; empty: not known
	host     string
	path     string // owner/name, with every group before the name
}

// account returns the path without the name of the repository.
func (r remote) account() string { return r.path[:max(strings.LastIndex(r.path, "/"), 0)] }

// findRemotes returns the remotes of the git repository that contains dir, origin first. Without git, or a repository,
// there are none. Credentials in an address are dropped.
func findRemotes(ctx context.Context, dir string) []remote {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "git", "-C", dir, "remote", "-v").Output() //nolint:gosec // the user's directory
	if err != nil {
		return nil
	}
	return parseRemotes(string(out))
}

func parseRemotes(listing string) []remote {
	var found []remote
	for line := range strings.Lines(listing) {
		fields := strings.Fields(line) // name, address, (fetch)
		if len(fields) < 3 || fields[len(fields)-1] != "(fetch)" {
			continue
		}
		r, err := identifier.ParseRepository(fields[1], "")
		if err != nil || r.Host == "" {
			continue
		}
		path := r.Path
		if path == "" { // of a host whose provider is not known
			if path = identifier.RepositoryName(fields[1]); strings.ContainsAny(path, ":@") {
				continue
			}
		}
		found = append(found, remote{fields[0], r.Provider(), r.Host, path})
	}
	slices.SortStableFunc(found, func(a, b remote) int { return rank(a.name) - rank(b.name) })
	return found
}

func rank(name string) int {
	if i := slices.Index([]string{"origin", "upstream"}, name); i >= 0 {
		return i
	}
	return 2
}
