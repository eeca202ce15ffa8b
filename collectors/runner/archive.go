package runner

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/collectors/source"
)

// Archives reports whether a source has the files of a scope of a provider.
func (r *Runner) Archives(name, provider, scope string) bool {
	chosen, err := r.choose(name)
	if err != nil || len(chosen) != 1 {
		return false
	}
	if of, ok := chosen[0].Collector.(source.Hosted); ok {
		return of.HasRepository(provider, scope)
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

// Revision returns the commit of a scope, as [source.Reviser] does; zero if the source cannot tell.
func (r *Runner) Revision(ctx context.Context, name, scope string, known source.Revision) (source.Revision, error) {
	chosen, err := r.choose(name)
	if err != nil {
		return source.Revision{}, err
	}
	reviser, ok := chosen[0].Collector.(source.Reviser)
	if !ok {
		return source.Revision{}, nil
	}
	now, err := reviser.Revision(ctx, scope, known)
	if err != nil {
		return source.Revision{}, fmt.Errorf("asking the source %s for the commit of %s: %w", name, scope, err)
	}
	return now, nil
}
