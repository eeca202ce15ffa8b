package facts

import (
	"context"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/store"
)

// Asked says of which entities the facts are asked for, and how the store is read for them.
type Asked struct {
	q    metrics.Querier
	only []string                // refs; nil: all
	near []*store.ServiceQuerier // one for each of only; nil: one query is for all of them
}

// fewEntities is up to how many entities the store is asked for each of them alone, instead of for all at once.
const fewEntities = 8

// All asks for every entity.
func All(q metrics.Querier) Asked { return Asked{q: q} }

// Of asks for the entities with these refs; nil: for every one. memory keeps what the catalog says of those that are
// asked for alone; nil: it is read every time.
func Of(ctx context.Context, q metrics.Querier, only []string, memory *Memory) (Asked, error) {
	a := Asked{q: q, only: only}
	if len(only) == 0 || len(only) > fewEntities {
		return a, nil
	}
	for _, ref := range only {
		near, err := memory.querier(ctx, q, ref)
		if err != nil {
			return Asked{}, err
		}
		a.near = append(a.near, near)
	}
	return a, nil
}
