package opsgenie

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
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
func (c *Collector) Scopes(ctx context.Context, m source.StateStore) ([]string, error) {
	if len(c.cfg.Services)+len(c.cfg.Teams) > 0 {
		return slices.Sorted(slices.Values(slices.Concat(c.cfg.Services, c.cfg.Teams))), nil
	}
	var s servicesState
	if _, err := m.Load(ctx, servicesStream, &s); err != nil {
		return nil, err
	}
	if since := c.Now().Sub(s.Listed); since >= 0 && since < relist {
		return s.IDs, nil
	}
	ids, odd, err := c.services(ctx)
	if rest.Unusable(err) && len(s.IDs) > 0 { // those that are known are read all the same
		return s.IDs, rest.Skipped("list of services", map[string]error{"services": err}, c.Now())
	}
	if err != nil {
		return nil, fmt.Errorf("listing the services: %w", err)
	}
	slices.Sort(ids)
	s = servicesState{IDs: slices.Compact(ids), Listed: c.Now().UTC()}
	if len(odd) > 0 {
		s.Listed = time.Time{} // so that the next run asks again
	}
	if err := m.Save(ctx, servicesStream, s); err != nil {
		return nil, err
	}
	return s.IDs, rest.Skipped("service", odd, c.Now())
}

// services lists the services, and says what is wrong with those that cannot be read.
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

// ofTags is the query for what bears one of the tags.
func ofTags(tags []string) string {
	quoted := make([]string, len(tags))
	for i, t := range tags {
		quoted[i] = `"` + t + `"`
	}
	return "tag: (" + strings.Join(quoted, " OR ") + ")"
}
