package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards/campaign"
	"github.com/dxctl/dxctl/spelling"
)

func newCampaign(s *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "campaign",
		Short: "Follow campaigns: a rule or a level for a selection of services by a day",
		Long: `A campaign asks a selection of services to reach a rule or a level of a scorecard by a day. It is a YAML file in git,
next to the scorecards.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newCampaignList(s), newCampaignShow(s), newCampaignRemind(s))
	return cmd
}

func newCampaignList(s *cli) *cobra.Command {
	var filter report.CampaignFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List campaigns, running ones first",
		Long: `List the campaigns with how many services have reached the goal, and the chance that all have by the last day. What is
wrong with campaigns is printed below the list.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withReader(cmd.Context(), "campaign list", func(ctx context.Context, reader *report.Reader) error {
				return s.listCampaigns(ctx, reader, filter)
			})
		},
	}
	cmd.Flags().StringVar(&filter.State, "state", "", "only campaigns in this `STATE`: running, planned, reached, missed, "+
		"ended")
	cmd.Flags().StringVar(&filter.Text, "match", "", "only campaigns with this `TEXT` in the title, reason, owner or goal")
	return cmd
}

// withReader opens the read model for a command that only reads.
func (s *cli) withReader(
	ctx context.Context, program string, do func(context.Context, *report.Reader) error,
) (err error) {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: program})
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
	return do(ctx, reader)
}

func (s *cli) listCampaigns(ctx context.Context, reader *report.Reader, filter report.CampaignFilter) error {
	if filter.State != "" {
		var states []string
		for _, state := range campaign.States {
			states = append(states, string(state))
		}
		if err := oneWord("--state", filter.State, states); err != nil {
			return err
		}
	}
	all, err := reader.Campaigns(ctx)
	if err != nil {
		return err
	}
	list := all.Select(filter)
	t := output.Table{
		Columns:  []string{"id", "state", "ends", "left", "reached", "waived", "services", "chance", "goal", "title"},
		Right:    []string{"left", "reached", "waived", "services", "chance"},
		Document: reader.CampaignsDocument(list, all.Problems, report.All),
	}
	for i := range list {
		c := &list[i]
		t.Rows = append(t.Rows, []string{c.ID, string(c.State), c.Ends.Format(time.DateOnly), fmt.Sprint(c.Now.Left()),
			fmt.Sprint(c.Now.Reached), fmt.Sprint(c.Now.Waived), fmt.Sprint(c.Total()), c.ChanceCell(reader.Now()),
			c.Goal.String(), c.Title})
	}
	if len(t.Rows) == 0 {
		t.Note = "No campaign. Write one as a YAML file in campaigns/, next to the configuration."
	}
	for _, problem := range all.Problems {
		t.Note += "\nTo correct: " + problem
	}
	return t.Print(s.out, s.output)
}

// oneWord returns an error unless a flag has one of the words.
func oneWord(flag, word string, known []string) error {
	for _, k := range known {
		if k == word {
			return nil
		}
	}
	return unknownWord(flag, word, known)
}

func newCampaignShow(s *cli) *cobra.Command {
	var filter report.CampaignRowFilter
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a campaign: its forecast, and who is left with what",
		Long: `Show how a campaign stands, when the rest will probably be done, and the services that have not reached the goal: their
owner, since when, what is missing and what makes it pass. "-o json" also has the burn-down.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.withReader(cmd.Context(), "campaign show", func(ctx context.Context, reader *report.Reader) error {
				return s.showCampaign(ctx, reader, args[0], filter)
			})
		},
	}
	cmd.Flags().StringVar(&filter.Verdict, "verdict", report.LeftOver, "only services with this `VERDICT`: left, failed, "+
		"unknown, waived, reached, all")
	cmd.Flags().StringVar(&filter.Team, "owner", "", "only services of this `OWNER`: display name, ref or name; none: without one")
	cmd.Flags().StringVar(&filter.Text, "match", "", "only services with this `TEXT` in their name or owner")
	return cmd
}

func (s *cli) showCampaign(
	ctx context.Context, reader *report.Reader, id string, filter report.CampaignRowFilter,
) error {
	known := []string{report.LeftOver, report.AnyState}
	for _, v := range campaign.Verdicts {
		known = append(known, string(v))
	}
	if err := oneWord("--verdict", filter.Verdict, known); err != nil {
		return err
	}
	c, err := reader.Campaign(ctx, id)
	var missing *report.NotFoundError
	if errors.As(err, &missing) {
		return fmt.Errorf("%w; `dxctl campaign list` shows all", err)
	}
	if err != nil {
		return err
	}
	if filter.Team != "" {
		owner, known, err := reader.CampaignOwner(ctx, filter.Team)
		if err != nil {
			return err
		}
		if owner == "" {
			return fmt.Errorf("--owner %q is not an owner%s", filter.Team, spelling.Hint(filter.Team, known))
		}
		filter.Team = owner
	}
	rows := c.Select(filter)
	t := output.Table{
		Columns:  []string{"service", "owner", "verdict", "since", "rule", "outcome", "reason", "fix"},
		Document: reader.CampaignDetail(&c, rows, report.All),
	}
	for _, row := range rows {
		since := "not known"
		if row.Since != nil {
			since = row.Since.Format(time.DateOnly)
		}
		cells := []string{words.RefName(row.Service), row.Team, string(row.Verdict), since}
		if len(row.Missing) == 0 {
			t.Rows = append(t.Rows, append(cells, "", "", "", ""))
		}
		for _, m := range row.Missing {
			t.Rows = append(t.Rows, append(cells[:4:4], m.Rule, string(m.Outcome), m.Reason, m.Fix))
		}
	}
	t.Prose = campaignText(&c, rows, reader.Now())
	narrowed := filter.Team != "" || filter.Text != "" || filter.Verdict != report.LeftOver
	if narrowed && len(rows) == 0 {
		t.Prose += "\nNo service fits.\n"
	}
	return t.Print(s.out, s.output)
}

// campaignText is a campaign for a person to read.
func campaignText(c *report.Campaign, rows []report.CampaignRow, now time.Time) string {
	var text strings.Builder
	line := func(format string, args ...any) {
		text.WriteString(output.Printable(strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")) + "\n")
	}
	line("%s (%s)", c.Title, c.ID)
	line("%s", c.Why)
	line("")
	when := fmt.Sprintf("%s left", words.Plural(c.DaysLeft(now), "day", "days"))
	if c.Over(now) {
		when = "it is over"
	}
	line("%s: %s, from %s to %s (%s)", strings.ToUpper(string(c.State)), c.Goal, c.Starts.Format(time.DateOnly),
		c.Ends.Format(time.DateOnly), when)
	line("%d of %s left: %d failed, %d unknown; %d reached, %d waived", c.Now.Left(),
		words.Plural(c.Total(), "service is", "services are"), c.Now.Failed, c.Now.Unknown, c.Now.Reached, c.Now.Waived)
	if text := c.AtEndText(); text != "" {
		line("At its end, %s.", text)
	}
	if !c.Over(now) {
		line("")
		for _, sentence := range report.ForecastText(&c.Forecast, c.Ends) {
			line("%s", sentence)
		}
	}
	for _, note := range c.Notes {
		line("Note: %s", note)
	}
	for _, row := range rows {
		line("")
		since := "since when is not known"
		if row.Since != nil {
			since = "since " + row.Since.Format(time.DateOnly)
			if row.SinceFirst {
				since += ", its first grade"
			}
		}
		owner := row.Team
		if owner == "" {
			owner = "no owner"
		}
		line("%s (%s): %s, %s", words.RefName(row.Service), owner, row.Verdict, since)
		for _, m := range row.Missing {
			line("  %s: %s. %s", m.Rule, m.Outcome, m.Reason)
			fix, more, _ := strings.Cut(strings.TrimSpace(m.Fix), "\n")
			if more != "" {
				fix += " …"
			}
			line("    → %s", fix)
		}
	}
	if len(rows) > 0 {
		line("")
		line("`dxctl grade SERVICE --rule ID` explains one rule in full.")
	}
	return text.String()
}
