package runner

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/event"
)

// gatheringStore is a Store of which scopes that are collected side by side share the statements.
type gatheringStore struct {
	Store
	appends gathered[[]event.Event, struct{}]
	loads   gathered[checkpoint, []byte]
	saves   gathered[checkpoint, struct{}]
	counts  gathered[countOf, counted]
	bound   gathered[repository, map[string][]string]
}

// repository names a repository of a provider.
type repository struct{ provider, name string }

// checkpoint names a checkpoint; doc is what is saved.
type checkpoint struct {
	source, scope, stream string
	doc                   []byte
}

// stream is a checkpoint of every scope.
type stream struct{ source, name string }

func (c checkpoint) in() stream { return stream{c.source, c.stream} }

// countOf says which records are counted: those of a kind of a scope that were created at or after from and before to;
// a zero time is no bound.
type countOf struct {
	source, scope string
	kind          event.Kind
	from, to      time.Time
}

func (q countOf) anywhere() countOf {
	q.scope = ""
	return q
}

type counted struct{ stored, open uint64 }

func gathering(store Store) *gatheringStore {
	g := &gatheringStore{Store: store}
	g.appends.one = func(ctx context.Context, events []event.Event) (struct{}, error) {
		return struct{}{}, store.Append(ctx, events...)
	}
	g.appends.many = func(ctx context.Context, of [][]event.Event) ([]struct{}, error) {
		var all []event.Event
		for _, events := range of {
			all = append(all, events...)
		}
		return make([]struct{}, len(of)), store.Append(ctx, all...)
	}
	g.loads.one = func(ctx context.Context, c checkpoint) ([]byte, error) {
		return store.LoadCheckpoint(ctx, c.source, c.scope, c.stream)
	}
	g.loads.many = g.loadMany
	g.saves.one = func(ctx context.Context, c checkpoint) (struct{}, error) {
		return struct{}{}, store.SaveCheckpoint(ctx, c.source, c.scope, c.stream, c.doc)
	}
	g.saves.many = g.saveMany
	g.counts.one = func(ctx context.Context, q countOf) (counted, error) {
		answers, err := g.countMany(ctx, []countOf{q})
		if err != nil {
			return counted{}, err
		}
		return answers[0], nil
	}
	g.counts.many = g.countMany
	g.bound.one = func(ctx context.Context, r repository) (map[string][]string, error) {
		answers, err := g.servicesOfMany(ctx, []repository{r})
		if err != nil {
			return nil, err
		}
		return answers[0], nil
	}
	g.bound.many = g.servicesOfMany
	return g
}

func (g *gatheringStore) Append(ctx context.Context, events ...event.Event) error {
	_, err := g.appends.do(ctx, events)
	return err
}

func (g *gatheringStore) LoadCheckpoint(ctx context.Context, source, scope, stream string) ([]byte, error) {
	return g.loads.do(ctx, checkpoint{source: source, scope: scope, stream: stream})
}

func (g *gatheringStore) SaveCheckpoint(ctx context.Context, source, scope, stream string, doc []byte) error {
	_, err := g.saves.do(ctx, checkpoint{source, scope, stream, doc})
	return err
}

// count counts records. Attempts of one record count once.
func (g *gatheringStore) count(ctx context.Context, q countOf) (counted, error) {
	return g.counts.do(ctx, q)
}

// services returns the directories of a repository that services are bound to, by service.
func (g *gatheringStore) services(ctx context.Context, provider, name string) (map[string][]string, error) {
	return g.bound.do(ctx, repository{provider, event.Lower(name)})
}

func (g *gatheringStore) servicesOfMany(ctx context.Context, of []repository) ([]map[string][]string, error) {
	names := map[string][]string{} // by provider
	for _, r := range of {
		names[r.provider] = append(names[r.provider], r.name)
	}
	found := map[repository]map[string][]string{}
	for provider, names := range names {
		services, err := g.RepositoryServices(ctx, provider, names)
		if err != nil {
			return nil, err
		}
		for name, of := range services {
			found[repository{provider, name}] = of
		}
	}
	answers := make([]map[string][]string, len(of))
	for i, r := range of {
		answers[i] = found[r]
	}
	return answers, nil
}

func (g *gatheringStore) loadMany(ctx context.Context, of []checkpoint) ([][]byte, error) {
	scopes := map[stream][]string{}
	for _, c := range of {
		scopes[c.in()] = append(scopes[c.in()], c.scope)
	}
	docs := map[stream]map[string][]byte{}
	for in, scopes := range scopes {
		found, err := g.LoadCheckpoints(ctx, in.source, in.name, scopes)
		if err != nil {
			return nil, err
		}
		docs[in] = found
	}
	answers := make([][]byte, len(of))
	for i, c := range of {
		answers[i] = docs[c.in()][c.scope]
	}
	return answers, nil
}

func (g *gatheringStore) saveMany(ctx context.Context, of []checkpoint) ([]struct{}, error) {
	docs := map[stream]map[string][]byte{}
	for _, c := range of {
		if docs[c.in()] == nil {
			docs[c.in()] = map[string][]byte{}
		}
		docs[c.in()][c.scope] = c.doc // of the same checkpoint twice the later one
	}
	for in, docs := range docs {
		if err := g.SaveCheckpoints(ctx, in.source, in.name, docs); err != nil {
			return nil, err
		}
	}
	return make([]struct{}, len(of)), nil
}

func (g *gatheringStore) countMany(ctx context.Context, of []countOf) ([]counted, error) {
	scopes := map[countOf][]string{} // by the question without its scope
	for _, q := range of {
		scopes[q.anywhere()] = append(scopes[q.anywhere()], q.scope)
	}
	found := map[countOf]counted{}
	for q, scopes := range scopes {
		stored, open, err := g.CountRecords(ctx, q.kind, q.source, scopes, q.from, q.to)
		if err != nil {
			return nil, err
		}
		for scope, n := range stored {
			q.scope = scope
			found[q] = counted{n, open[scope]}
		}
	}
	answers := make([]counted, len(of))
	for i, q := range of {
		answers[i] = found[q] // a scope without records is not found: it has none
	}
	return answers, nil
}
