package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

type checkpointRow struct {
	Source  string    `ch:"source"`
	Scope   string    `ch:"scope"`
	Stream  string    `ch:"stream"`
	Doc     string    `ch:"doc"`
	SavedAt time.Time `ch:"saved_at"`
}

// LoadCheckpoint returns the document that was saved last for a stream of a source's scope, nil when there is none.
func (s *Store) LoadCheckpoint(ctx context.Context, source, scope, stream string) ([]byte, error) {
	var rows []struct {
		Doc string `ch:"doc"`
	}
	err := s.Select(ctx, &rows, `SELECT doc FROM checkpoints
WHERE source = {source:String} AND scope = {scope:String} AND stream = {stream:String} ORDER BY seq DESC LIMIT 1`,
		map[string]any{"source": source, "scope": scope, "stream": stream})
	if err != nil {
		return nil, fmt.Errorf("loading the checkpoint %s/%s/%s: %w", source, scope, stream, err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return []byte(rows[0].Doc), nil
}

// SaveCheckpoint saves the document of a stream in place of the one before.
func (s *Store) SaveCheckpoint(ctx context.Context, source, scope, stream string, doc []byte) error {
	if err := s.saveCheckpoints(ctx, source, stream, map[string][]byte{scope: doc}); err != nil {
		return fmt.Errorf("saving the checkpoint %s/%s/%s: %w", source, scope, stream, err)
	}
	return nil
}

// LoadCheckpoints returns the documents of a stream of many scopes of a source, by scope. Scopes without one are left
// out.
func (s *Store) LoadCheckpoints(
	ctx context.Context,
	source, stream string,
	scopes []string,
) (map[string][]byte, error) {
	var rows []struct {
		Scope string `ch:"scope"`
		Doc   string `ch:"latest"`
	}
	err := s.Select(ctx, &rows, `SELECT scope, argMax(doc, seq) AS latest FROM checkpoints
WHERE source = {source:String} AND stream = {stream:String} AND scope IN {scopes:Array(String)} GROUP BY scope`,
		map[string]any{"source": source, "stream": stream, "scopes": scopes})
	if err != nil {
		return nil, fmt.Errorf("loading %d checkpoints of %s/%s: %w", len(scopes), source, stream, err)
	}
	docs := make(map[string][]byte, len(rows))
	for _, r := range rows {
		docs[r.Scope] = []byte(r.Doc)
	}
	return docs, nil
}

// SaveCheckpoints saves the documents of a stream of many scopes of a source, by scope, in place of those before.
func (s *Store) SaveCheckpoints(ctx context.Context, source, stream string, docs map[string][]byte) error {
	if err := s.saveCheckpoints(ctx, source, stream, docs); err != nil {
		return fmt.Errorf("saving %d checkpoints of %s/%s: %w", len(docs), source, stream, err)
	}
	return nil
}

func (s *Store) saveCheckpoints(ctx context.Context, source, stream string, docs map[string][]byte) error {
	now := s.now()
	return appendRows(ctx, s, "checkpoints", slices.Sorted(maps.Keys(docs)), func(scope *string) checkpointRow {
		return checkpointRow{Source: source, Scope: *scope, Stream: stream, Doc: string(docs[*scope]), SavedAt: now}
	})
}

// SourceCheckpoints returns the documents of a stream of several sources, by source: those of the source itself, which
// have the scope "". A source without one, or with an empty one, is left out.
func (s *Store) SourceCheckpoints(ctx context.Context, stream string, sources []string) (map[string][]byte, error) {
	rows, err := selectRows[checkpointRow](ctx, s, `checkpoints FINAL
WHERE source IN {sources:Array(String)} AND scope = '' AND stream = {stream:String} AND doc != ''`,
		map[string]any{"sources": sources, "stream": stream})
	if err != nil {
		return nil, fmt.Errorf("loading the checkpoints %s of %d sources: %w", stream, len(sources), err)
	}
	docs := make(map[string][]byte, len(rows))
	for _, r := range rows {
		docs[r.Source] = []byte(r.Doc)
	}
	return docs, nil
}
