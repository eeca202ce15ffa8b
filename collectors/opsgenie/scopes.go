package opsgenie

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/incidents"

	"github.com/dxctl/dxctl/collectors/source"
)

const (
	// perPage is how many records a request asks for, and lastRecord how far Opsgenie counts.
	perPage    = incidents.PerPage
	lastRecord = 20_000
)

// page is one page of a listing. Records are decoded one by one, so that one that is invalid does not take the
// others along.
type page struct {
	Data   []json.RawMessage `json:"data"`
	Paging struct {
		Next string `json:"next"` // an address; empty on the last page
	} `json:"paging"`
}

// Scopes lists the configured teams by name and services by id; without either, all services that the key shows.
func (c *Collector) Scopes(ctx context.Context, m source.StateStore) ([]string, error) {
	if len(c.cfg.Services)+len(c.cfg.Teams) > 0 {
		return slices.Sorted(slices.Values(slices.Concat(c.cfg.Services, c.cfg.Teams))), nil
	}
	return incidents.Services(ctx, c.Now(), m, c.services)
}

// services lists the services, and returns what is wrong with those that cannot be read.
func (c *Collector) services(ctx context.Context) (ids []string, odd map[string]error, err error) {
	odd = map[string]error{}
	for offset := 0; offset+perPage <= lastRecord; offset += perPage {
		var p page
		if _, err := c.Get(ctx, fmt.Sprintf("v1/services?limit=%d&offset=%d", perPage, offset), "", &p); err != nil {
			return nil, nil, err
		}
		for i, raw := range p.Data {
			var service struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(raw, &service); err != nil || !serviceRule.MatchString(service.ID) {
				odd[fmt.Sprintf("service %d of the list", offset+i+1)] = cmp.Or(err, fmt.Errorf("%.40q is not an id", service.ID))
				continue
			}
			ids = append(ids, service.ID)
		}
		if p.Paging.Next == "" {
			break
		}
	}
	return ids, odd, nil
}

// isTeam reports whether a scope is a team, of which alerts are read.
func (c *Collector) isTeam(scope string) bool {
	return slices.ContainsFunc(c.cfg.Teams, func(t string) bool { return strings.EqualFold(t, scope) })
}

// ofTeam is the query for a team's alerts.
func ofTeam(name string) string { return `teams: "` + name + `"` }

// ofTags is the query for what has one of the tags.
func ofTags(tags []string) string {
	quoted := make([]string, len(tags))
	for i, t := range tags {
		quoted[i] = `"` + t + `"`
	}
	return "tag: (" + strings.Join(quoted, " OR ") + ")"
}
