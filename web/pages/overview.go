package pages

import (
	"context"
	"fmt"
	"strings"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/charts"
	"github.com/dxctl/dxctl/web/route"
)

type overviewView struct {
	layout
	report.Overview
	Cohorts          charts.Chart
	FrequencyChart   charts.Chart
	NoDeploys        string // why Frequency.PerWeek is not known
	FrequencyAll     string // list
	Teams            []teamRow
	AllTeams         int
	Levels           []levelRow
	LevelBar         []segment
	OtherLevels      []cardLevels
	Steps            []stepRow
	Totals           totalsRow
	DeployCoverage   report.CompletenessSum
	EngineerCoverage report.CompletenessSum
}

// cardLevels is the levels of a further scorecard as a bar.
type cardLevels struct {
	report.CardLevels
	Bar []segment
}

// teamRow is a team with its bars.
type teamRow struct {
	report.Team
	Link       string
	Levels     []segment
	LevelText  string // the levels in words
	DeployLink string
	DeployBar  []segment
	DeployText string // Deploys in words
}

// levelRow is a level with the services that the page names.
type levelRow struct {
	Level, Link string
	N, More     int // More are not in Services
	Services    []stepLink
}

// stepRow is a step with the services that the page names, those that it lifts first.
type stepRow struct {
	report.NextStep
	Named   []stepLink
	More    int    // services beyond Named
	Failing string // the list of all that fail it
}

// totalsRow is the totals with the lists behind them.
type totalsRow struct {
	report.Totals
	DeployLink, RunLink, ChangeLink string
}

const (
	maxLevelServices = 6  // that a level names
	maxStepServices  = 12 // that a step names
	maxTeams         = 10 // that the overview lists
)

// overview is the first page: how it goes, and what to do next.
func (p *Pages) overview(ctx context.Context, _ route.Request) (route.Answer, error) {
	o, err := p.reader.Overview(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	view := overviewView{
		layout: p.layout("Overview", "/"), Overview: o,
		Cohorts:        cohortChart("cohorts", o.FirstDeploy.Cohorts, cohortOf),
		FrequencyChart: frequencyChart("frequency", o.Frequency, ""), NoDeploys: report.NotCollected(o.Frequency.Missing),
		FrequencyAll: deploysPath("", "", o.Window.From), Levels: levelRows(o.Levels), Totals: totalsOf(o.Totals),
		Teams: p.teamRows(largest(o.Teams.List), o.Teams), AllTeams: len(o.Teams.List),
		DeployCoverage: report.Sum(o.Frequency.Completeness), EngineerCoverage: report.Sum(o.FirstDeploy.Completeness),
	}
	view.Charts = true
	view.LevelBar = levelBar(view.Levels)
	for _, card := range o.Others {
		var pairs []any
		for _, l := range card.Levels {
			pairs = append(pairs, l.Level, l.N)
		}
		view.OtherLevels = append(view.OtherLevels, cardLevels{card, segments(0, pairs...)})
	}
	for _, s := range o.Steps {
		view.Steps = append(view.Steps, stepOf(s))
	}
	return p.render("overview", view)
}

// cohortOf is the list of the engineers of a quarter.
func cohortOf(label string) string { return subjectsPath(metrics.Engineers, metrics.Quarter, label) }

// largest are the teams that the overview lists: all, or of many those with the most services.
func largest(teams []report.Team) []report.Team {
	if len(teams) <= maxTeams {
		return teams
	}
	return sorting.Rows(teams, report.TeamColumns, sorting.Order{By: "services", Descending: true})[:maxTeams]
}

func levelRows(groups []report.LevelGroup) []levelRow {
	var rows []levelRow
	for _, g := range groups {
		row := levelRow{Level: g.Level, Link: servicesPath("level", g.Level), N: len(g.Services)}
		named := g.Services
		if row.N > maxLevelServices {
			named = named[:maxLevelServices-1]
			row.More = row.N - len(named)
		}
		for _, s := range named {
			row.Services = append(row.Services, stepLink{s.Name, report.ServicePath(s.Ref)})
		}
		rows = append(rows, row)
	}
	return rows
}

func levelBar(groups []levelRow) []segment {
	var pairs []any
	for _, g := range groups {
		pairs = append(pairs, g.Level, g.N)
	}
	return segments(0, pairs...)
}

// teamRows draws some of all teams. The team with the most deployments has the longest bar.
func (p *Pages) teamRows(teams []report.Team, all report.Teams) []teamRow {
	most := 1
	for _, t := range all.List {
		if t.Owner != "" {
			most = max(most, report.Counted(t.Deploys))
		}
	}
	names := append(p.reader.LevelNames(), words.Level(""))
	rows := make([]teamRow, len(teams))
	for i, t := range teams {
		row := teamRow{Team: t, Link: servicesPath("team", t.Owner), DeployLink: deploysPath("", t.Owner, all.Window.From)}
		if t.Owner == "" {
			row.Name = "nobody"
			row.Link = servicesPath("team", report.NoTeam)
			row.DeployLink = ""
		}
		var pairs []any
		var text []string
		for _, level := range names {
			if n := t.ByLevel[level]; n > 0 {
				pairs = append(pairs, level, n)
				text = append(text, fmt.Sprintf("%d %s", n, level))
			}
		}
		row.Levels = segments(0, pairs...)
		row.LevelText = strings.Join(text, ", ")
		row.DeployBar = segments(most, "main", report.Counted(t.Deploys))
		row.DeployText = "not known"
		if t.Deploys != nil {
			row.DeployText = words.Plural(*t.Deploys, "deployment", "deployments")
		}
		rows[i] = row
	}
	return rows
}

func totalsOf(t report.Totals) totalsRow {
	from := words.Instant(t.Window.From)
	return totalsRow{
		Totals:     t,
		DeployLink: deploysPath("", "", t.Window.From),
		RunLink:    eventsPath("pipeline_runs", "status", "succeeded,failed", "from", from),
		ChangeLink: eventsPath("changes", "status", "merged", "bots", "false", "from", from),
	}
}

func stepOf(s report.NextStep) stepRow {
	row := stepRow{NextStep: s, Failing: failingPath(s.Scorecard, s.Rule)}
	for _, x := range s.Lifts {
		row.Named = append(row.Named, stepLink{x.Name + arrow(x.To), report.ServicePath(x.Ref) + "#grade"})
	}
	for _, x := range s.Helps {
		row.Named = append(row.Named, stepLink{x.Name, report.ServicePath(x.Ref) + "#grade"})
	}
	all := len(row.Named)
	row.Named = report.Part(row.Named, 1, maxStepServices)
	row.More = all - len(row.Named)
	return row
}
