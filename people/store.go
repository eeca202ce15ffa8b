package people

import (
	"context"
	"fmt"
	"time"
)

// Replacer replaces the whole content of a part of the stored catalog in one step: "identities" or "people". rows is a
// slice of structs with `ch:"column"` tags; the store has the columns.
type Replacer interface {
	Replace(ctx context.Context, part string, rows any) error
}

type identityRow struct {
	Provider string `ch:"provider"`
	Login    string `ch:"login"`
	Person   string `ch:"person"`
	Bot      bool   `ch:"bot"`
}

type personRow struct {
	Person    string     `ch:"person"`
	Name      string     `ch:"name"`
	Team      string     `ch:"team"`
	StartedOn *time.Time `ch:"started_on"`
	LeftOn    *time.Time `ch:"left_on"`
	Source    string     `ch:"source"`
	URL       string     `ch:"url"`
}

// Sync stores the identities and the people, each in one step.
func (d *Directory) Sync(ctx context.Context, store Replacer) error {
	if err := store.Replace(ctx, "identities", d.identityRows()); err != nil {
		return fmt.Errorf("storing the identities of the catalog: %w", err)
	}
	if err := store.Replace(ctx, "people", d.personRows()); err != nil {
		return fmt.Errorf("storing the people of the catalog: %w", err)
	}
	return nil
}

func (d *Directory) identityRows() []identityRow {
	rows := make([]identityRow, 0, len(d.identities))
	for _, i := range d.identities {
		rows = append(rows, identityRow(i))
	}
	return rows
}

func (d *Directory) personRows() []personRow {
	var rows []personRow
	for _, p := range d.people {
		for _, m := range p.Memberships {
			rows = append(rows, personRow{
				Person: p.ID, Name: p.Name, Team: m.Team, StartedOn: nullable(m.StartedOn), LeftOn: nullable(m.LeftOn),
				Source: m.Source, URL: m.URL,
			})
		}
	}
	if rows == nil {
		rows = []personRow{}
	}
	return rows
}

// Recalled is what the store last held of files that cannot be read now.
type Recalled struct {
	People     []Person // with the memberships that come from these files
	Identities []Identity
}

// Recaller returns what was stored by [Directory.Sync]; the store does.
type Recaller interface {
	// CatalogPeople reads the memberships that were read from these files into a pointer to a slice of the structs that
	// were given to Replace; those of a person follow each other.
	CatalogPeople(ctx context.Context, files []string, dest any) error
	// CatalogIdentities reads all logins into dest, as CatalogPeople does.
	CatalogIdentities(ctx context.Context, dest any) error
}

// Recall returns what the store holds of these files and of files below these directories.
func Recall(ctx context.Context, store Recaller, files []string) (Recalled, error) {
	var recalled Recalled
	var people []personRow
	var identities []identityRow
	err := store.CatalogPeople(ctx, files, &people)
	if err == nil {
		err = store.CatalogIdentities(ctx, &identities)
	}
	if err != nil {
		return recalled, fmt.Errorf("reading what the catalog last held of files that cannot be read: %w", err)
	}
	for _, row := range people {
		if n := len(recalled.People); n == 0 || recalled.People[n-1].ID != row.Person {
			recalled.People = append(recalled.People, Person{ID: row.Person, Name: row.Name})
		}
		p := &recalled.People[len(recalled.People)-1]
		p.Memberships = append(p.Memberships, Membership{
			Team: row.Team, StartedOn: known(row.StartedOn), LeftOn: known(row.LeftOn), Source: row.Source, URL: row.URL,
		})
	}
	for _, row := range identities {
		recalled.Identities = append(recalled.Identities, Identity(row))
	}
	return recalled, nil
}

func nullable(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func known(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
