package people

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/files"
)

// Keep adds the people of rows that are refused now, and of files with refused rows that do not name their person. A
// person with other rows in the file keeps the memberships that are missing from them. A login that is claimed by
// somebody else now is not taken back.
func (p *Records) Keep(recalled Recalled) {
	kept := map[string]bool{}
	var names []string
	for _, known := range recalled.People {
		if !p.refused[known.ID] && (p.fromCSV[known.ID] || !slices.ContainsFunc(known.Memberships, p.untold)) {
			continue
		}
		person := p.person(known.ID)
		addMemberships(person, known.Memberships, membershipKeys(person.Memberships))
		person.Name = cmp.Or(person.Name, known.Name)
		p.fromCSV[known.ID] = true
		kept[known.ID] = true
		names = append(names, known.ID)
	}
	if len(names) == 0 {
		return
	}
	p.keepLogins(kept, recalled)
	p.files.Warn("", 0, "%s kept as last read, because their rows cannot be read: %s",
		files.Count(len(names), "person is", "people are"), files.Listed(names))
}

// untold reports whether a membership may be that of a refused row: not all refused rows of its file name their person.
func (p *Records) untold(m Membership) bool {
	return !p.told[m.Source[:max(strings.LastIndexByte(m.Source, ':'), 0)]]
}

func (p *Records) keepLogins(kept map[string]bool, recalled Recalled) {
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
