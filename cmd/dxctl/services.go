package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards"
)

// serviceWindow is how far back the numbers of `dxctl services` look, in days.
const serviceWindow = 30

// serviceRow is a service in the JSON of `dxctl services`.
type serviceRow struct {
	Ref        string              `json:"ref"`
	Title      string              `json:"title,omitempty"`
	Owner      string              `json:"owner"`
	System     string              `json:"system,omitempty"`
	Lifecycle  string              `json:"lifecycle"`
	DependsOn  []string            `json:"depends_on,omitempty"`
	Repository string              `json:"repository,omitempty"` // its slug
	Reports    []scorecards.Report `json:"grades"`
	// Numbers of the last 30 days; null when nothing is known of the service.
	Numbers *metrics.ServiceNumbers `json:"last_30_days"`
}

func newServices(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "services",
		Short: "List the services with their owners, grades and last 30 days",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, openOptions{program: "services"})
			if err != nil {
				return err
			}
			defer p.close(&err)
			ctx := cmd.Context()
			reports, err := p.cards.Reports(ctx, p.store, p.catalog.Load())
			if err != nil {
				return err
			}
			numbers, err := p.metrics.Services(ctx, metrics.Last(serviceWindow, s.now()))
			if err != nil {
				return err
			}
			return servicesTable(p.serviceRows(reports, numbers)).print(s.out, s.output)
		},
	}
}

func (p *platform) serviceRows(reports []scorecards.Report, numbers []metrics.ServiceNumbers) []serviceRow {
	byEntity := map[string][]scorecards.Report{}
	for _, r := range reports {
		byEntity[r.Entity] = append(byEntity[r.Entity], r)
	}
	byService := make(map[string]*metrics.ServiceNumbers, len(numbers))
	for i := range numbers {
		byService[numbers[i].Service] = &numbers[i]
	}
	var rows []serviceRow
	for _, e := range p.catalog.Load().Services() {
		slug, _ := e.Repository()
		rows = append(rows, serviceRow{Ref: e.Ref, Title: e.Title, Owner: e.Owner, System: e.System, Lifecycle: e.Lifecycle,
			DependsOn: e.DependsOn, Repository: slug, Reports: byEntity[e.Ref], Numbers: byService[e.Ref]})
	}
	return rows
}

// leftOutRuns is how many runs of all services are in no duration.
func leftOutRuns(rows []serviceRow) int {
	left := 0
	for _, r := range rows {
		if r.Numbers != nil {
			left += r.Numbers.LeftOutRuns()
		}
	}
	return left
}

func servicesTable(rows []serviceRow) table {
	t := table{
		columns:  []string{"service", "owner", "lifecycle", "level", "deploys_30d", "last_deploy", "ci_success", "ci_p95"},
		right:    []string{"deploys_30d", "ci_success", "ci_p95"},
		document: rows,
	}
	if len(rows) == 0 {
		t.note = "The catalog has no services: name Backstage descriptors under catalog.files in dx.yaml."
	}
	for _, r := range rows {
		levels := "not graded"
		for i, g := range r.Reports {
			if i == 0 {
				levels = level(g.Level)
			} else {
				levels += ", " + level(g.Level)
			}
		}
		line := []string{r.Ref, r.Owner, r.Lifecycle, levels, "unknown", "unknown", "unknown", "unknown"}
		if n := r.Numbers; n != nil {
			if n.Deploys != nil {
				line[4] = fmt.Sprint(*n.Deploys)
			}
			if n.LastDeploy != nil {
				line[5] = n.LastDeploy.UTC().Format(time.DateOnly)
			}
			if n.SuccessRate != nil {
				line[6] = percent(*n.SuccessRate)
			}
			if n.P95Minutes != nil {
				line[7] = fmt.Sprintf("%.1f min", *n.P95Minutes)
			}
		}
		t.rows = append(t.rows, line)
	}
	t.note += notCollected(rows)
	if left := leftOutRuns(rows); left > 0 {
		t.note += fmt.Sprintf("%d successful CI runs of the last 30 days are in no ci_p95: their duration is not known (untimed_runs and negative_runs of -o json).", left)
	}
	t.note = strings.TrimSuffix(t.note, "\n")
	return t
}

// notCollected says of how many services which kinds of record were never collected, and what should give them.
func notCollected(rows []serviceRow) string {
	var note strings.Builder
	for _, kind := range []event.Kind{event.KindDeployment, event.KindPipelineRun} {
		services, source := 0, ""
		for _, r := range rows {
			if r.Numbers != nil && r.Numbers.NoSource(kind) != "" {
				services, source = services+1, r.Numbers.NoSource(kind)
			}
		}
		if services > 0 {
			fmt.Fprintf(&note, "%d of %d services: no %s was ever collected; %s should give them.\n",
				services, len(rows), strings.ReplaceAll(string(kind), "_", " "), source)
		}
	}
	return note.String()
}
