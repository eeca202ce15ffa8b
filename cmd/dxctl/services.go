package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
)

func newServices(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "services",
		Short: "List services with owners, grades and delivery numbers of the last 30 days",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, app.Options{Program: "services"})
			if err != nil {
				return err
			}
			defer closing(p, &err)
			reader, err := p.Reader()
			if err != nil {
				return err
			}
			services, err := reader.Services(cmd.Context())
			if err != nil {
				return err
			}
			return servicesTable(services).Print(s.out, s.output)
		},
	}
}

func servicesTable(services report.Services) output.Table {
	t := output.Table{
		Columns:  []string{"service", "owner", "lifecycle", "level", "deploys_30d", "last_deploy", "ci_success", "ci_p95"},
		Right:    []string{"deploys_30d", "ci_success", "ci_p95"},
		Document: services.Document(),
	}
	if len(services.List) == 0 {
		t.Note = "No services: list Backstage descriptors under catalog.files in dx.yaml."
	}
	for _, s := range services.List {
		t.Rows = append(t.Rows, serviceLine(s))
	}
	t.Note += notCollected(services.List)
	if left := leftOutRuns(services.List); left > 0 {
		t.Note += fmt.Sprintf("%s of the last 30 days are not in ci_p95, because their duration is unknown (untimed_runs "+
			"and negative_runs of -o json).",
			words.Plural(left, "successful CI run", "successful CI runs"))
	}
	t.Note = strings.TrimSuffix(t.Note, "\n")
	return t
}

func serviceLine(s report.Service) []string {
	const unknown = "unknown"
	levels := make([]string, len(s.Reports))
	for i, g := range s.Reports {
		levels[i] = words.Level(g.Level)
	}
	line := []string{
		s.Entity.Ref,
		s.Entity.Owner,
		s.Entity.Lifecycle,
		strings.Join(levels, ", "),
		unknown,
		unknown,
		unknown,
		unknown,
	}
	if len(levels) == 0 {
		line[3] = "not graded"
	}
	n := s.Numbers
	if n.Deploys != nil {
		line[4] = fmt.Sprint(*n.Deploys)
	}
	if n.LastDeploy != nil {
		line[5] = n.LastDeploy.UTC().Format(time.DateOnly)
	}
	if n.SuccessRate != nil {
		line[6] = words.Percent(n.SuccessRate)
	}
	if n.P95Minutes != nil {
		line[7] = words.Minutes(n.P95Minutes).String()
	}
	return line
}

// leftOutRuns is how many runs of all services are in no duration.
func leftOutRuns(services []report.Service) int {
	left := 0
	for _, s := range services {
		left += s.Numbers.LeftOutRuns()
	}
	return left
}

// notCollected names the kinds of record that were never collected, for how many services, and what should give them.
func notCollected(services []report.Service) string {
	var note strings.Builder
	for _, kind := range []event.Kind{event.KindDeployment, event.KindPipelineRun} {
		n := 0
		source := ""
		for _, s := range services {
			if missing := s.Numbers.NoSource(kind); missing != "" {
				n++
				source = missing
			}
		}
		if n > 0 {
			fmt.Fprintf(&note, "%d of %d services: no %s was ever collected; %s should give them.\n",
				n, len(services), strings.ReplaceAll(string(kind), "_", " "), source)
		}
	}
	return note.String()
}
