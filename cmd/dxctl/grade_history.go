package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

// printHistory prints how the stored grades of a service changed.
func (s *cli) printHistory(ctx context.Context, p *app.App, ref string) error {
	reader, err := p.Reader()
	if err != nil {
		return err
	}
	history, err := reader.History(ctx, ref)
	if err != nil {
		return err
	}
	return historyTable(history).Print(s.out, s.output)
}

// historyTable has a row for each time at which a grade changed.
func historyTable(history report.HistoryDocument) output.Table {
	t := output.Table{
		Columns:  []string{"since", "scorecard", "level", "score", "coverage", "changes"},
		Right:    []string{"score", "coverage"},
		Document: history,
		Note:     "Levels and scores are by the rules of today. `-o json` has the reason of each change.",
	}
	for _, card := range history.Scorecards {
		for _, m := range card.Moments {
			t.Rows = append(t.Rows, []string{m.At.UTC().Format(time.RFC3339), card.Scorecard, words.Level(m.Level),
				words.Interval(m.Score, m.ScoreHigh), words.Percent(&m.Coverage), changesInWords(m)})
		}
	}
	if len(t.Rows) == 0 {
		t.Note = "No grade of this service is stored yet; run `dxctl grade --all`."
	}
	return t
}

// changesInWords names the rules whose outcome changed, after a change of the rules themselves; rules that were graded
// for the first time are counted.
func changesInWords(m scorecards.Moment) string {
	var parts []string
	if m.RulesChanged {
		parts = append(parts, "the rules changed (digest "+report.ShortDigest(m.RulesDigest)+")")
	}
	first, reasons := 0, 0
	for _, c := range m.Changes {
		switch c.From {
		case "":
			first++
		case c.To:
			reasons++
		default:
			parts = append(parts, fmt.Sprintf("%s: %s → %s", c.Rule, c.From, c.To))
		}
	}
	if first > 0 {
		parts = append(parts, words.Plural(first, "rule", "rules")+" graded for the first time")
	}
	if reasons > 0 && len(parts) == 0 {
		parts = append(parts, "the reasons of "+words.Plural(reasons, "rule", "rules")+" changed")
	}
	return strings.Join(parts, "; ")
}
