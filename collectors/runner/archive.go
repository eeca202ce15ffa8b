package runner

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/collectors/source"
)

// Archives reports whether a source has the files of its scopes.
func (r *Runner) Archives(name string) bool {
	chosen, err := r.choose(name)
	if err != nil || len(chosen) != 1 {
		return false
	}
	_, ok := chosen[0].Collector.(source.Archiver)
	return ok
}

// Archive returns the files of a scope, as [source.Archiver] does.
func (r *Runner) Archive(ctx context.Context, name, scope string, most int64) ([]byte, error) {
	chosen, err := r.choose(name)
	if err != nil {
		return nil, err
	}
	archiver, ok := chosen[0].Collector.(source.Archiver)
	if !ok {
		return nil, fmt.Errorf("the source %s has no files of repositories", name)
	}
	body, err := archiver.Archive(ctx, scope, most)
	if err != nil {
		return nil, fmt.Errorf("reading the files of %s from the source %s: %w", scope, name, err)
	}
	return body, nil
}
