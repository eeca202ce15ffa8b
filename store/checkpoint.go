package store

import (
	"context"
	"fmt"
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
