package collectors

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// unmade stands for a source whose collector cannot be made, because a file that its configuration names is missing for
// example: it fails by itself and holds up none of the others.
type unmade struct {
	source, provider string
	err              error
}

func (u unmade) Source() string   { return u.source }
func (u unmade) Provider() string { return u.provider }

// Check returns why the collector cannot be made.
func (u unmade) Check(context.Context) error {
	return fmt.Errorf("%w; correct the source's configuration and run dxctl again", u.err)
}

func (u unmade) Scopes(ctx context.Context, _ source.StateStore) ([]string, error) {
	return nil, u.Check(ctx)
}
func (u unmade) Collect(ctx context.Context, _ string, _ source.Writer) error { return u.Check(ctx) }

// Observe has nothing to observe.
func (u unmade) Observe(rest.Observer) {}
