package inventory

import (
	"context"
	"slices"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

const environmentsQuery = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Repository { id
environments(first: 100) { nodes { name } } } } }`

// Complete adds the environments that the latest deployments do not show, in one request per 100 repositories. Where
// GitHub does not show them, those of the deployments remain.
func (v *Inventory) Complete(ctx context.Context, repositories []source.Repository) []string {
	byID := map[string]*source.Repository{}
	var ids []string
	for i, r := range repositories {
		if r.Deployed && r.ID != "" {
			byID[r.ID] = &repositories[i]
			ids = append(ids, r.ID)
		}
	}
	for part := range slices.Chunk(ids, 100) {
		var data struct {
			Nodes []*struct {
				ID           string `json:"id"`
				Environments *struct {
					Nodes []struct{ Name string } `json:"nodes"`
				} `json:"environments"`
			} `json:"nodes"`
		}
		_ = v.Query(rest.WithMaxAttempts(ctx, attempts), environmentsQuery, map[string]any{"ids": part}, &data)
		for _, n := range data.Nodes {
			if n == nil || n.Environments == nil || byID[n.ID] == nil {
				continue
			}
			for _, e := range n.Environments.Nodes {
				byID[n.ID].AddEnvironments(e.Name)
			}
		}
	}
	return nil
}
