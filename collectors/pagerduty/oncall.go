package pagerduty

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/dxctl/dxctl/collectors/incidents"
)

// onCallRights are what the key needs to show who is on call.
const onCallRights = "give a read-only REST API key of the account, or an OAuth token with the scopes services.read " +
	"and oncalls.read"

// people asks who is on call for a service within a day from now, at any level of its escalation policy.
func (c *Collector) people(ctx context.Context, service string) (incidents.People, error) {
	var got struct {
		Service struct {
			Policy reference `json:"escalation_policy"`
			URL    string    `json:"html_url"`
		} `json:"service"`
	}
	_, err := c.Get(ctx, "services/"+url.PathEscape(service), "", &got)
	switch policy := got.Service.Policy.ID; {
	case gone(err):
		return incidents.People{Unknown: "the token of the source " + c.Source() + " does not show the PagerDuty service " +
			service + "; " + onCallRights}, nil
	case err != nil:
		return incidents.People{}, err
	case !serviceRule.MatchString(policy):
		return incidents.People{Unknown: "PagerDuty names no escalation policy of the service " + service}, nil
	}
	people := map[string]bool{}
	now := c.Now().UTC()
	for offset := 0; offset+perPage <= lastRecord; offset += perPage {
		var page struct {
			OnCalls []struct {
				User reference `json:"user"`
			} `json:"oncalls"`
			More bool `json:"more"`
		}
		_, err := c.Get(ctx, fmt.Sprintf("oncalls?escalation_policy_ids[]=%s&since=%s&until=%s&limit=%d&offset=%d",
			url.QueryEscape(got.Service.Policy.ID), url.QueryEscape(now.Format(time.RFC3339)),
			url.QueryEscape(now.AddDate(0, 0, 1).Format(time.RFC3339)), perPage, offset), "", &page)
		if gone(err) {
			return incidents.People{Unknown: "the token of the source " + c.Source() + " may not read who is on call in " +
				"PagerDuty; " + onCallRights}, nil
		}
		if err != nil {
			return incidents.People{}, err
		}
		for _, o := range page.OnCalls {
			if id := cmp.Or(o.User.ID, o.User.Summary); id != "" {
				people[id] = true
			}
		}
		if !page.More {
			break
		}
	}
	return incidents.People{N: len(people), URL: got.Service.URL}, nil
}
