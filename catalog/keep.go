package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Recalled is what the catalog last held of files that cannot be read now.
type Recalled struct {
	Entities   []Entity
	People     []Person // with the memberships that come from these files
	Identities []Identity
}

// Recaller returns what was stored by [Catalog.Sync]; the store does.
type Recaller interface {
	// CatalogDefinitions returns, as JSON, the entities that were read from these files, below these directories, or
	// from what Locations in them name.
	CatalogDefinitions(ctx context.Context, files []string) ([]string, error)
	// CatalogPeople reads the memberships that were read from these files into a pointer to a slice of the structs that
	// were given to Replace; those of a person follow each other.
	CatalogPeople(ctx context.Context, files []string, dest any) error
	// CatalogIdentities reads all logins into dest, as CatalogPeople does.
	CatalogIdentities(ctx context.Context, dest any) error
}

// Recall returns what the store holds of these files, below these directories, and of what Locations in them led to.
func Recall(ctx context.Context, store Recaller, files []string) (Recalled, error) {
	var recalled Recalled
	var people []personRow
	var identities []identityRow
	definitions, err := store.CatalogDefinitions(ctx, files)
	if err == nil {
		err = store.CatalogPeople(ctx, files, &people)
	}
	if err == nil {
		err = store.CatalogIdentities(ctx, &identities)
	}
	if err != nil {
		return recalled, fmt.Errorf("reading what the catalog last held of files that cannot be read: %w", err)
	}
	for _, d := range definitions {
		var e Entity
		if err := json.Unmarshal([]byte(d), &e); err != nil {
			return recalled, fmt.Errorf("reading a stored entity: %w", err)
		}
		recalled.Entities = append(recalled.Entities, e)
	}
	for _, row := range people {
		if n := len(recalled.People); n == 0 || recalled.People[n-1].ID != row.Person {
			recalled.People = append(recalled.People, Person{ID: row.Person, Name: row.Name})
		}
		p := &recalled.People[len(recalled.People)-1]
		p.Memberships = append(p.Memberships, Membership{Team: row.Team, StartedOn: known(row.StartedOn), LeftOn: known(row.LeftOn), Source: row.Source, URL: row.URL})
	}
	for _, row := range identities {
		recalled.Identities = append(recalled.Identities, Identity(row))
	}
	return recalled, nil
}

func known(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// keep adds what is known from earlier of files that cannot be read now, or not in full, and is described nowhere else.
func (l *loader) keep(p *peopleReader, recall func(files []string) (Recalled, error)) error {
	lost := l.LostFiles()
	if recall == nil || len(lost) == 0 {
		return nil
	}
	recalled, err := recall(lost)
	if err != nil {
		return err
	}
	l.keepEntities(recalled.Entities)
	p.keepPeople(recalled)
	return nil
}

func (l *loader) keepEntities(entities []Entity) {
	var names []string
	for _, e := range entities {
		if _, described := l.catalog.byRef[e.Ref]; described {
			continue
		}
		l.put(e, nil)
		names = append(names, e.Ref)
	}
	if len(names) > 0 {
		l.Warn("", 0, "%s kept as last read, because the files that describe them cannot be read: %s", count(len(names), "entity is", "entities are"), listed(names))
	}
}

// keepPeople adds the people of rows that are refused now, and of files of which nobody knows whose the refused rows
// are. Who has other rows in the file keeps the memberships that are missing from them, and a login that is somebody
// else's now is not taken back.
func (p *peopleReader) keepPeople(recalled Recalled) {
	kept := map[string]bool{}
	var names []string
	for _, known := range recalled.People {
		if !p.refused[known.ID] && (p.csvSeen[known.ID] || !slices.ContainsFunc(known.Memberships, p.untold)) {
			continue
		}
		person := p.person(known.ID)
		addMemberships(person, known.Memberships, membershipKeys(person.Memberships))
		person.Name = orWord(person.Name, known.Name)
		p.csvSeen[known.ID] = true
		kept[known.ID] = true
		names = append(names, known.ID)
	}
	if len(names) == 0 {
		return
	}
	p.keepLogins(kept, recalled)
	p.l.Warn("", 0, "%s kept as last read, because their rows cannot be read: %s", count(len(names), "person is", "people are"), listed(names))
}

// untold reports whether a membership may be that of a refused row: nobody can say whose its file's refused rows are.
func (p *peopleReader) untold(m Membership) bool {
	return !p.told[m.Source[:max(strings.LastIndexByte(m.Source, ':'), 0)]]
}

func (p *peopleReader) keepLogins(kept map[string]bool, recalled Recalled) {
	claimed := map[[2]string]bool{}
	for _, c := range p.claims {
		claimed[[2]string{c.Provider, c.Login}] = true
	}
	for _, i := range recalled.Identities {
		switch {
		case !kept[i.Person] || claimed[[2]string{i.Provider, i.Login}]:
		case i.Provider == "" && strings.Contains(i.Login, "@"):
			p.addEmail(p.person(i.Person), i.Login)
		default:
			p.claims = append(p.claims, loginClaim{Identity: i, file: "the catalog as last read"})
		}
	}
}

func count(n int, one, many string) string {
	return strconv.Itoa(n) + " " + plural(n, one, many)
}

// listed names the first few.
func listed(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
}
