package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

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

// SaveCheckpoint saves the document of a stream; the one before is replaced.
func (s *Store) SaveCheckpoint(ctx context.Context, source, scope, stream string, doc []byte) error {
	first, err := s.take(ctx, "checkpoints", 1)
	if err == nil {
		err = s.insert(ctx, "checkpoints", 1, []column{
			{"source", []string{source}}, {"scope", []string{scope}}, {"stream", []string{stream}},
			{"doc", []string{string(doc)}}, {"saved_at", []time.Time{s.now()}}, numbered(first, 1),
		})
	}
	if err != nil {
		return fmt.Errorf("saving the checkpoint %s/%s/%s: %w", source, scope, stream, err)
	}
	return nil
}

// LoadCheckpoints returns the documents of a stream of many scopes of a source, by scope. A scope without one is left out.
func (s *Store) LoadCheckpoints(ctx context.Context, source, stream string, scopes []string) (map[string][]byte, error) {
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

// SaveCheckpoints saves the documents of a stream of many scopes of a source, by scope; those before are replaced.
func (s *Store) SaveCheckpoints(ctx context.Context, source, stream string, docs map[string][]byte) error {
	if len(docs) == 0 {
		return nil
	}
	scopes := slices.Sorted(maps.Keys(docs))
	each := func(value string) []string { return slices.Repeat([]string{value}, len(scopes)) }
	texts := make([]string, len(scopes))
	for i, scope := range scopes {
		texts[i] = string(docs[scope])
	}
	first, err := s.take(ctx, "checkpoints", len(scopes))
	if err == nil {
		err = s.insert(ctx, "checkpoints", len(scopes), []column{
			{"source", each(source)}, {"scope", scopes}, {"stream", each(stream)}, {"doc", texts},
			{"saved_at", slices.Repeat([]time.Time{s.now()}, len(scopes))}, numbered(first, len(scopes)),
		})
	}
	if err != nil {
		return fmt.Errorf("saving %d checkpoints of %s/%s: %w", len(scopes), source, stream, err)
	}
	return nil
}
