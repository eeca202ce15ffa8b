// Package merge merges texts line by line, by `git merge-file`: what two sides changed since a base, where they changed
// different lines.
package merge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dxctl/dxctl/actions/checkout"
)

// ConflictError is a merge of sides that changed the same lines in different ways.
type ConflictError struct {
	Conflicts int
	Text      []byte // the merge with markers and the base, for a report; never for a file
}

// Error returns the number of conflicts.
func (e *ConflictError) Error() string {
	if e.Conflicts == 1 {
		return "both sides changed the same lines"
	}
	return fmt.Sprintf("both sides changed the same lines, in %d places", e.Conflicts)
}

// Three merges two sides of a base. The error is a *ConflictError if they changed the same lines. Binary contents are
// not merged.
func Three(ctx context.Context, ours, base, theirs []byte) ([]byte, error) {
	dir, err := os.MkdirTemp("", "dxctl-merge-")
	if err != nil {
		return nil, fmt.Errorf("merging: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	for name, content := range map[string][]byte{"ours": ours, "base": base, "theirs": theirs} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, fmt.Errorf("merging: %w", err)
		}
	}
	out, err := checkout.Git(ctx, dir, "merge-file", "--stdout", "--quiet", "--diff3", "-L", "repository", "-L", "base",
		"-L", "golden path", "ours", "base", "theirs")
	var exit *checkout.ExitError
	switch {
	case errors.As(err, &exit) && exit.Code > 0 && exit.Code < 128:
		return nil, &ConflictError{Conflicts: exit.Code, Text: out}
	case err != nil:
		return nil, fmt.Errorf("merging: %w", err)
	}
	if out == nil {
		out = []byte{}
	}
	return out, nil
}
