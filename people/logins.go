package people

import (
	"slices"
)

// loginClaim is the statement of a record, a User or a rule that a login is a person's.
type loginClaim struct {
	Identity
	file     string
	line     int
	verified bool // it comes from Backstage's directory
}

// settleLogins attributes each login to the one person who claims it, and to nobody if several do.
func (p *Records) settleLogins() {
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
			p.identities = append(p.identities, first.Identity)
			continue
		}
		other := claims[i]
		p.report.Ambiguous = append(p.report.Ambiguous, Ambiguous{
			What: "login " + shownLogin(key), People: []string{owner(first), owner(other)},
			Why: "both claim it, so it is attributed to neither; " +
				"correct the record, or give it to one under `same` in people.rules",
		})
		p.files.Warn(other.file, other.line, "login %s is claimed by %s (%s:%d) and by %s; it is attributed to neither. "+
			"Remove it from the one whose it is not, "+
			"or write it for one provider only, like github:%s",
			shownLogin(key), owner(first), first.file, first.line, owner(other), key[1])
	}
	sortIdentities(p.identities)
}

func owner(c loginClaim) string {
	if c.Person == "" {
		return "a bot account"
	}
	return c.Person
}

func shownLogin(key [2]string) string {
	if key[0] == "" {
		return key[1]
	}
	return key[0] + ":" + key[1]
}

// obeyLogins gives the logins that rules name to whom the rules say, whatever else is written elsewhere. Of two rules
// about one login the later one counts.
func (m *merger) obeyLogins() {
	obeyed := map[[2]string]loginClaim{}
	var order [][2]string
	obey := func(i Identity, line int) {
		key := [2]string{i.Provider, i.Login}
		if _, again := obeyed[key]; !again {
			order = append(order, key)
		}
		obeyed[key] = loginClaim{Identity: i, file: m.rules.file, line: line}
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
	m.p.claims = slices.DeleteFunc(m.p.claims, func(c loginClaim) bool {
		_, ruled := obeyed[[2]string{c.Provider, c.Login}]
		return ruled
	})
	for _, key := range order {
		m.p.claims = append(m.p.claims, obeyed[key])
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
	for _, email := range rule.Emails {
		if holders := m.holders[email]; len(holders) > 0 {
			return holders[0]
		}
	}
	for _, i := range rule.identities {
		for _, c := range m.claimants[[2]string{i.Provider, i.Login}] {
			if person := m.p.claims[c].Person; person != "" {
				return person
			}
		}
	}
	return ""
}

// claimEmails makes each address of a person a login too, because some sources name who acted by address.
func (m *merger) claimEmails() {
	owners, claimed, shared := map[string]string{}, map[string]bool{}, m.sharedEmails()
	known := map[emailClaim]bool{}
	for _, c := range m.p.claims {
		claimed[c.Login] = claimed[c.Login] || c.Provider == ""
	}
	for _, e := range m.p.emails {
		if person := m.p.people[e.person]; person != nil && !known[e] {
			known[e] = true
			person.Emails = append(person.Emails, e.email)
		}
		if other, ok := owners[e.email]; ok && other != e.person {
			owners[e.email] = "" // two people's: a shared address is nobody's login
			continue
		}
		owners[e.email] = e.person
	}
	for _, e := range m.p.emails {
		if owners[e.email] != "" && !claimed[e.email] && !shared[e.email] {
			claimed[e.email] = true
			m.p.claims = append(m.p.claims, loginClaim{Identity: Identity{Login: e.email, Person: e.person}})
		}
	}
}
