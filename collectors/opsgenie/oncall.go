package opsgenie

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/dxctl/dxctl/collectors/incidents"
	"github.com/dxctl/dxctl/collectors/rest"
)

// onCallRights are what the key needs to show who is on call.
const onCallRights = "give the API integration read access and configuration access, and assign it to no team, or to " +
	"the team that is read"

// teamReference names a team.
type teamReference struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// schedule is an on-call schedule of a team.
type schedule struct {
	ID      string        `json:"id"`
	Enabled bool          `json:"enabled"`
	Owner   teamReference `json:"ownerTeam"`
}

// gone reports whether Opsgenie does not have, or does not show, what was requested.
func gone(err error) bool {
	return rest.HasStatus(err, http.StatusNotFound, http.StatusGone, http.StatusForbidden, http.StatusPaymentRequired)
}

// people asks who is on call now by the enabled schedules of a team: of the scope, or of the service that the scope is.
func (c *Collector) people(ctx context.Context, scope string) (incidents.People, error) {
	unknown := func(format string, args ...any) (incidents.People, error) {
		return incidents.People{Unknown: fmt.Sprintf(format, args...)}, nil
	}
	owner := teamReference{Name: scope}
	if !c.isTeam(scope) {
		var got struct {
			Data struct {
				Team string `json:"teamId"`
			} `json:"data"`
		}
		_, err := c.Get(ctx, "v1/services/"+url.PathEscape(scope), "", &got)
		switch {
		case gone(err):
			return unknown("the key of the source %s does not show the Opsgenie service %s; %s", c.Source(), scope, onCallRights)
		case err != nil:
			return incidents.People{}, err
		case got.Data.Team == "":
			return unknown("Opsgenie names no team of the service %s", scope)
		}
		owner = teamReference{ID: got.Data.Team}
	}
	var list struct {
		Data []schedule `json:"data"`
	}
	const refused = "the key of the source %s may not read who is on call in Opsgenie; %s"
	if _, err := c.Get(ctx, "v2/schedules", "", &list); gone(err) {
		return unknown(refused, c.Source(), onCallRights)
	} else if err != nil {
		return incidents.People{}, err
	}
	people := map[string]bool{}
	for _, s := range list.Data {
		if !s.Enabled || !s.of(owner) {
			continue
		}
		var got struct {
			Data struct {
				Recipients []string `json:"onCallRecipients"`
			} `json:"data"`
		}
		if _, err := c.Get(ctx, "v2/schedules/"+url.PathEscape(s.ID)+"/on-calls?flat=true", "", &got); gone(err) {
			return unknown(refused, c.Source(), onCallRights)
		} else if err != nil {
			return incidents.People{}, err
		}
		for _, user := range got.Data.Recipients {
			people[strings.ToLower(user)] = true
		}
	}
	return incidents.People{N: len(people)}, nil
}

// of reports whether a team owns the schedule.
func (s schedule) of(team teamReference) bool {
	if team.ID != "" {
		return s.Owner.ID == team.ID
	}
	return strings.EqualFold(s.Owner.Name, team.Name)
}
