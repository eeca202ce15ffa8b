package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
)

// peopleDocument is the JSON document of `dxctl people`: all people, identities and logins.
type peopleDocument struct {
	// WithoutStart is how many of the people have no start date: they are in no estimate of time to first deploy.
	WithoutStart int `json:"without_start"`

	People    []personRow    `json:"people"`
	Merged    []mergeRow     `json:"merged"`
	Unknown   []loginRow     `json:"unknown"` // logins of stored events that match no person
	Ambiguous []ambiguousRow `json:"ambiguous"`
	Bots      []loginRow     `json:"bots"`
}

type personRow struct {
	Person  string   `json:"person"`
	Name    string   `json:"name,omitempty"`
	Team    string   `json:"team,omitempty"` // the latest
	Started string   `json:"started_on,omitempty"`
	Left    string   `json:"left_on,omitempty"`
	Logins  []string `json:"logins"`
	Emails  []string `json:"emails"`
	Records []string `json:"records"` // ids of other records that were merged into this person
	Events  uint64   `json:"events"`
}

type mergeRow struct {
	Person string `json:"person"`
	Record string `json:"record"` // the id of the record that was merged
	Why    string `json:"why"`
}

type ambiguousRow struct {
	What   string   `json:"what"`
	People []string `json:"people"`
	Why    string   `json:"why"`
}

// loginRow is a login as it occurs in events, with the number of its events.
type loginRow struct {
	Provider string     `json:"provider,omitempty"`
	Login    string     `json:"login"`
	Changes  uint64     `json:"changes"`
	Runs     uint64     `json:"pipeline_runs"`
	Deploys  uint64     `json:"deployments"`
	Last     *time.Time `json:"last_at"`
	Why      string     `json:"why,omitempty"` // why it counts as a bot
}

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
			doc := whoIsWho(p.Catalog().People(), seen)
			view := peopleViews[0]
			if len(args) == 1 {
				view = args[0]
			}
			t := doc.table(view)
			if len(args) == 0 {
				t.Document, t.Note = doc, doc.summary()
			}
			return t.Print(s.out, s.output)
		},
	}
}

// whoIsWho matches the people of the catalog with the logins of stored events.
func whoIsWho(directory *people.Directory, seen []event.Login) peopleDocument {
	doc := peopleDocument{
		People: []personRow{}, Merged: []mergeRow{}, Unknown: []loginRow{}, Ambiguous: []ambiguousRow{}, Bots: []loginRow{},
	}
	directory = directory.WithSeen(seen)
	doc.WithoutStart = directory.WithoutStart()
	events, inEvents := map[string]uint64{}, map[string]bool{}
	for _, s := range seen {
		whose := directory.Whose(s.Provider, s.Name)
		inEvents[whose.Provider+":"+whose.Login] = true
		switch {
		case whose.Bot || s.Bot:
			doc.Bots = append(doc.Bots, seenRow(s, whyBot(directory, s, whose)))
		case whose.Person != "":
			events[whose.Person] += s.Events()
		default:
			doc.Unknown = append(doc.Unknown, seenRow(s, ""))
		}
	}
	logins := map[string][]string{}
	for _, i := range directory.Identities() {
		logins[i.Person] = append(logins[i.Person], strings.TrimPrefix(i.Provider+":"+i.Login, ":"))
		if i.Bot && !inEvents[i.Provider+":"+i.Login] {
			doc.Bots = append(doc.Bots, loginRow{Provider: i.Provider, Login: i.Login, Why: "marked by a record or rule"})
		}
	}
	for _, person := range directory.All() {
		doc.People = append(doc.People, personOf(person, logins[person.ID], events[person.ID]))
	}
	report := directory.Report()
	for _, m := range report.Merged {
		doc.Merged = append(doc.Merged, mergeRow(m))
	}
	for _, u := range report.Unclear {
		doc.Ambiguous = append(doc.Ambiguous, ambiguousRow(u))
	}
	slices.SortStableFunc(doc.Unknown, func(a, b loginRow) int { return cmp.Compare(b.events(), a.events()) })
	return doc
}

func (r loginRow) events() uint64 { return r.Changes + r.Runs + r.Deploys }

func seenRow(s event.Login, why string) loginRow {
	row := loginRow{Provider: s.Provider, Login: s.Name, Changes: s.Changes, Runs: s.Runs, Deploys: s.Deploys, Why: why}
	if s.LastAt.Unix() > 0 {
		at := s.LastAt.UTC()
		row.Last = &at
	}
	return row
}

func whyBot(directory *people.Directory, s event.Login, whose people.Identity) string {
	pattern := directory.BotPattern(s.Provider, s.Name)
	switch {
	case whose.Bot && pattern != "":
		return pattern
	case whose.Bot:
		return "marked by a record or rule"
	}
	return "marked by the source"
}

func personOf(person people.Person, logins []string, events uint64) personRow {
	last := person.Memberships[len(person.Memberships)-1]
	row := personRow{Person: person.ID, Name: person.Name, Team: last.Team, Logins: append([]string{}, logins...),
		Emails: append([]string{}, person.Emails...), Records: append([]string{}, person.Records...), Events: events}
	if at := person.StartedOn(); !at.IsZero() {
		row.Started = at.Format(time.DateOnly)
	}
	if !last.LeftOn.IsZero() {
		row.Left = last.LeftOn.Format(time.DateOnly)
	}
	return row
}

func (d peopleDocument) table(view string) output.Table {
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

func loginTable(rows []loginRow, none string) output.Table {
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

// summary returns the line below the list of people: how many entries the other views have.
func (d peopleDocument) summary() string {
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
