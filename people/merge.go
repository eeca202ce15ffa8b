package people

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/files"
)

// Report says how the records of people became people.
type Report struct {
	Merged    []Merge     // records that are another's, and why
	Ambiguous []Ambiguous // what could not be distinguished, or may be one and is not known to be
}

// Merge is a record of a person that was added to another's.
type Merge struct {
	Person string // the id that stays
	Record string // the id that was added
	Why    string // the evidence: "the same e-mail address alice@acme.example"
}

// Ambiguous is an identity that the records do not decide.
type Ambiguous struct {
	What   string   // "login x", "name Alice Smith"
	People []string // whom it is about, by id
	Why    string   // and what would resolve it
}

// emailClaim is a record's word that an address is a person's.
type emailClaim struct{ person, email string }

// merger finds out which records are one person: by rules, and else by strong evidence only. Names prove nothing.
type merger struct {
	p         *Records
	rules     ruleSet
	into      map[string]string   // record → record that it was added to; a record that is its own root is not in it
	pinned    map[string]bool     // ids that a rule gives
	apartBy   map[string][]int    // rules under `different` by the record, or what it was added to, that they name
	ranks     map[string]int      // records in the order in which they were read: files before Backstage
	claimants map[[2]string][]int // claims by provider and login
	holders   map[string][]string // records by address
	report    Report
}

func newMerger(p *Records) *merger {
	rules := p.rules
	m := &merger{p: p, rules: rules, into: map[string]string{}, pinned: map[string]bool{}, apartBy: map[string][]int{},
		ranks: map[string]int{}, claimants: map[[2]string][]int{}, holders: map[string][]string{}}
	for i, d := range rules.Different {
		for _, id := range d.People {
			m.apartBy[id] = append(m.apartBy[id], i)
		}
	}
	for i, id := range p.order {
		m.ranks[id] = i
	}
	for i, c := range p.claims {
		key := [2]string{c.Provider, c.Login}
		m.claimants[key] = append(m.claimants[key], i)
	}
	for _, e := range p.emails {
		m.holders[e.email] = append(m.holders[e.email], e.person)
	}
	return m
}

// merge makes one person of records that are one, after all are read.
func (p *Records) merge() {
	m := newMerger(p)
	for _, rule := range p.rules.Same {
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

// root returns the record that a record was added to in the end, and shortens the way there.
func (m *merger) root(id string) string {
	top := id
	for m.into[top] != "" {
		top = m.into[top]
	}
	for id != top {
		id, m.into[id] = m.into[id], top
	}
	return top
}

// unite makes one person of two records. It refuses, and says so, where a rule says that they are two.
func (m *merger) unite(a, b, why string) bool {
	a, b = m.root(a), m.root(b)
	if a == b {
		return true
	}
	if m.pinned[b] && !m.pinned[a] || m.pinned[a] == m.pinned[b] && m.ranks[b] < m.ranks[a] {
		a, b = b, a
	}
	if m.apart(a, b) {
		m.report.Ambiguous = append(
			m.report.Ambiguous,
			Ambiguous{What: why, People: []string{a, b}, Why: "a rule under `different` keeps them apart"},
		)
		return false
	}
	m.into[b] = a
	if rules := m.apartBy[b]; len(rules) > 0 {
		m.apartBy[a] = append(m.apartBy[a], rules...)
	}
	m.report.Merged = append(m.report.Merged, Merge{Person: a, Record: b, Why: why})
	return true
}

// apart reports whether uniting two roots would unite people of whom a rule says that they are different.
func (m *merger) apart(a, b string) bool {
	of, others := m.apartBy[a], m.apartBy[b]
	if len(of) > len(others) {
		of, others = others, of
	}
	if len(of) == 0 {
		return false
	}
	named := make(map[int]bool, len(of))
	for _, rule := range of {
		named[rule] = true
	}
	return slices.ContainsFunc(others, func(rule int) bool { return named[rule] })
}

// same obeys a rule: everything that it names is one person.
func (m *merger) same(rule sameRule) {
	var ids []string
	added := map[string]bool{"": true}
	add := func(id string) {
		if !added[id] {
			added[id] = true
			ids = append(ids, id)
		}
	}
	for _, id := range rule.People {
		if m.p.people[id] == nil {
			m.p.files.Warn(m.rules.file, rule.line, "nobody is called %s; the rule does without", id)
			continue
		}
		add(id)
	}
	for _, i := range rule.identities {
		for _, c := range m.claimants[[2]string{i.Provider, i.Login}] {
			add(m.p.claims[c].Person)
		}
	}
	for _, email := range rule.Emails {
		for _, id := range m.holders[email] {
			add(id)
		}
	}
	position := files.Position(m.rules.file, rule.line)
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(m.ranks[a], m.ranks[b]) })
	target := rule.Person
	switch {
	case target == "" && len(ids) == 0:
		m.p.files.Warn(m.rules.file, rule.line, "nobody has any of what the rule names; give the person an id with "+
			"person: to make one of it")
		return
	case target == "":
		target = ids[0]
	case m.p.people[target] == nil:
		m.ranks[target] = len(m.p.order)
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
			m.p.files.Fail(m.rules.file, rule.line, "%s and %s are one person here and different people under `different`; "+
				"remove one of the two rules", target, id)
		}
	}
	for _, email := range rule.Emails {
		m.p.emails = append(m.p.emails, emailClaim{target, email})
		m.holders[email] = append(m.holders[email], target)
	}
}

// byEmail unites records with the same address. It takes them by their content and not in the order in which they were
// read, because where a rule keeps some of them apart, the first two to meet become one.
func (m *merger) byEmail() {
	first, shared := map[string]string{}, m.sharedEmails()
	least := map[string]string{} // of those who have an address
	for _, e := range m.p.emails {
		if known, ok := least[e.email]; !ok || e.person < known {
			least[e.email] = e.person
		}
	}
	claims := slices.Clone(m.p.emails)
	slices.SortFunc(claims, func(a, b emailClaim) int {
		return cmp.Or(
			cmp.Compare(least[a.email], least[b.email]),
			cmp.Compare(a.email, b.email),
			cmp.Compare(a.person, b.person),
		)
	})
	for _, e := range claims {
		if shared[e.email] {
			continue
		}
		if known, ok := first[e.email]; ok {
			m.unite(known, e.person, "the same e-mail address "+e.email)
			continue
		}
		first[e.email] = e.person
	}
}

func (m *merger) sharedEmails() map[string]bool {
	shared := make(map[string]bool, len(m.rules.SharedEmails))
	for _, email := range m.rules.SharedEmails {
		shared[email] = true
	}
	return shared
}

// byLogin unites records with the same login at the same provider, where the directory vouches for it. Two rows of
// files prove nothing: a login in the wrong row is the likelier reason. Nor does one that the directory gives to two
// people.
func (m *merger) byLogin() {
	type account struct{ provider, login string }
	verified := map[account]string{}
	for _, c := range m.p.claims {
		if !c.verified || c.Person == "" {
			continue
		}
		owner := account{c.Provider, c.Login}
		if other, ok := verified[owner]; ok && m.root(other) != m.root(c.Person) {
			verified[owner] = ""
			continue
		}
		verified[owner] = c.Person
	}
	claims := slices.Clone(m.p.claims)
	slices.SortFunc(claims, func(a, b loginClaim) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Login, b.Login), cmp.Compare(a.Person, b.Person))
	})
	for _, c := range claims {
		if owner := verified[account{c.Provider, c.Login}]; owner != "" && c.Person != "" && !c.verified {
			m.unite(c.Person, owner, "the same login "+shownLogin([2]string{c.Provider, c.Login})+", which the directory "+
				"vouches for")
		}
	}
}

// fold adds what is known of each record to the person that it is. The memberships of files count before those of
// Backstage, because only those have dates.
func (m *merger) fold() {
	kept := m.p.order[:0:0]
	memberships := map[string]map[membershipKey]bool{} // of roots
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
		case m.p.stubs[root] || (m.p.fromCSV[id] && !m.p.fromCSV[root]):
			person.Memberships = record.Memberships
			m.p.stubs[root] = false
			delete(memberships, root)
		case m.p.fromCSV[root] && !m.p.fromCSV[id]:
		default:
			if memberships[root] == nil {
				memberships[root] = membershipKeys(person.Memberships)
			}
			addMemberships(person, record.Memberships, memberships[root])
		}
		m.p.fromCSV[root] = m.p.fromCSV[root] || m.p.fromCSV[id]
		delete(m.p.people, id)
	}
	m.p.order = kept
}

// membershipKeys returns what tells the memberships of one person apart.
func membershipKeys(all []Membership) map[membershipKey]bool {
	keys := make(map[membershipKey]bool, len(all))
	for _, m := range all {
		keys[membershipKey{team: m.Team, start: m.StartedOn.Unix()}] = true
	}
	return keys
}

// addMemberships adds those that a person does not have; have are the keys of those that the person has.
func addMemberships(person *Person, more []Membership, have map[membershipKey]bool) {
	for _, m := range more {
		key := membershipKey{team: m.Team, start: m.StartedOn.Unix()}
		if have[key] {
			person.ended(m)
			continue
		}
		have[key] = true
		person.Memberships = append(person.Memberships, m)
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
		m.report.Ambiguous = append(
			m.report.Ambiguous,
			Ambiguous{What: fmt.Sprintf("name %s", m.p.people[ids[0]].Name), People: ids,
				Why: "the same name proves nothing; name them under `same` or `different` in people.rules"},
		)
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
