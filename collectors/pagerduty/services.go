package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/dxctl/dxctl/collectors/incidents"

	"github.com/dxctl/dxctl/collectors/source"
)

const (
	// perPage is how many records a request asks for, and lastRecord how far PagerDuty counts.
	perPage    = incidents.PerPage
	lastRecord = 10_000
)

// Scopes lists the configured services by id, or else all that the token shows.
func (c *Collector) Scopes(ctx context.Context, m source.StateStore) ([]string, error) {
	if len(c.cfg.Services) > 0 {
		return slices.Sorted(slices.Values(c.cfg.Services)), nil
	}
	return incidents.Services(ctx, c.Now(), m, func(ctx context.Context) (ids []string, odd map[string]error, err error) {
		if ids, odd, err = c.services(ctx); gone(err) { // the key shows incidents alone
			ids, err = c.servicesOfIncidents(ctx)
		}
		return ids, odd, err
	})
}

// services lists the services, and returns what is wrong with those that cannot be read.
func (c *Collector) services(ctx context.Context) (ids []string, odd map[string]error, err error) {
	odd = map[string]error{}
	for offset := 0; offset+perPage <= lastRecord; offset += perPage {
		var page struct {
			Services []json.RawMessage `json:"services"`
			More     bool              `json:"more"`
		}
		if _, err := c.Get(ctx, fmt.Sprintf("services?limit=%d&offset=%d", perPage, offset), "", &page); err != nil {
			return nil, nil, err
		}
		for i, raw := range page.Services {
			var s reference
			if err := json.Unmarshal(raw, &s); err != nil || !serviceRule.MatchString(s.ID) {
				odd[fmt.Sprintf("service %d of the list", offset+i+1)] = cmp.Or(err, fmt.Errorf("%.40q is not an id", s.ID))
				continue
			}
			ids = append(ids, s.ID)
		}
		if !page.More {
			break
		}
	}
	return ids, odd, nil
}

// servicesOfIncidents lists the services that have had an incident among the newest 10,000.
func (c *Collector) servicesOfIncidents(ctx context.Context) ([]string, error) {
	var ids []string
	for offset := 0; offset+perPage <= lastRecord; offset += perPage {
		var p page
		if _, err := c.Get(
			ctx,
			fmt.Sprintf("incidents?date_range=all&sort_by=created_at:desc&limit=%d&offset=%d", perPage, offset),
			"",
			&p,
		); err != nil {
			return nil, err
		}
		all, _ := incidents.Decode(p.Incidents, "an incident", "", func(i incident) string { return i.ID })
		for _, i := range all {
			if serviceRule.MatchString(i.Service.ID) && !slices.Contains(ids, i.Service.ID) {
				ids = append(ids, i.Service.ID)
			}
		}
		if !p.More {
			break
		}
	}
	return ids, nil
}
