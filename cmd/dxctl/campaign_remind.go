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
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

func newCampaignRemind(s *cli) *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use:   "remind",
		Short: "Remind owners of what is left, at most once a week",
		Long: `Send each owner of services that have not reached the goal of a campaign a message: when the campaign starts, halfway,
and 7 days before its end. If notify.waivers of dx.yaml names a webhook, owners are also told of waivers that end within
14 days. An owner gets at most one message a week, about everything that is due. "dxctl serve" does this by itself; the
command is for a scheduled job where nothing is served.

The messages go to the webhook that the campaign names as notify; dx.yaml has its address. With --dry-run, they are
printed and nothing is sent or stored.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.remind(cmd.Context(), dry) },
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "print the messages and send nothing")
	return cmd
}

func (s *cli) remind(ctx context.Context, dry bool) (err error) {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: "campaign remind"})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	if err := p.Sync(ctx); err != nil { // the store shows only what the catalog describes
		return err
	}
	all, err := p.Remind(ctx, dry)
	if err != nil {
		return err
	}
	if err := remindedTable(all, dry).Print(s.out, s.output); err != nil {
		return err
	}
	var errs []error
	for i := range all {
		if st := all[i].Status; st == campaign.NotSent || st == campaign.Unclear {
			errs = append(errs, fmt.Errorf("reminding %s: %s", all[i].Owner, all[i].Error))
		}
	}
	return errors.Join(errs...)
}

func remindedTable(all []app.Reminded, dry bool) output.Table {
	t := output.Table{Columns: []string{"owner", "webhook", "campaigns", "status", "text"}, Document: all}
	var prose strings.Builder
	for i := range all {
		r := &all[i]
		var items []string
		if n := len(r.Waivers); n > 0 {
			items = append(items, words.Plural(n, "waiver", "waivers")+" (ending)")
		}
		items = append(items, r.Surveys...)
		for _, item := range r.Items {
			items = append(items, fmt.Sprintf("%s (%s)", item.ID, item.Step))
		}
		status := string(r.Status)
		switch {
		case r.Ready != nil:
			status = "waits until " + r.Ready.Format(time.RFC3339)
		case dry:
			status = "would be sent"
		}
		t.Rows = append(t.Rows, []string{r.Owner, r.Webhook, strings.Join(items, ", "), status, r.Text})
		fmt.Fprintf(&prose, "%s through %s: %s\n", output.Printable(r.Owner), r.Webhook, status)
		for line := range strings.SplitSeq(r.Text, "\n") {
			prose.WriteString(strings.TrimRight("  "+output.Printable(line), " ") + "\n")
		}
		prose.WriteByte('\n')
	}
	if t.Prose = prose.String(); len(all) == 0 {
		t.Document, t.Prose = []app.Reminded{}, "Nobody is to be reminded now."
	}
	return t
}
