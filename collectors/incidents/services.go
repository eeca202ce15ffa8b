package incidents

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

const (
	// servicesStream is the state, of a source, that holds its services.
	servicesStream = "services"
	// relist is for how long a list of services is used.
	relist = time.Hour
)

// services is the state of the list of services.
type services struct {
	IDs    []string  `json:"ids"`
	Listed time.Time `json:"listed"` // zero: list again
}

// Services returns the ids of the source's services, sorted. It lists them at most once an hour; odd are those that
// cannot be read, by what names them. Where the source fails, the services of the last list are returned with a
// *rest.SkippedError.
func Services(ctx context.Context, now time.Time, state source.StateStore,
	list func(context.Context) (ids []string, odd map[string]error, err error)) ([]string, error) {
	var s services
	if _, err := state.Load(ctx, servicesStream, &s); err != nil {
		return nil, err
	}
	if age := now.Sub(s.Listed); age >= 0 && age < relist {
		return s.IDs, nil
	}
	ids, odd, err := list(ctx)
	if rest.Unusable(err) && len(s.IDs) > 0 {
		return s.IDs, rest.Skipped("list of services", map[string]error{"services": err}, now)
	}
	if err != nil {
		return nil, fmt.Errorf("listing the services: %w", err)
	}
	slices.Sort(ids)
	s = services{IDs: slices.Compact(ids), Listed: now.UTC()}
	if len(odd) > 0 {
		s.Listed = time.Time{}
	}
	if err := state.Save(ctx, servicesStream, s); err != nil {
		return nil, err
	}
	return s.IDs, rest.Skipped("service", odd, now)
}
