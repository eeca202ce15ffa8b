package report

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dxctl/dxctl/repository/named"
)

// declined sets which steps of an entity its repository declines by its lock file, until when, and why.
func (r *Reader) declined(ctx context.Context, ref string, ways []Way) error {
	if len(ways) == 0 {
		return nil
	}
	var found []struct {
		Value string `ch:"value"`
	}
	err := r.deps.Store.Select(ctx, &found, `SELECT value FROM facts
WHERE entity = {entity:String} AND fact = {fact:String} AND error = '' ORDER BY source`,
		map[string]any{"entity": ref, "fact": named.DeclinedFact})
	if err != nil {
		return fmt.Errorf("reading what %s declines: %w", ref, err)
	}
	var elements []string
	for _, f := range found {
		var some []string
		if json.Unmarshal([]byte(f.Value), &some) == nil {
			elements = append(elements, some...)
		}
	}
	for i := range ways {
		for k := range ways[i].Steps {
			step := &ways[i].Steps[k]
			step.Action.Declined = named.Declines(elements, step.Rule, r.deps.Now())
		}
	}
	return nil
}
