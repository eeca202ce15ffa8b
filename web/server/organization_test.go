package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// organization is a made-up organization of a given size.
type organization struct {
	descriptors, people string
	events              []event.Event
}

// organizationOf makes an organization with so many services and about so many events. A tenth of the events is of
// repositories that no service claims.
func organizationOf(services, events int) organization {
	teams, systems, engineers := services/5+1, services/15+1, services/2+1
	var descriptors, people strings.Builder
	for i := range teams {
		fmt.Fprintf(&descriptors, "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team-%d, "+
			"title: The team number %d}\nspec: {type: team, children: []}\n", i, i)
	}
	for i := range services {
		fmt.Fprintf(&descriptors, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: service-%d\n"+
			"  title: The service number %d\n  description: One of the many services of a large organization\n"+
			"  tags: [go, grpc]\n  annotations: {github.com/project-slug: myorg/service-%d}\n"+
			"spec: {type: %s, lifecycle: %s, owner: team-%d, system: system-%d, dependsOn: [component:service-0]}\n",
			i, i, i, []string{"service", "website"}[i%2], []string{"production", "experimental"}[i%3/2], i%teams, i%systems)
	}
	for i := range services / 4 {
		fmt.Fprintf(&descriptors, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\n"+
			"metadata: {name: library-%d, title: The library number %d}\nspec: {type: library, owner: team-%d}\n", i, i, i%teams)
	}
	hub := func(format string) string { // what a single service can have many of
		var list []string
		for i := range services {
			list = append(list, fmt.Sprintf(format, i))
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	fmt.Fprintf(&descriptors, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: hub\n"+
		"  tags: %s\n  links: %s\nspec: {type: service, lifecycle: production, owner: team-0, dependsOn: %s}\n",
		hub("tag-%d"), hub("{url: https://wiki.example/%d, title: A page of the wiki}"), hub("component:service-%d"))
	people.WriteString("person,name,team,start_date,logins\n")
	for i := range engineers {
		fmt.Fprintf(&people, "person-%d,Person Number %d,team-%d,%s,person-%d\n", i, i, i%teams,
			present.AddDate(0, 0, -3-i%2*380-i%17).Format(time.DateOnly), i)
	}
	o := organization{descriptors: descriptors.String(), people: people.String()}
	o.addEvents(services, events, engineers)
	return o
}

// gradeFor stores grades of the last weeks. About a fifth of the outcomes are others each week.
func (f *fixture) gradeFor(tb testing.TB, weeks int) {
	tb.Helper()
	reports, err := f.deps.Scorecards.Reports(tb.Context(), f.store, f.catalog)
	if err != nil {
		tb.Fatal(err)
	}
	for week := weeks; week > 0; week-- {
		var events []event.Event
		for i := range reports {
			for j, g := range reports[i].Grades(present.AddDate(0, 0, -7*week)) {
				if (i+j+week)%5 == 0 {
					g.Outcome = []event.Outcome{event.Fail, event.Pass}[week%2]
				}
				events = append(events, g)
			}
		}
		if err := f.store.Append(tb.Context(), events...); err != nil {
			tb.Fatal(err)
		}
	}
}

func (o *organization) addEvents(services, events, engineers int) {
	o.events = append(o.events, batchesOf("service-0", 120, 1)...)
	for i := range 120 {
		o.events = append(o.events, fixOf("b0", i, fmt.Sprintf("service-%d", i+1), 130))
	}
	scopes := services + services/10 + 1
	for i := range events {
		scope := fmt.Sprintf("myorg/service-%d", i%scopes)
		at := present.Add(-time.Duration(i*400*24*60/events) * time.Minute) // over 400 days
		id, person := fmt.Sprintf("e%d", i), fmt.Sprintf("person-%d", i%engineers)
		status := []event.Status{event.Succeeded, event.Succeeded, event.Failed}[i%3]
		switch i % 5 {
		case 0, 1:
			o.events = append(o.events, event.PipelineRun{Origin: origin(scope, id), Attempt: 1, Pipeline: "build and test",
				Status: status, Branch: "main", Actor: person, CreatedAt: at.Add(-9 * time.Minute),
				StartedAt: at.Add(-time.Duration(2+i%7) * time.Minute), FinishedAt: at})
		case 2:
			o.events = append(o.events, deployment(scope, id, person, "production", status, at))
		case 3:
			o.events = append(o.events, event.Change{Origin: origin(scope, id), Repository: scope, Number: uint64(i + 1),
				Title: "Make the thing number " + id + " better", Author: person, CreatedAt: at.Add(-30 * time.Hour),
				FirstReviewAt: at.Add(-9 * time.Hour), MergedAt: at, ClosedAt: at, MergeSHA: fmt.Sprintf("%040x", i)})
		default:
			o.events = append(o.events, event.PipelineJob{Origin: origin(scope, id), RunID: "e0", Attempt: 1, Name: "test",
				Status: status, CreatedAt: at.Add(-9 * time.Minute), StartedAt: at.Add(-7 * time.Minute), FinishedAt: at})
		}
	}
	for i := range scopes {
		for k, kind := range []event.Kind{event.KindDeployment, event.KindPipelineRun, event.KindChange} {
			o.events = append(o.events, event.LedgerEntry{Source: "gh", Scope: fmt.Sprintf("myorg/service-%d", i), Of: kind,
				WindowStart: present.AddDate(-2, 0, 0), WindowEnd: present, Expected: uint64(20 + k), Stored: uint64(20 + i%2),
				CheckedAt: present.Add(-time.Hour)})
		}
	}
}
