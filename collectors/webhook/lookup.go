package webhook

import (
	"context"

	"github.com/dxctl/dxctl/event"
)

// Lookup finds what is stored; the store does.
type Lookup interface {
	// Stored returns the records that have the ids of the given events in their source, of the same kind: of a pipeline
	// run all its attempts, of a job that of any run. More than that does no harm.
	Stored(ctx context.Context, events []event.Event) ([]event.Event, error)
}
