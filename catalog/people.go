package catalog

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/files"
)

// PeopleConfig names the files that say who works here.
type PeopleConfig struct {
	// Files are CSV files: names or patterns, relative to the folder of the configuration. Columns: person, team,
	// start_date, logins and, where wanted, name, email, left_date, bot.
	Files []string `yaml:"files"`
	// Rules is a YAML file that says who is the same person under another name, who is not, and which accounts are
	// machines; empty: no rules.
	Rules string `yaml:"rules"`
	// ExcludeBots leaves what machine accounts did out of every metric, also of those that count events and not people.
	ExcludeBots bool `yaml:"exclude_bots"`
}

// Validate reports empty names.
func (c PeopleConfig) Validate() error { return files.ValidateNames("people.files", c.Files) }

// Person is somebody who works or worked here.
type Person struct {
	ID          string // from the column person, or a User's name; in lower case
	Name        string
	Email       string       // the first that is known
	Emails      []string     // all of them, in lower case
	Records     []string     // ids of the records that are this person's too
	Memberships []Membership // at least one, in order of their start; the first start is the person's start date
}

// StartedOn returns when the person's first known membership began; zero when that is not known.
func (p Person) StartedOn() time.Time { return p.Memberships[0].StartedOn }

// ended notes the end of a membership that the person has already: one that is known before none, and the later of two,
// whichever record was read first.
func (p *Person) ended(m Membership) {
	for i := range p.Memberships {
		have := &p.Memberships[i]
		if have.Team == m.Team && have.StartedOn.Equal(m.StartedOn) && m.LeftOn.After(have.LeftOn) {
			have.LeftOn = m.LeftOn
		}
	}
}

// Membership is a time that a person spends in a team.
type Membership struct {
	Team      string    // the group's name, or the word of the CSV where no group has that name; may be empty
	StartedOn time.Time // midnight UTC; zero: not known
	LeftOn    time.Time // midnight UTC with which the last day begins; that whole day is part of it; zero: still there
	Source    string    // "people.csv:12", "catalog/org.yaml:3"
	URL       string
}

// Covers reports whether t lies in the membership, whose first and last day count in full. A start that is not known is
// before every t.
func (m Membership) Covers(t time.Time) bool {
	return !m.StartedOn.After(t) && (m.LeftOn.IsZero() || t.Before(m.LeftOn.AddDate(0, 0, 1)))
}

// Identity says that a login is a person's.
type Identity struct {
	Provider string // "" means every provider
	Login    string // in lower case
	Person   string // Person.ID; empty for a machine account that is nobody's
	Bot      bool
}

// loginClaim is a file's word that a login is a person's.
type loginClaim struct {
	Identity
	file     string
	line     int
	verified bool // Backstage's directory says so
}

// peopleReader gathers people from CSV files and, in finish, from the catalog's users and groups.
type peopleReader struct {
	l       *loader
	people  map[string]*Person
	order   []string
	claims  []loginClaim
	read    map[string]bool
	emails  []emailClaim
	stubs   map[string]bool // people of whom only a rule knows
	report  PeopleReport
	silent  []loginClaim // people without a login, of whom nothing can be attributed
	csvSeen map[string]bool
	teams   map[string]string // spelling of a team by its lower-case form
	refused map[string]bool   // people of whom a row cannot be read
	told    map[string]bool   // files of which it is known whose the rows are that cannot be read
	members map[membershipKey]string
	noStart []files.Warning // rows whose start is a day such as 1900-01-01
}

func newPeopleReader(l *loader) *peopleReader {
	return &peopleReader{l: l, people: map[string]*Person{}, read: map[string]bool{}, csvSeen: map[string]bool{}, stubs: map[string]bool{}, teams: map[string]string{},
		refused: map[string]bool{}, told: map[string]bool{}, members: map[membershipKey]string{}}
}

func (p *peopleReader) person(id string) *Person {
	id = strings.ToLower(id)
	if known, ok := p.people[id]; ok {
		return known
	}
	p.people[id] = &Person{ID: id}
	p.order = append(p.order, id)
	return p.people[id]
}

// team gives a team one spelling: that of the group in the catalog, else the first one seen.
func (p *peopleReader) team(name string) string {
	name = strings.TrimSpace(name)
	if ref, err := ParseRef(name, "group", ""); err == nil {
		if i, ok := p.l.catalog.byRef[ref.String()]; ok {
			return Ref{Namespace: p.l.catalog.entities[i].Namespace, Name: strings.ToLower(p.l.catalog.entities[i].Name)}.Short()
		}
		if ref.Kind == "group" && strings.Contains(name, ":") {
			return ref.Short()
		}
	}
	key := strings.ToLower(name)
	if _, ok := p.teams[key]; !ok {
		p.teams[key] = name
	}
	return p.teams[key]
}

// finish adds the catalog's users, makes one person of records that are one, settles whose login is whose, and stores the
// result in the catalog.
func (p *peopleReader) finish(rules peopleRules) {
	p.addUsers()
	p.merge(rules)
	for _, id := range p.order {
		person := p.people[id]
		sortMemberships(person.Memberships)
		p.l.catalog.people = append(p.l.catalog.people, *person)
	}
	slices.SortFunc(p.l.catalog.people, func(a, b Person) int { return cmp.Compare(a.ID, b.ID) })
	p.settleLogins()
	p.warnSilent()
	if n := len(p.noStart); n > 0 {
		p.l.Warn(p.noStart[0].File, p.noStart[0].Line, "start_date %s stands for a date that is not known; %s read as not known", p.noStart[0].Message, count(n, "start is", "starts are"))
	}
	p.l.catalog.report = p.report
	p.l.catalog.bots = rules.Bots.patterns
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// userLogins are the annotations of a User that name a login.
var userLogins = []struct{ annotation, provider string }{
	{"github.com/user-login", "github"},
	{"gitlab.com/user-login", "gitlab"},
	{"circleci.com/user-login", "circleci"},
	{"jenkins.io/user-login", "jenkins"},
}

// addUsers adds Backstage's users with the teams that they or a group name. A person who is in a CSV file keeps the
// memberships that it gives, because only those have dates.
func (p *peopleReader) addUsers() {
	teams := map[string][]string{} // user ref → group refs
	for _, e := range p.l.catalog.entities {
		if e.Kind == "Group" {
			for _, member := range e.Members {
				teams[member] = append(teams[member], e.Ref)
			}
		}
	}
	for _, e := range p.l.catalog.entities {
		if e.Kind != "User" {
			continue
		}
		person := p.person(Ref{Namespace: e.Namespace, Name: strings.ToLower(e.Name)}.Short())
		person.Name = cmp.Or(person.Name, e.Profile.DisplayName, e.Title)
		p.addEmail(person, e.Profile.Email)
		p.addUserLogins(e, person)
		if p.csvSeen[person.ID] {
			continue
		}
		groups := append(slices.Clone(e.MemberOf), teams[e.Ref]...)
		slices.Sort(groups)
		for _, group := range slices.Compact(groups) {
			person.Memberships = append(person.Memberships, Membership{Team: p.team(group), Source: files.Position(e.File, e.Line)})
		}
		if len(person.Memberships) == 0 {
			person.Memberships = []Membership{{Source: files.Position(e.File, e.Line)}}
		}
	}
}

func (p *peopleReader) addEmail(person *Person, email string) {
	if email = strings.ToLower(strings.TrimSpace(email)); email != "" {
		person.Email = cmp.Or(person.Email, email)
		p.emails = append(p.emails, emailClaim{person.ID, email})
	}
}

func (p *peopleReader) addUserLogins(e Entity, person *Person) {
	found := false
	for _, u := range userLogins {
		if login := strings.TrimSpace(e.Annotations[u.annotation]); login != "" {
			found = true
			p.claims = append(p.claims, loginClaim{Identity{Provider: u.provider, Login: strings.ToLower(login), Person: person.ID}, e.File, e.Line, true})
		}
	}
	// Backstage's importers name a User by its login, so the name is one unless the descriptor or a CSV file says better.
	if !found && !p.csvSeen[person.ID] {
		p.claims = append(p.claims, loginClaim{Identity{Login: strings.ToLower(e.Name), Person: person.ID}, e.File, e.Line, false})
	}
}

func (p *peopleReader) settleLogins() {
	byLogin := map[[2]string][]loginClaim{}
	var order [][2]string
	for _, c := range p.claims {
		key := [2]string{c.Provider, c.Login}
		if byLogin[key] == nil {
			order = append(order, key)
		}
		byLogin[key] = append(byLogin[key], c)
	}
	for _, key := range order {
		claims := byLogin[key]
		first := claims[0]
		i := slices.IndexFunc(claims, func(c loginClaim) bool { return c.Person != first.Person })
		if i < 0 {
			for _, c := range claims {
				first.Bot = first.Bot || c.Bot
			}
			p.l.catalog.identities = append(p.l.catalog.identities, first.Identity)
			continue
		}
		other := claims[i]
		p.report.Unclear = append(p.report.Unclear, Unclear{What: "login " + shownLogin(key), People: []string{owner(first), owner(other)},
			Why: "both claim it, so it is attributed to neither; correct the record, or give it to one under `same` in people.rules"})
		p.l.Warn(other.file, other.line, "login %s is claimed by %s (%s:%d) and by %s; it is attributed to neither. Remove it from the one whose it is not, "+
			"or write it for one provider only, like github:%s", shownLogin(key), owner(first), first.file, first.line, owner(other), key[1])
	}
	slices.SortFunc(p.l.catalog.identities, func(a, b Identity) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Login, b.Login))
	})
}

func owner(c loginClaim) string {
	if c.Person == "" {
		return "a machine account"
	}
	return c.Person
}

func shownLogin(key [2]string) string {
	if key[0] == "" {
		return key[1]
	}
	return key[0] + ":" + key[1]
}

// warnSilent says once how many people nothing can be attributed to.
func (p *peopleReader) warnSilent() {
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
	p.l.Warn(silent[0].file, silent[0].line, "%d of the people have no logins (the first is %s); nothing that they do can be attributed to them", len(silent), silent[0].Person)
}
