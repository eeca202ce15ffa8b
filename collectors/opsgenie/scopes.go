package opsgenie

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	servicesStream = "services"
	// relist is how long the list of services is believed.
	relist = time.Hour
	// perPage is the most that Opsgenie gives at once, and lastRecord how far it counts.
	perPage    = 100
	lastRecord = 20_000
)

// servicesState is what is remembered of the list of services.
type servicesState struct {
	IDs    []string  `json:"ids"`
	Listed time.Time `json:"listed"`
}

// page is one page of a listing. Records are decoded one by one, so that one that makes no sense does not take the others along.
type page struct {
	Data   []json.RawMessage `json:"data"`
	Paging struct {
		Next string `json:"next"` // an address; empty on the last page
	} `json:"paging"`
}

// Scopes lists the configured teams by name and services by id; without either, all services that the key shows.
func (c *Collector) Scopes(ctx context.Context, m Memory) ([]string, error) {
	if len(c.cfg.Services)+len(c.cfg.Teams) > 0 {
		return slices.Sorted(slices.Values(slices.Concat(c.cfg.Services, c.cfg.Teams))), nil
	}
	var s servicesState
	if _, err := m.Load(ctx, servicesStream, &s); err != nil {
		return nil, err
	}
	if since := c.now().Sub(s.Listed); since >= 0 && since < relist {
		return s.IDs, nil
	}
	var ids []string
	for offset := 0; offset+perPage <= lastRecord; offset += perPage {
		var p page
		if _, err := c.get(ctx, fmt.Sprintf("v1/services?limit=%d&offset=%d", perPage, offset), "", &p); err != nil {
			return nil, fmt.Errorf("listing the services: %w", err)
		}
		for _, raw := range p.Data {
			var service struct {
				ID string `json:"id"`
			}
			if json.Unmarshal(raw, &service) == nil && serviceRule.MatchString(service.ID) {
				ids = append(ids, service.ID)
			}
		}
		if p.Paging.Next == "" {
			break
		}
	}
	slices.Sort(ids)
	s = servicesState{IDs: slices.Compact(ids), Listed: c.now().UTC()}
	return s.IDs, m.Save(ctx, servicesStream, s)
}

// isTeam reports whether a scope is a team, of which alerts are read.
func (c *Collector) isTeam(scope string) bool {
	return slices.ContainsFunc(c.cfg.Teams, func(t string) bool { return strings.EqualFold(t, scope) })
}

// ofTeam is the query for a team's alerts.
func ofTeam(name string) string { return `teams: "` + name + `"` }

// ofTags is the query for what bears one of the tags.
func ofTags(tags []string) string {
	quoted := make([]string, len(tags))
	for i, t := range tags {
		quoted[i] = `"` + t + `"`
	}
	return "tag: (" + strings.Join(quoted, " OR ") + ")"
}
