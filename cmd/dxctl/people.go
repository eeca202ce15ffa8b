package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report"
)

var peopleViews = []string{"people", "merged", "unknown", "ambiguous", "bots"}

func newPeople(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "people [" + strings.Join(peopleViews, "|") + "]",
		Short: "List people, merged identities, unmatched logins and bot accounts",
		Long: `List people with their logins and email addresses, and how their records were merged:

  people    all people, with the number of their events
  merged    records that were merged into another person, and why
  unknown   logins of stored events that match no person, with the number of their events
  ambiguous identities that are ambiguous, and why
  bots      bot accounts, and how they were recognized

-o json without an argument has all of them. To correct a wrong match, write a rule to the file that people.rules names
in dx.yaml (docs/sources/people.md).`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: peopleViews,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, app.Options{Program: "people"})
			if err != nil {
				return err
			}
			defer closing(p, &err)
			seen, err := p.Store.Logins(cmd.Context())
			if err != nil {
				return err
			}
			doc := report.NewPeopleDocument(p.Catalog().People(), seen)
			view := peopleViews[0]
			if len(args) == 1 {
				view = args[0]
			}
			t := peopleTable(doc, view)
			if len(args) == 0 {
				t.Document, t.Note = doc, peopleSummary(doc)
			}
			return t.Print(s.out, s.output)
		},
	}
}

func peopleTable(d report.PeopleDocument, view string) output.Table {
	switch view {
	case "merged":
		t := output.Table{
			Columns:  []string{"record", "person", "why"},
			Document: d.Merged,
			Note:     noneNote(len(d.Merged), "No records were merged."),
		}
		for _, m := range d.Merged {
			t.Rows = append(t.Rows, []string{m.Record, m.Person, m.Why})
		}
		return t
	case "ambiguous":
		t := output.Table{
			Columns:  []string{"what", "people", "why"},
			Document: d.Ambiguous,
			Note:     noneNote(len(d.Ambiguous), "No identities are ambiguous."),
		}
		for _, u := range d.Ambiguous {
			t.Rows = append(t.Rows, []string{u.What, strings.Join(u.People, " "), u.Why})
		}
		return t
	case "unknown":
		return loginTable(d.Unknown, "Every login of the stored events matches a person or a bot account.")
	case "bots":
		return loginTable(d.Bots, "No bot accounts.")
	}
	t := output.Table{
		Columns:  []string{"person", "name", "team", "started_on", "left_on", "logins", "emails", "records", "events"},
		Right:    []string{"events"},
		Document: d.People,
		Note:     noneNote(len(d.People), "No people: list a CSV file under people.files in dx.yaml."),
	}
	for _, p := range d.People {
		t.Rows = append(
			t.Rows,
			[]string{p.Person, p.Name, p.Team, p.Started, p.Left, strings.Join(p.Logins, " "), strings.Join(p.Emails, " "),
				strings.Join(p.Records, " "), fmt.Sprint(p.Events)},
		)
	}
	return t
}

func loginTable(rows []report.LoginDocument, none string) output.Table {
	t := output.Table{Columns: []string{"provider", "login", "changes", "pipeline_runs", "deployments", "last", "why"},
		Right: []string{"changes", "pipeline_runs", "deployments"}, Document: rows, Note: noneNote(len(rows), none)}
	for _, r := range rows {
		last := ""
		if r.Last != nil {
			last = r.Last.Format(time.DateOnly)
		}
		t.Rows = append(
			t.Rows,
			[]string{r.Provider, r.Login, fmt.Sprint(r.Changes), fmt.Sprint(r.Runs), fmt.Sprint(r.Deploys), last, r.Why},
		)
	}
	return t
}

func noneNote(n int, text string) string {
	if n > 0 {
		return ""
	}
	return text
}

// peopleSummary returns the line below the list of people: how many entries the other views have.
func peopleSummary(d report.PeopleDocument) string {
	if len(d.People)+len(d.Unknown)+len(d.Bots) == 0 {
		return "No people: list a CSV file under people.files in dx.yaml."
	}
	without := ""
	if d.WithoutStart > 0 {
		without = fmt.Sprintf(" (%d without a start date)", d.WithoutStart)
	}
	return fmt.Sprintf("People: %d%s. Merged records: %d (dxctl people merged). Unmatched logins: %d (… unknown). "+
		"Ambiguous: %d (… ambiguous). Bot accounts: %d (… bots).",
		len(d.People), without, len(d.Merged), len(d.Unknown), len(d.Ambiguous), len(d.Bots))
}
