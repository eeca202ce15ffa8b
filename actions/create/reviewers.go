package create

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
)

// onReviewer is what a plan rests on: the id of the team that approves deployments to production.
const onReviewer = "reviewer"

// reviewers lets the team that owns the service approve deployments to production, if GitHub has it. A creation that
// goes on does not ask again.
func (a *Action) reviewers(ctx context.Context, p *actions.Plan, t *Target) error {
	team := TeamOf(ownerOf(p.Input))
	if a.GitHub == nil || team == "" || !slices.Contains(t.Environments, production) ||
		p.On["owner"] != "Organization" {
		return nil
	}
	if a.Resume != nil {
		id, err := strconv.ParseInt(a.Resume.On[onReviewer], 10, 64)
		if err != nil {
			return nil //nolint:nilerr // there was none
		}
		t.Reviewers = []settings.Reviewer{{Type: "Team", ID: id}}
		p.On[onReviewer] = a.Resume.On[onReviewer]
		return nil
	}
	host, err := a.hostOf()
	if err != nil {
		return err
	}
	reviewer, err := host.Reviewer(ctx, t.Repository.Owner+"/"+team)
	if errors.Is(err, github.ErrNoReviewer) {
		p.Notes = append(p.Notes, fmt.Sprintf("Deployments to production will need no approval: %v.", err))
		return nil
	}
	if err != nil {
		return err
	}
	t.Reviewers = []settings.Reviewer{reviewer}
	p.On[onReviewer] = strconv.FormatInt(reviewer.ID, 10)
	return nil
}
