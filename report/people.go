package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
)

// PeopleDocument is all people, merged records, ambiguous identities and logins of stored events.
type PeopleDocument struct {
	// WithoutStart is how many of the people have no start date: they are in no estimate of time to first deploy.
	WithoutStart int `json:"without_start"`

	People    []PersonDocument    `json:"people"`
	Merged    []MergeDocument     `json:"merged"`
	Unknown   []LoginDocument     `json:"unknown"` // logins of stored events that match no person
	Ambiguous []AmbiguousDocument `json:"ambiguous"`
	Bots      []LoginDocument     `json:"bots"`
}

// PersonDocument is a person of the catalog, with the identities that are theirs.
type PersonDocument struct {
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

// MergeDocument is a record that was merged into a person.
type MergeDocument struct {
	Person string `json:"person"`
	Record string `json:"record"` // the id of the record that was merged
	Why    string `json:"why"`
}

// AmbiguousDocument is an identity that may belong to several people.
type AmbiguousDocument struct {
	What   string   `json:"what"`
	People []string `json:"people"`
	Why    string   `json:"why"` // and what would resolve it
}

// LoginDocument is a login as it occurs in events, with the number of its events.
type LoginDocument struct {
	Provider string     `json:"provider,omitempty"`
	Login    string     `json:"login"`
	Changes  uint64     `json:"changes"`
	Runs     uint64     `json:"pipeline_runs"`
	Deploys  uint64     `json:"deployments"`
	Last     *time.Time `json:"last_at"`
	Why      string     `json:"why,omitempty"` // why it counts as a bot
}

// NewPeopleDocument matches the people of the catalog with the logins of stored events.
func NewPeopleDocument(directory *people.Directory, seen []event.Login) PeopleDocument {
	doc := PeopleDocument{
		People:    []PersonDocument{},
		Merged:    []MergeDocument{},
		Unknown:   []LoginDocument{},
		Ambiguous: []AmbiguousDocument{},
		Bots:      []LoginDocument{},
	}
	directory = directory.WithSeen(seen)
	doc.WithoutStart = directory.WithoutStart()
	events := map[string]uint64{} // number, by person
	inEvents := map[string]bool{} // logins, with their provider
	for _, s := range seen {
		whose := directory.Whose(s.Provider, s.Name)
		inEvents[whose.Provider+":"+whose.Login] = true
		switch {
		case whose.Bot || s.Bot:
			doc.Bots = append(doc.Bots, loginDocument(s, whyBot(directory, s, whose)))
		case whose.Person != "":
			events[whose.Person] += s.Events()
		default:
			doc.Unknown = append(doc.Unknown, loginDocument(s, ""))
		}
	}
	logins := map[string][]string{}
	for _, i := range directory.Identities() {
		logins[i.Person] = append(logins[i.Person], strings.TrimPrefix(i.Provider+":"+i.Login, ":"))
		if i.Bot && !inEvents[i.Provider+":"+i.Login] {
			doc.Bots = append(doc.Bots, LoginDocument{Provider: i.Provider, Login: i.Login, Why: "marked by a record or rule"})
		}
	}
	for _, person := range directory.All() {
		doc.People = append(doc.People, personDocument(person, logins[person.ID], events[person.ID]))
	}
	matching := directory.Report()
	for _, m := range matching.Merged {
		doc.Merged = append(doc.Merged, MergeDocument(m))
	}
	for _, u := range matching.Ambiguous {
		doc.Ambiguous = append(doc.Ambiguous, AmbiguousDocument(u))
	}
	slices.SortStableFunc(doc.Unknown, func(a, b LoginDocument) int { return cmp.Compare(b.events(), a.events()) })
	return doc
}

func (r LoginDocument) events() uint64 { return r.Changes + r.Runs + r.Deploys }

func loginDocument(s event.Login, why string) LoginDocument {
	row := LoginDocument{
		Provider: s.Provider,
		Login:    s.Name,
		Changes:  s.Changes,
		Runs:     s.Runs,
		Deploys:  s.Deploys,
		Why:      why,
	}
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

func personDocument(person people.Person, logins []string, events uint64) PersonDocument {
	last := person.Memberships[len(person.Memberships)-1]
	row := PersonDocument{Person: person.ID, Name: person.Name, Team: last.Team, Logins: append([]string{}, logins...),
		Emails: append([]string{}, person.Emails...), Records: append([]string{}, person.Records...), Events: events}
	if at := person.StartedOn(); !at.IsZero() {
		row.Started = at.Format(time.DateOnly)
	}
	if !last.LeftOn.IsZero() {
		row.Left = last.LeftOn.Format(time.DateOnly)
	}
	return row
}
