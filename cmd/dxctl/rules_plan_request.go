package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/web/planning"
)

// newRulesPlanRequest is the command that `dxctl serve` runs for each request for a plan.
func newRulesPlanRequest(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:    app.PlanCommand[1],
		Short:  "Plan the request on stdin, for dxctl serve",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := limitMemory(app.PlanMemoryHard); err != nil {
				return fmt.Errorf("limiting the memory of the plan: %w", err)
			}
			first := json.NewDecoder(s.in)
			var loaded []scorecards.File
			if err := first.Decode(&loaded); err != nil {
				return fmt.Errorf("reading the scorecards of the server: %w", err)
			}
			body, err := io.ReadAll(io.LimitReader(io.MultiReader(first.Buffered(), s.in), planning.MaxBody+1))
			if err != nil {
				return fmt.Errorf("reading the request for a plan: %w", err)
			}
			outcome, err := s.planRequest(cmd, loaded, body)
			if err != nil {
				return err
			}
			return json.NewEncoder(s.out).Encode(outcome)
		},
	}
}

// planRequest plans a request on the scorecards that a server has loaded. An error is not the sender's.
func (s *cli) planRequest(cmd *cobra.Command, loaded []scorecards.File, body []byte,
) (outcome app.PlanOutcome, err error) {
	refused := func(err error) (app.PlanOutcome, error) { return app.PlanOutcome{Refused: err.Error()}, nil }
	sent, err := planning.Decode(body)
	if err != nil {
		return refused(err)
	}
	if err := sent.Bounds(); err != nil {
		return refused(err)
	}
	request := app.PlanRequest{
		Loaded: loaded, Files: planning.Scorecards(sent.Files), BaseName: "the scorecards that the server grades by",
	}
	if sent.Base != nil {
		request.BaseFiles, request.BaseName = planning.Scorecards(sent.Base.Files), sent.Base.Name
	}
	if request.From, request.To, err = planDays("", sent.Since, sent.Until, s.now().UTC()); err != nil {
		return refused(err)
	}
	cfg, err := s.config()
	if err != nil {
		return outcome, err
	}
	p, err := s.open(cmd.Context(), cfg, app.Options{Program: "rules plan"})
	if err != nil {
		return outcome, err
	}
	defer closing(p, &err)
	made, err := p.Plan(cmd.Context(), request) // the server has synced the catalog
	if errors.As(err, &outcome.Mistakes) {
		return outcome, nil
	}
	if err != nil {
		return outcome, err
	}
	outcome.Plan, err = json.Marshal(made)
	return outcome, err
}
