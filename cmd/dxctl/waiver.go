package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/repository/waiver"
)

func newWaiver(s *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "waiver",
		Short: "Ask for exceptions from rules, and list them",
		Long: `A waiver excuses a service from a rule until a day, for a reason. It is an entry of a YAML file in git: whoever
approves changes there approves it. It ends by itself; grades are shown with and without it.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newWaiverList(s), newWaiverRequest(s))
	return cmd
}

func newWaiverList(s *cli) *cobra.Command {
	var filter report.WaiverFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List waivers, those that end soon first",
		Long: fmt.Sprintf(`List the waivers of all services: those that end within %d days first, then those that are only requested. "Without"
is what the rule would be without the waiver. What is wrong with waivers is printed below the list.`, waiver.NoticeDays),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.listWaivers(cmd.Context(), filter) },
	}
	cmd.Flags().StringVar(&filter.State, "state", "", "only waivers in this `STATE`: ending, requested, refused, too long, "+
		"active, upcoming, expired")
	cmd.Flags().StringVar(&filter.Text, "match", "", "only waivers with this `TEXT` in the service, rule, person or reason")
	return cmd
}

func (s *cli) listWaivers(ctx context.Context, filter report.WaiverFilter) (err error) {
	if filter.State != "" {
		if err := oneOfStates(filter.State); err != nil {
			return err
		}
	}
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: "waiver list"})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	if err := p.Sync(ctx); err != nil { // the store shows only what the catalog describes
		return err
	}
	reader, err := p.Reader()
	if err != nil {
		return err
	}
	all, err := reader.Waivers(ctx)
	if err != nil {
		return err
	}
	debt, err := reader.WaiverDebt(ctx)
	if err != nil {
		return err
	}
	return waiversTable(all.Select(filter), all, debt).Print(s.out, s.output)
}

func oneOfStates(state string) error {
	words := make([]string, len(report.WaiverStates))
	for i, known := range report.WaiverStates {
		if words[i] = string(known); words[i] == state {
			return nil
		}
	}
	return unknownWord("--state", state, words)
}

func waiversTable(rows []report.WaiverRow, all report.Waivers, debt []report.DebtPoint) output.Table {
	t := output.Table{
		Columns:  []string{"state", "until", "service", "rule", "without", "by", "reason", "note", "place"},
		Document: report.NewWaiversDocument(rows, all, debt, report.All),
	}
	for _, r := range rows {
		until := r.Waiver.Until.Format(time.DateOnly)
		if r.Waiver.State.Holds() {
			until += fmt.Sprintf(" (%s)", words.Plural(r.Waiver.DaysLeft, "day", "days"))
		}
		t.Rows = append(t.Rows, []string{string(r.Waiver.State), until, r.Service, report.RuleName(r.Scorecard, r.Rule),
			string(r.Without), r.Waiver.By, r.Waiver.Reason, r.Waiver.Note, r.Waiver.Place()})
	}
	if len(t.Rows) == 0 {
		t.Note = "No waiver. `dxctl waiver request --help` explains how to ask for one."
	}
	for _, problem := range all.Problems {
		t.Note += "\nTo correct: " + problem
	}
	return t
}
