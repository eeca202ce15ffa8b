package inventory

import (
	"context"
	"fmt"
	"slices"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// pageOf returns the repositories of a page, and how many the token may not see. It reads the workflows of those of
// which nothing else shows whether they are deployed.
func (v *Inventory) pageOf(ctx context.Context, nodes []*node) (all []source.Repository, unseen int) {
	var undecided []string
	for _, n := range nodes {
		if n == nil || n.NameWithOwner == "" {
			unseen++
			continue
		}
		r := n.repository(v.cfg.Owners)
		if n.undecided(r) {
			undecided = append(undecided, n.ID)
		}
		all = append(all, r)
	}
	if len(undecided) > 0 {
		v.readWorkflows(ctx, undecided, all)
	}
	return all, unseen
}

// readWorkflows reads the workflows of the repositories with the ids, and adds to all those that deploy.
func (v *Inventory) readWorkflows(ctx context.Context, ids []string, all []source.Repository) {
	var data struct {
		Nodes []*node `json:"nodes"`
	}
	err := v.Query(rest.WithMaxAttempts(ctx, attempts), workflowsQuery, map[string]any{"ids": ids}, &data)
	if client.Failing(err) && len(ids) > 1 {
		v.readWorkflows(ctx, ids[:len(ids)/2], all)
		v.readWorkflows(ctx, ids[len(ids)/2:], all)
		return
	}
	if err != nil && len(data.Nodes) == 0 {
		v.note(fmt.Sprintf("the workflows of some repositories cannot be read, so that they may deploy without a sign: %v",
			err))
		return
	}
	for _, n := range data.Nodes {
		if n == nil || n.Workflows == nil {
			continue
		}
		i := slices.IndexFunc(all, func(r source.Repository) bool { return r.ID == n.ID })
		if i < 0 {
			continue
		}
		for _, e := range n.Workflows.Entries {
			if e.Object == nil {
				continue
			}
			if deploys, environments := source.WorkflowDeployment(e.Object.Text); deploys {
				all[i].Deploying = append(all[i].Deploying, e.Name)
				all[i].AddEnvironments(environments...)
			}
		}
	}
}
