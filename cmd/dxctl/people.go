package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/catalog"
)

// peopleDocument is the JSON of `dxctl people`: everything that is known of who is who.
type peopleDocument struct {
	People  []personRow  `json:"people"`
	Merged  []mergeRow   `json:"merged"`
	Unknown []loginRow   `json:"unknown"` // logins of stored events that belong to nobody
	Unclear []unclearRow `json:"unclear"`
	Bots    []loginRow   `json:"bots"`
}

type personRow struct {
	Person  string   `json:"person"`
	Name    string   `json:"name,omitempty"`
	Team    string   `json:"team,omitempty"` // the latest
	Started string   `json:"started_on,omitempty"`
	Left    string   `json:"left_on,omitempty"`
	Logins  []string `json:"logins"`
	Emails  []string `json:"emails"`
	Records []string `json:"records"` // ids of other records that are this person's too
	Events  uint64   `json:"events"`
}

type mergeRow struct {
	Person string `json:"person"`
	Record string `json:"record"` // the id that was added to the person
	Why    string `json:"why"`
}

type unclearRow struct {
	What   string   `json:"what"`
	People []string `json:"people"`
	Why    string   `json:"why"`
}

// loginRow is a login as events name it, with what it did.
type loginRow struct {
	Provider string     `json:"provider,omitempty"`
	Login    string     `json:"login"`
	Changes  uint64     `json:"changes"`
	Runs     uint64     `json:"pipeline_runs"`
	Deploys  uint64     `json:"deployments"`
	Last     *time.Time `json:"last_at"`
	Why      string     `json:"why,omitempty"` // why it is taken for a machine
}

var peopleViews = []string{"people", "merged", "unknown", "unclear", "bots"}

func newPeople(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "people [" + strings.Join(peopleViews, "|") + "]",
		Short: "Show who is who: people, merged records, logins of nobody, machine accounts",
		Long: `Show the people that are known, with their logins and addresses, and how their records became people:

  people    everybody, with what they did
  merged    records that were added to another person's, and why
  unknown   logins of stored events that belong to nobody, with what they did
  unclear   what could not be told apart, and what would settle it
  bots      machine accounts, and how they were recognised

JSON has all of it. What is wrong is corrected in the file that people.rules names (docs/sources/people.md).`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: peopleViews,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, openOptions{program: "people"})
			if err != nil {
				return err
			}
			defer p.close(&err)
			doc, err := p.people(cmd.Context())
			if err != nil {
				return err
			}
			view := peopleViews[0]
			if len(args) == 1 {
				view = args[0]
			}
			t := doc.table(view)
			if len(args) == 0 {
				t.document, t.note = doc, doc.summary()
			}
			return t.print(s.out, s.output)
		},
	}
}

// people puts the records of people beside the logins of stored events.
func (p *platform) people(ctx context.Context) (peopleDocument, error) {
	seen, err := catalog.ReadSeen(ctx, p.store)
	if err != nil {
		return peopleDocument{}, err
	}
	return whoIsWho(p.catalog.Load(), seen), nil
}

func whoIsWho(cat *catalog.Catalog, seen []catalog.SeenLogin) peopleDocument {
	doc := peopleDocument{People: []personRow{}, Merged: []mergeRow{}, Unknown: []loginRow{}, Unclear: []unclearRow{}, Bots: []loginRow{}}
	cat = cat.WithSeen(seen)
	events, inEvents := map[string]uint64{}, map[string]bool{}
	for _, s := range seen {
		whose := cat.Whose(s.Provider, s.Login)
		inEvents[whose.Provider+":"+whose.Login] = true
		switch {
		case whose.Bot || s.Bot:
			doc.Bots = append(doc.Bots, seenRow(s, whyBot(cat, s, whose)))
		case whose.Person != "":
			events[whose.Person] += s.Events()
		default:
			doc.Unknown = append(doc.Unknown, seenRow(s, ""))
		}
	}
	logins := map[string][]string{}
	for _, i := range cat.Identities() {
		logins[i.Person] = append(logins[i.Person], strings.TrimPrefix(i.Provider+":"+i.Login, ":"))
		if i.Bot && !inEvents[i.Provider+":"+i.Login] {
			doc.Bots = append(doc.Bots, loginRow{Provider: i.Provider, Login: i.Login, Why: "a record or rule says so"})
		}
	}
	for _, person := range cat.People() {
		doc.People = append(doc.People, personOf(person, logins[person.ID], events[person.ID]))
	}
	report := cat.PeopleReport()
	for _, m := range report.Merged {
		doc.Merged = append(doc.Merged, mergeRow(m))
	}
	for _, u := range report.Unclear {
		doc.Unclear = append(doc.Unclear, unclearRow(u))
	}
	slices.SortStableFunc(doc.Unknown, func(a, b loginRow) int { return cmp.Compare(b.events(), a.events()) })
	return doc
}

func (r loginRow) events() uint64 { return r.Changes + r.Runs + r.Deploys }

func seenRow(s catalog.SeenLogin, why string) loginRow {
	row := loginRow{Provider: s.Provider, Login: s.Login, Changes: s.Changes, Runs: s.Runs, Deploys: s.Deploys, Why: why}
	if s.LastAt.Unix() > 0 {
		at := s.LastAt.UTC()
		row.Last = &at
	}
	return row
}

func whyBot(cat *catalog.Catalog, s catalog.SeenLogin, whose catalog.Identity) string {
	pattern := cat.BotPattern(s.Provider, s.Login)
	switch {
	case whose.Bot && pattern != "":
		return pattern
	case whose.Bot:
		return "a record or rule says so"
	}
	return "the source says so"
}

func personOf(person catalog.Person, logins []string, events uint64) personRow {
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

func (d peopleDocument) table(view string) table {
	switch view {
	case "merged":
		t := table{columns: []string{"record", "person", "why"}, document: d.Merged, note: noneNote(len(d.Merged), "No record was merged into another.")}
		for _, m := range d.Merged {
			t.rows = append(t.rows, []string{m.Record, m.Person, m.Why})
		}
		return t
	case "unclear":
		t := table{columns: []string{"what", "people", "why"}, document: d.Unclear, note: noneNote(len(d.Unclear), "Nothing is unclear.")}
		for _, u := range d.Unclear {
			t.rows = append(t.rows, []string{u.What, strings.Join(u.People, " "), u.Why})
		}
		return t
	case "unknown":
		return loginTable(d.Unknown, "Every login of the stored events is somebody's or a machine's.")
	case "bots":
		return loginTable(d.Bots, "No machine account is known.")
	}
	t := table{columns: []string{"person", "name", "team", "started_on", "left_on", "logins", "emails", "records", "events"}, right: []string{"events"},
		document: d.People, note: noneNote(len(d.People), "Nobody is known: name a CSV file under people.files in dx.yaml.")}
	for _, p := range d.People {
		t.rows = append(t.rows, []string{p.Person, p.Name, p.Team, p.Started, p.Left, strings.Join(p.Logins, " "), strings.Join(p.Emails, " "),
			strings.Join(p.Records, " "), fmt.Sprint(p.Events)})
	}
	return t
}

func loginTable(rows []loginRow, none string) table {
	t := table{columns: []string{"provider", "login", "changes", "pipeline_runs", "deployments", "last", "why"},
		right: []string{"changes", "pipeline_runs", "deployments"}, document: rows, note: noneNote(len(rows), none)}
	for _, r := range rows {
		last := ""
		if r.Last != nil {
			last = r.Last.Format(time.DateOnly)
		}
		t.rows = append(t.rows, []string{r.Provider, r.Login, fmt.Sprint(r.Changes), fmt.Sprint(r.Runs), fmt.Sprint(r.Deploys), last, r.Why})
	}
	return t
}

func noneNote(n int, text string) string {
	if n > 0 {
		return ""
	}
	return text
}

// summary says what the other views hold, below the list of people.
func (d peopleDocument) summary() string {
	if len(d.People)+len(d.Unknown)+len(d.Bots) == 0 {
		return "Nobody is known: name a CSV file under people.files in dx.yaml."
	}
	return fmt.Sprintf("People: %d. Records merged: %d (dxctl people merged). Logins of nobody: %d (… unknown). Unclear: %d (… unclear). Machine accounts: %d (… bots).",
		len(d.People), len(d.Merged), len(d.Unknown), len(d.Unclear), len(d.Bots))
}
