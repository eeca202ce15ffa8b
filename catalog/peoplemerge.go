package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// PeopleReport says how the records of people became people.
type PeopleReport struct {
	Merged  []Merge   // records that are another's, and why
	Unclear []Unclear // what could not be told apart, or may be one and is not known to be
}

// Merge is a record of a person that was added to another's.
type Merge struct {
	Person string // the id that stays
	Record string // the id that was added
	Why    string // the evidence: "the same e-mail address alice@acme.example"
}

// Unclear is something that the records do not say.
type Unclear struct {
	What   string   // "login x", "name Alice Smith"
	People []string // whom it is about, by id
	Why    string   // and what would settle it
}

// emailClaim is a record's word that an address is a person's.
type emailClaim struct{ person, email string }

// merger finds out which records are one person: by rules, and else by strong evidence only. Names prove nothing.
type merger struct {
	p         *peopleReader
	rules     peopleRules
	into      map[string]string // record → record that it was added to; a record that is its own root is not in it
	pinned    map[string]bool   // ids that a rule gives
	different [][]string
	report    PeopleReport
}

// merge makes one person of records that are one, after all are read.
func (p *peopleReader) merge(rules peopleRules) {
	m := &merger{p: p, rules: rules, into: map[string]string{}, pinned: map[string]bool{}}
	for _, d := range rules.Different {
		m.different = append(m.different, d.People)
	}
	for _, rule := range rules.Same {
		m.same(rule)
	}
	m.byEmail()
	m.byLogin()
	m.fold()
	for i := range p.claims {
		p.claims[i].Person = m.root(p.claims[i].Person)
	}
	for i := range p.silent {
		p.silent[i].Person = m.root(p.silent[i].Person)
	}
	for i := range p.emails {
		p.emails[i].person = m.root(p.emails[i].person)
	}
	m.obeyLogins()
	m.claimEmails()
	m.namesakes()
	p.report = m.report
}

func (m *merger) root(id string) string {
	for m.into[id] != "" {
		id = m.into[id]
	}
	return id
}

// rank orders records by when they were read: files before Backstage, so that the id of the file stays.
func (m *merger) rank(id string) int { return slices.Index(m.p.order, id) }

// unite makes one person of two records. It refuses, and says so, where a rule says that they are two.
func (m *merger) unite(a, b, why string) bool {
	a, b = m.root(a), m.root(b)
	if a == b {
		return true
	}
	if m.pinned[b] && !m.pinned[a] {
		a, b = b, a
	}
	if m.apart(a, b) {
		m.report.Unclear = append(m.report.Unclear, Unclear{What: why, People: []string{a, b}, Why: "a rule under `different` keeps them apart"})
		return false
	}
	m.into[b] = a
	m.report.Merged = append(m.report.Merged, Merge{Person: a, Record: b, Why: why})
	return true
}

// apart reports whether uniting the two would unite people of whom a rule says that they are different.
func (m *merger) apart(a, b string) bool {
	for _, people := range m.different {
		var ofA, ofB bool
		for _, id := range people {
			ofA, ofB = ofA || m.root(id) == a, ofB || m.root(id) == b
		}
		if ofA && ofB {
			return true
		}
	}
	return false
}

// same obeys a rule: everything that it names is one person.
func (m *merger) same(rule sameRule) {
	var ids []string
	add := func(id string) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, id := range rule.People {
		if m.p.people[id] == nil {
			m.p.l.warn(m.rules.file, rule.line, "nobody is called %s; the rule does without", id)
			continue
		}
		add(id)
	}
	for _, c := range m.p.claims {
		if slices.ContainsFunc(rule.identities, func(i Identity) bool { return i.Provider == c.Provider && i.Login == c.Login }) {
			add(c.Person)
		}
	}
	for _, e := range m.p.emails {
		if slices.Contains(rule.Emails, e.email) {
			add(e.person)
		}
	}
	position := Warning{File: m.rules.file, Line: rule.line}.position()
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(m.rank(a), m.rank(b)) })
	target := rule.Person
	switch {
	case target == "" && len(ids) == 0:
		m.p.l.warn(m.rules.file, rule.line, "nobody has any of what the rule names; give the person an id with person: to make one of it")
		return
	case target == "":
		target = ids[0]
	case m.p.people[target] == nil:
		person := m.p.person(target)
		person.Memberships = []Membership{{Source: position}}
		m.p.stubs[target] = true
	}
	m.pinned[target] = rule.Person != ""
	why := "the rule at " + position
	if rule.Why != "" {
		why += ": " + rule.Why
	}
	for _, id := range ids {
		if !m.unite(target, id, why) {
			m.p.l.fail(m.rules.file, rule.line, "%s and %s are one person here and different people under `different`; remove one of the two rules", target, id)
		}
	}
	for _, email := range rule.Emails {
		m.p.emails = append(m.p.emails, emailClaim{target, email})
	}
}

// byEmail unites records with the same address.
func (m *merger) byEmail() {
	first := map[string]string{}
	for _, e := range m.p.emails {
		if slices.Contains(m.rules.SharedEmails, e.email) {
			continue
		}
		if known, ok := first[e.email]; ok {
			m.unite(known, e.person, "the same e-mail address "+e.email)
			continue
		}
		first[e.email] = e.person
	}
}

// byLogin unites records with the same login at the same provider, where the directory vouches for it. Two rows of files
// prove nothing: a login in the wrong row is the likelier reason.
func (m *merger) byLogin() {
	type account struct{ provider, login string }
	verified := map[account]string{}
	for _, c := range m.p.claims {
		if c.verified && c.Person != "" {
			verified[account{c.Provider, c.Login}] = c.Person
		}
	}
	for _, c := range m.p.claims {
		if owner, ok := verified[account{c.Provider, c.Login}]; ok && c.Person != "" && !c.verified {
			m.unite(c.Person, owner, "the same login "+shownLogin([2]string{c.Provider, c.Login})+", which the directory vouches for")
		}
	}
}

// fold adds what is known of each record to the person that it is. The memberships of files count before those of
// Backstage, because only those have dates.
func (m *merger) fold() {
	kept := m.p.order[:0:0]
	for _, id := range m.p.order {
		root := m.root(id)
		if root == id {
			kept = append(kept, id)
			continue
		}
		person, record := m.p.people[root], m.p.people[id]
		person.Name, person.Email = cmp.Or(person.Name, record.Name), cmp.Or(person.Email, record.Email)
		person.Records = append(person.Records, id)
		switch {
		case m.p.stubs[root] || (m.p.csvSeen[id] && !m.p.csvSeen[root]):
			person.Memberships = record.Memberships
			m.p.stubs[root] = false
		case m.p.csvSeen[root] && !m.p.csvSeen[id]:
		default:
			for _, membership := range record.Memberships {
				if !slices.ContainsFunc(person.Memberships, func(k Membership) bool {
					return k.Team == membership.Team && k.StartedOn.Equal(membership.StartedOn)
				}) {
					person.Memberships = append(person.Memberships, membership)
				}
			}
		}
		m.p.csvSeen[root] = m.p.csvSeen[root] || m.p.csvSeen[id]
		delete(m.p.people, id)
	}
	m.p.order = kept
}

// obeyLogins gives the logins that rules name to whom the rules say, whatever else is written elsewhere.
func (m *merger) obeyLogins() {
	obey := func(i Identity, line int) {
		m.p.claims = slices.DeleteFunc(m.p.claims, func(c loginClaim) bool { return c.Provider == i.Provider && c.Login == i.Login })
		m.p.claims = append(m.p.claims, loginClaim{Identity: i, file: m.rules.file, line: line})
	}
	for _, rule := range m.rules.Same {
		person := m.root(m.personOf(rule))
		for _, i := range rule.identities {
			if i.Person = person; person != "" {
				obey(i, rule.line)
			}
		}
	}
	for _, i := range m.rules.Bots.identities {
		i.Bot = true
		obey(i, m.rules.Bots.line)
	}
}

// personOf returns the person that a rule was about, "" when it was about nobody.
func (m *merger) personOf(rule sameRule) string {
	if rule.Person != "" {
		return rule.Person
	}
	for _, id := range rule.People {
		if m.p.people[m.root(id)] != nil {
			return id
		}
	}
	for _, e := range m.p.emails {
		if slices.Contains(rule.Emails, e.email) {
			return e.person
		}
	}
	for _, c := range m.p.claims {
		if c.Person != "" && slices.ContainsFunc(rule.identities, func(i Identity) bool { return i.Provider == c.Provider && i.Login == c.Login }) {
			return c.Person
		}
	}
	return ""
}

// claimEmails makes each address of a person a login too, because some sources name who acted by address.
func (m *merger) claimEmails() {
	owners, claimed := map[string]string{}, map[string]bool{}
	for _, c := range m.p.claims {
		claimed[c.Login] = claimed[c.Login] || c.Provider == ""
	}
	for _, e := range m.p.emails {
		if person := m.p.people[e.person]; person != nil && !slices.Contains(person.Emails, e.email) {
			person.Emails = append(person.Emails, e.email)
		}
		if other, ok := owners[e.email]; ok && other != e.person {
			owners[e.email] = "" // two people's: a shared address is nobody's login
			continue
		}
		owners[e.email] = e.person
	}
	for _, e := range m.p.emails {
		if owners[e.email] != "" && !claimed[e.email] && !slices.Contains(m.rules.SharedEmails, e.email) {
			claimed[e.email] = true
			m.p.claims = append(m.p.claims, loginClaim{Identity: Identity{Login: e.email, Person: e.person}})
		}
	}
}

// namesakes reports people with the same name. They may be one or two; the name does not say.
func (m *merger) namesakes() {
	byName := map[string][]string{}
	var order []string
	for _, id := range m.p.order {
		name := strings.ToLower(strings.Join(strings.Fields(m.p.people[id].Name), " "))
		if name == "" {
			continue
		}
		if byName[name] == nil {
			order = append(order, name)
		}
		byName[name] = append(byName[name], id)
	}
	for _, name := range order {
		ids := byName[name]
		if len(ids) < 2 || m.allApart(ids) {
			continue
		}
		m.report.Unclear = append(m.report.Unclear, Unclear{What: fmt.Sprintf("name %s", m.p.people[ids[0]].Name), People: ids,
			Why: "the same name proves nothing; name them under `same` or `different` in people.rules"})
	}
}

func (m *merger) allApart(ids []string) bool {
	for i, a := range ids {
		for _, b := range ids[i+1:] {
			if !m.apart(a, b) {
				return false
			}
		}
	}
	return true
}
