package main

import (
	"context"
	"sync"

	"github.com/dxctl/dxctl/actions/fix/edits"
	"github.com/dxctl/dxctl/actions/github"
)

// resolveActions returns how the commit of a version of an action is asked for, with the credentials that actions have;
// nil without credentials. The dx.yaml of the repository does not choose who is asked.
func (s *cli) resolveActions(root string) func(ctx context.Context, repository, tag string) (edits.Action, error) {
	cfg, err := s.actionsConfig(root)
	if err != nil {
		return nil // without a configuration that can be read, nobody is asked; commands that need it report it
	}
	host, err := s.github(cfg.Actions.GitHub)
	if err != nil {
		return nil
	}
	return resolverOf(host)
}

func resolverOf(host *github.Host) func(ctx context.Context, repository, tag string) (edits.Action, error) {
	return func(ctx context.Context, repository, tag string) (edits.Action, error) {
		v, err := host.Version(ctx, repository, tag)
		return edits.Action{Name: repository, Tag: v.Tag, Commit: v.Commit}, err
	}
}

// onceEach asks for each version until there is an answer: many repositories use the same ones.
func onceEach(resolve func(context.Context, string, string) (edits.Action, error),
) func(ctx context.Context, repository, tag string) (edits.Action, error) {
	type answer struct {
		sync.Mutex
		edits.Action
	}
	var known sync.Map // of *answer, by repository@tag
	return func(ctx context.Context, repository, tag string) (edits.Action, error) {
		found, _ := known.LoadOrStore(repository+"@"+tag, &answer{})
		a, _ := found.(*answer)
		a.Lock()
		defer a.Unlock()
		var err error
		if a.Commit == "" {
			a.Action, err = resolve(ctx, repository, tag)
		}
		return a.Action, err
	}
}
