package metrics

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// ServiceStats is what is known of one service in a window. A nil pointer means that there is no data to compute the
// number from: nothing of its kind was ever collected for the service (Missing), or the count next to it is zero.
type ServiceStats struct {
	Service        string     `json:"service"` // entity ref, or unmapped:<provider>/<scope>
	Team           string     `json:"team"`    // owner in the catalog
	Deploys        *int       `json:"deploys"` // successful, to production
	StagingDeploys *int       `json:"staging_deploys"`
	DeploysPerWeek *float64   `json:"deploys_per_week"`
	LastDeploy     *time.Time `json:"last_deploy"` // to production; it may lie before the window
	Runs           *int       `json:"runs"`        // CI attempts that succeeded or failed
	Succeeded      *int       `json:"succeeded"`
	Failed         *int       `json:"failed"`
	TimedRuns      int        `json:"timed_runs"`    // stored ones that succeeded, and are in the minutes
	NegativeRuns   int        `json:"negative_runs"` // succeeded, but ended before they started
	UntimedRuns    int        `json:"untimed_runs"`  // succeeded, but without a duration, and without a start or an end
	SuccessRate    *float64   `json:"success_rate"`
	MedianMinutes  *float64   `json:"median_minutes"`
	P95Minutes     *float64   `json:"p95_minutes"`
	LastRun        *time.Time `json:"last_run"` // in the window
	Changes        *int       `json:"changes"`  // merged, of people
	Reviewed       *int       `json:"reviewed"` // of those, before the merge
	ReviewShare    *float64   `json:"review_share"`
	LastChange     *time.Time `json:"last_change"` // merged in the window
	Missing        []Missing  `json:"missing"`     // the kinds that were never collected for the service
}

// NoSource returns what should give the records of a kind when none was ever collected for the service, else "".
func (n ServiceStats) NoSource(kind event.Kind) string {
	for _, m := range n.Missing {
		if m.Kind == kind {
			return m.Source
		}
	}
	return ""
}

// settle makes zero of the counts that were asked for and whose kind was collected, where the window has no records,
// and keeps the rest nil.
func (n *ServiceStats) settle(c collection, asked Numbers) {
	for _, counts := range []struct {
		numbers Numbers
		kind    event.Kind
		counts  []**int
	}{
		{Deploys, event.KindDeployment, []**int{&n.Deploys}},
		{StagingDeploys, event.KindDeployment, []**int{&n.StagingDeploys}},
		{Runs, event.KindPipelineRun, []**int{&n.Runs, &n.Succeeded, &n.Failed}},
		{Reviews, event.KindChange, []**int{&n.Changes, &n.Reviewed}},
	} {
		for _, count := range counts.counts {
			if *count == nil && asked&counts.numbers != 0 && c.has(n.Service, counts.kind) {
				*count = pointer(0)
			}
		}
	}
	if n.DeploysPerWeek == nil && n.Deploys != nil {
		n.DeploysPerWeek = pointer(0.0)
	}
	n.Missing = c.missing(n.Service, event.KindDeployment, event.KindPipelineRun, event.KindChange)
}

// LeftOutRuns is how many successful runs are in no duration, because it is not known how long they took.
func (n ServiceStats) LeftOutRuns() int { return n.NegativeRuns + n.UntimedRuns }

type reviewRow struct {
	Service  string     `ch:"service"`
	Merged   uint64     `ch:"merged"`
	Reviewed uint64     `ch:"reviewed"`
	LastAt   *time.Time `ch:"last_at"`
}

// Services returns the numbers of every service of the catalog and of every unmapped scope that has any, ordered by
// ref. It takes one query per metric, not one per service.
func (e *Engine) Services(ctx context.Context, w Window) ([]ServiceStats, error) {
	return e.ServicesOf(ctx, w, "", AllNumbers)
}

// Numbers are groups of the numbers of ServiceStats, each of one query.
type Numbers uint8

// The groups.
const (
	Deploys        Numbers = 1 << iota // Deploys, DeploysPerWeek, LastDeploy
	StagingDeploys                     // StagingDeploys
	Runs                               // Runs, Succeeded, Failed, SuccessRate, LastRun
	Minutes                            // TimedRuns, NegativeRuns, UntimedRuns, MedianMinutes, P95Minutes
	Reviews                            // Changes, Reviewed, ReviewShare, LastChange
	AllNumbers     = Deploys | StagingDeploys | Runs | Minutes | Reviews
)

// ServicesOf is Services for one service, which is named by its ref; empty: all. Only the numbers that are asked for
// are computed; the others are not known, or 0.
func (e *Engine) ServicesOf(ctx context.Context, w Window, service string, asked Numbers) ([]ServiceStats, error) {
	if err := w.validate(); err != nil {
		return nil, err
	}
	var known []struct {
		Service string `ch:"service"`
		Team    string `ch:"team"`
	}
	if err := e.queryFile(ctx, "services.sql", &known, map[string]any{"service": service}); err != nil {
		return nil, err
	}
	table := serviceTable{}
	for _, k := range known {
		table.of(k.Service).Team = k.Team
	}
	bounded := e.bounded(w)
	params := map[string]any{
		"service": service, "from": bounded.From, "to": bounded.To, "bucket": string(whole), "key": string(Service),
	}
	for _, part := range []struct {
		numbers Numbers
		add     addNumbers
	}{
		{Deploys, func(ctx context.Context, e *Engine, params map[string]any) error {
			return table.addDeploys(ctx, e, w, params)
		}},
		{StagingDeploys, table.addStaging},
		{Runs, table.addSuccess},
		{Minutes, table.addDurations},
		{Reviews, table.addReviews},
	} {
		if asked&part.numbers == 0 {
			continue
		}
		if err := part.add(ctx, e, params); err != nil {
			return nil, err
		}
	}
	collected, err := e.collected(ctx, service, event.KindDeployment, event.KindPipelineRun, event.KindChange)
	if err != nil {
		return nil, err
	}
	rows := table.rows()
	for i := range rows {
		rows[i].settle(collected, asked)
	}
	return rows, nil
}

// addNumbers adds the numbers of one query to a serviceTable.
type addNumbers func(ctx context.Context, e *Engine, params map[string]any) error

// serviceTable gathers the numbers by service.
type serviceTable map[string]*ServiceStats

func (t serviceTable) of(service string) *ServiceStats {
	if t[service] == nil {
		t[service] = &ServiceStats{Service: service}
	}
	return t[service]
}

func (t serviceTable) rows() []ServiceStats {
	rows := make([]ServiceStats, 0, len(t))
	for _, n := range t {
		rows = append(rows, *n)
	}
	slices.SortFunc(rows, func(a, b ServiceStats) int { return strings.Compare(a.Service, b.Service) })
	return rows
}

func (t serviceTable) addDeploys(ctx context.Context, e *Engine, w Window, params map[string]any) error {
	c, err := e.cover(ctx, w, event.KindDeployment)
	if err != nil {
		return err
	}
	params["environment"] = Production
	var rows []deployRow
	if _, err := e.query(ctx, DeploymentFrequencyID, &rows, params); err != nil {
		return err
	}
	for _, row := range rows {
		n := t.of(row.Key)
		n.Deploys, n.LastDeploy = pointer(int(row.N)), row.LastAt
		n.DeploysPerWeek = pointer(float64(row.N) / c.weeks())
	}
	return nil
}

func (t serviceTable) addStaging(ctx context.Context, e *Engine, params map[string]any) error {
	params["environment"] = Staging
	var rows []deployRow
	if _, err := e.query(ctx, DeploymentFrequencyID, &rows, params); err != nil {
		return err
	}
	for _, row := range rows {
		t.of(row.Key).StagingDeploys = pointer(int(row.N))
	}
	return nil
}

func (t serviceTable) addSuccess(ctx context.Context, e *Engine, params map[string]any) error {
	var rows []successRow
	if _, err := e.query(ctx, CISuccessRateID, &rows, params); err != nil {
		return err
	}
	for _, row := range rows {
		n := t.of(row.Service)
		n.Runs = pointer(int(row.Succeeded + row.Failed))
		n.Succeeded, n.Failed = pointer(int(row.Succeeded)), pointer(int(row.Failed))
		n.SuccessRate, n.LastRun = row.rate(), row.LastAt
	}
	return nil
}

func (t serviceTable) addDurations(ctx context.Context, e *Engine, params map[string]any) error {
	var rows []durationRow
	if _, err := e.query(ctx, CIDurationID, &rows, params); err != nil {
		return err
	}
	for _, row := range rows {
		n := t.of(row.Service)
		n.TimedRuns, n.NegativeRuns, n.UntimedRuns = int(row.Timed), int(row.Negative), int(row.Untimed)
		n.MedianMinutes, n.P95Minutes = row.Median, row.P95
	}
	return nil
}

func (t serviceTable) addReviews(ctx context.Context, e *Engine, params map[string]any) error {
	var rows []reviewRow
	if _, err := e.query(ctx, ChangeReviewShareID, &rows, params); err != nil {
		return err
	}
	for _, row := range rows {
		n := t.of(row.Service)
		n.Changes, n.Reviewed, n.LastChange = pointer(int(row.Merged)), pointer(int(row.Reviewed)), row.LastAt
		n.ReviewShare = share(row.Reviewed, row.Merged)
	}
	return nil
}
