package people

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/files"
)

// Records are the records of people as they are read: from CSV files, from Backstage's Users, and from what the store
// last held of files that cannot be read now. They become people in Resolve.
type Records struct {
	files    *files.Reader
	teamName func(name string) (string, bool)
	rules    ruleSet

	people  map[string]*Person
	order   []string // ids, in the order in which they were read
	claims  []loginClaim
	emails  []emailClaim
	members map[membershipKey]string // where each membership was read
	teams   map[string]string        // spelling of a team by its lower-case form
	fromCSV map[string]bool          // people with a membership in a CSV file
	stubs   map[string]bool          // people whom only a rule names
	silent  []loginClaim             // people without a login, to whom nothing can be attributed
	noStart []files.Warning          // rows whose start is a day such as 1900-01-01

	read    map[string]bool // CSV files
	refused map[string]bool // people with a row that cannot be read
	told    map[string]bool // files whose rows that cannot be read all name their person

	report     Report
	identities []Identity
}

// Read reads the files that cfg names. r finds and reads them, and collects what is wrong with them. teamName returns
// the catalog's spelling of a team; ok is false if it has no such group.
func Read(cfg Config, r *files.Reader, teamName func(name string) (spelling string, ok bool)) *Records {
	p := newRecords(r, teamName)
	for _, pattern := range cfg.Files {
		for _, file := range r.Match(pattern, "people.files") {
			p.readFile(file)
		}
	}
	p.rules = p.readRules(cfg.Rules)
	return p
}

func newRecords(r *files.Reader, teamName func(name string) (spelling string, ok bool)) *Records {
	return &Records{
		files: r, teamName: teamName,
		people: map[string]*Person{}, members: map[membershipKey]string{}, teams: map[string]string{},
		fromCSV: map[string]bool{}, stubs: map[string]bool{},
		read: map[string]bool{}, refused: map[string]bool{}, told: map[string]bool{},
	}
}

func (p *Records) person(id string) *Person {
	id = strings.ToLower(id)
	if known, ok := p.people[id]; ok {
		return known
	}
	p.people[id] = &Person{ID: id}
	p.order = append(p.order, id)
	return p.people[id]
}

// team gives a team one spelling: that of the group in the catalog, else the first one that was read.
func (p *Records) team(name string) string {
	name = strings.TrimSpace(name)
	if spelling, ok := p.teamName(name); ok {
		return spelling
	}
	key := strings.ToLower(name)
	if _, ok := p.teams[key]; !ok {
		p.teams[key] = name
	}
	return p.teams[key]
}

// Resolve adds Backstage's users, makes one person of the records that are one, and settles whose login is whose. It
// may be called once.
func (p *Records) Resolve(users []User) *Directory {
	for _, u := range users {
		p.addUser(u)
	}
	p.merge()
	people := make([]Person, 0, len(p.order))
	for _, id := range p.order {
		person := p.people[id]
		sortMemberships(person.Memberships)
		people = append(people, *person)
	}
	slices.SortFunc(people, func(a, b Person) int { return cmp.Compare(a.ID, b.ID) })
	p.settleLogins()
	p.warnSilent()
	if n := len(p.noStart); n > 0 {
		first := p.noStart[0]
		p.files.Warn(first.File, first.Line, "start_date %s stands for a date that is not known; %s read as not known",
			first.Message, files.Count(n, "start is", "starts are"))
	}
	return &Directory{people: people, identities: p.identities, report: p.report, bots: p.rules.Bots.patterns}
}

// User is a User of Backstage. Whatever the letters of its names and logins, people compare them in lower case.
type User struct {
	ID          string // the short form of its ref
	Login       string // its name, which is a login unless Logins or a CSV file has a better one
	DisplayName string
	Email       string
	Teams       []string   // refs of its groups, sorted, each once
	Logins      []Identity // Provider and Login, from annotations
	File        string
	Line        int
}

// addUser adds a user with its teams. A person who is in a CSV file keeps the memberships of the file, because only
// those have dates.
func (p *Records) addUser(u User) {
	person := p.person(u.ID)
	person.Name = cmp.Or(person.Name, u.DisplayName)
	p.addEmail(person, u.Email)
	p.addUserLogins(u, person)
	if p.fromCSV[person.ID] {
		return
	}
	position := files.Position(u.File, u.Line)
	for _, group := range u.Teams {
		person.Memberships = append(person.Memberships, Membership{Team: p.team(group), Source: position})
	}
	if len(person.Memberships) == 0 {
		person.Memberships = []Membership{{Source: position}}
	}
}

// addUserLogins adds the logins of a user. Backstage's importers name a User by its login, so the name is one unless
// the descriptor or a CSV file has a better one.
func (p *Records) addUserLogins(u User, person *Person) {
	for _, l := range u.Logins {
		i := Identity{Provider: l.Provider, Login: strings.ToLower(l.Login), Person: person.ID}
		p.claims = append(p.claims, loginClaim{i, u.File, u.Line, true})
	}
	if len(u.Logins) == 0 && !p.fromCSV[person.ID] {
		i := Identity{Login: strings.ToLower(u.Login), Person: person.ID}
		p.claims = append(p.claims, loginClaim{i, u.File, u.Line, false})
	}
}

func (p *Records) addEmail(person *Person, email string) {
	if email = strings.ToLower(strings.TrimSpace(email)); email != "" {
		person.Email = cmp.Or(person.Email, email)
		p.emails = append(p.emails, emailClaim{person.ID, email})
	}
}

// warnSilent reports once how many people have no logins, so that nothing can be attributed to them.
func (p *Records) warnSilent() {
	claimed := map[string]bool{}
	for _, c := range p.claims {
		claimed[c.Person] = claimed[c.Person] || c.file != "" // an address is a login in few sources
	}
	var silent []loginClaim
	for _, s := range p.silent {
		if !claimed[s.Person] {
			claimed[s.Person] = true
			silent = append(silent, s)
		}
	}
	if len(silent) == 0 {
		return
	}
	p.files.Warn(silent[0].file, silent[0].line, "%d of the people have no logins (the first is %s); "+
		"nothing that they do can be attributed to them", len(silent), silent[0].Person)
}
