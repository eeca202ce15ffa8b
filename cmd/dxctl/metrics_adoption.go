package main

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
)

func newAdoption(s *cli) *cobra.Command {
	var perService bool
	cmd := &cobra.Command{
		Use:   "adoption",
		Short: "Print how many services follow a golden path, and which versions",
		Long: `Print how many services follow a golden path, by the lock files in their repositories, and how many of those have files
that drifted: that differ from what the golden path wrote. Services whose files no source reads count as unknown.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, app.Options{Program: "metrics"})
			if err != nil {
				return err
			}
			defer closing(p, &err)
			reader, err := p.Reader()
			if err != nil {
				return err
			}
			result, err := reader.Adoption(cmd.Context())
			if err != nil {
				return err
			}
			t := pathsFollowed(result)
			if perService {
				t = servicesOnPaths(result)
			}
			t.Document = report.NewAdoptionDocument(result, reader.SelectAdoption(result, report.AdoptionFilter{}), report.All)
			return t.Print(s.out, s.output)
		},
	}
	cmd.Flags().BoolVar(&perService, "per-service", false, "print a line per service instead of per golden path")
	return cmd
}

// pathsFollowed has a line for each version of a golden path that services follow.
func pathsFollowed(a metrics.Adoption) output.Table {
	t := output.Table{
		Columns: []string{"golden_path", "version", "services", "drifted", "drift_unknown"},
		Right:   []string{"services", "drifted", "drift_unknown"},
		Note: fmt.Sprintf("%s, version %d: %d of %d services follow a golden path (%s); of %d further services it is not "+
			"known.", a.Definition.Title, a.Definition.Version, a.Adopters, a.Services, words.Percent(a.Share), a.Unknown),
	}
	for _, p := range a.Paths {
		t.Rows = append(t.Rows, []string{
			p.Name, p.Version, strconv.Itoa(p.Services), strconv.Itoa(p.Drifted), strconv.Itoa(p.DriftUnknown),
		})
	}
	return t
}

// servicesOnPaths has a line for each service.
func servicesOnPaths(a metrics.Adoption) output.Table {
	t := output.Table{
		Columns: []string{"service", "team", "state", "golden_path", "version", "drift", "declined", "reason"},
		Right:   []string{"drift", "declined"},
	}
	number := func(n *int, s metrics.AdoptionState) string {
		if s.State != metrics.Follows {
			return ""
		}
		if n == nil {
			return "unknown"
		}
		return strconv.Itoa(*n)
	}
	for _, s := range a.Subjects {
		t.Rows = append(t.Rows, []string{
			s.Service, cmp.Or(s.Team, "none"), s.State, s.GoldenPath, s.Version, number(s.Drift, s), number(s.Declined, s),
			s.Reason,
		})
	}
	return t
}
