package intake

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
)

// Population is who could answer a survey, by the people and the teams of the catalog on its last day.
type Population struct {
	members map[string]member // by e-mail address, in lower case
	teams   map[string]string // folded name or title → name
	parents map[string]string // team → parent
	invited []surveys.GroupSize
	size    int // people in the population
	known   int // people on record
	filter  surveys.Population
}

// member is a person on record.
type member struct {
	id      string
	groups  surveys.Groups
	invited bool // in the population
}

// NewPopulation applies the filter of a survey to the people of the catalog. Its error names teams and people of the
// filter that do not exist.
func NewPopulation(cat *catalog.Catalog, s surveys.Survey) (*Population, error) {
	p := &Population{members: map[string]member{}, teams: map[string]string{}, parents: map[string]string{},
		filter: s.Population}
	golden := map[string]surveys.GoldenWord{}
	p.addGroups(cat)
	people := cat.People().All()
	for _, person := range people {
		for _, m := range person.Memberships {
			if m.Team != "" && p.teams[form.Fold(m.Team)] == "" {
				p.teams[form.Fold(m.Team)] = m.Team
			}
		}
	}
	for team := range p.parents { // only the way up to the top: a circle has none
		if p.circular(team) {
			delete(p.parents, team)
		}
	}
	if err := p.checkFilter(s.Population, people); err != nil {
		return nil, err
	}
	sizes := map[surveys.Groups]int{}
	last := s.Closes.AddDate(0, 0, -1)
	for _, person := range people {
		team, works := teamAt(person, last)
		if name := p.teams[form.Fold(team)]; name != "" {
			team = name
		}
		if _, there := golden[team]; !there {
			golden[team] = goldenPath(cat, s.GoldenPath.Tag, team)
		}
		m := member{
			id: person.ID,
			groups: surveys.Groups{
				Team: team, Tenure: surveys.TenureAt(person.StartedOn(), dayOf(last)), GoldenPath: golden[team],
			},
			invited: works && p.in(person, team),
		}
		if m.invited {
			sizes[m.groups]++
			p.size++
		}
		for _, address := range person.Emails {
			p.members[strings.ToLower(address)] = m
		}
	}
	p.known = len(people)
	for groups, n := range sizes {
		p.invited = append(p.invited, surveys.GroupSize{Groups: groups, People: n})
	}
	slices.SortFunc(p.invited, func(x, y surveys.GroupSize) int { return x.Groups.Compare(y.Groups) })
	return p, nil
}

// addGroups adds the groups of the catalog and the way in which they contain each other.
func (p *Population) addGroups(cat *catalog.Catalog) {
	names := map[string]string{} // of refs
	for _, e := range cat.Entities() {
		if e.Kind == "Group" {
			names[e.Ref] = teamName(e.Ref)
		}
	}
	for _, e := range cat.Entities() {
		name := names[e.Ref]
		if name == "" {
			continue
		}
		p.teams[form.Fold(name)] = name
		if e.Title != "" && p.teams[form.Fold(e.Title)] == "" {
			p.teams[form.Fold(e.Title)] = name
		}
		if parent := names[e.PartOf]; parent != "" {
			p.parents[name] = parent
		}
		for _, child := range e.Children {
			if names[child] != "" {
				p.parents[names[child]] = name
			}
		}
	}
}

// dayOf returns midnight UTC of a day, as people's dates are written.
func dayOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func teamName(ref string) string {
	parsed, err := identifier.ParseRef(ref, "group", "")
	if err != nil {
		return ref
	}
	return parsed.Short()
}

// teamAt returns the team of a person on a day, the one that they joined last, and whether they work here then.
func teamAt(person people.Person, day time.Time) (team string, works bool) {
	for _, m := range person.Memberships {
		if m.Covers(dayOf(day)) {
			team, works = m.Team, true
		}
	}
	return team, works
}

// goldenPath returns whether at least half of the services of a team have a tag.
func goldenPath(cat *catalog.Catalog, tag, team string) surveys.GoldenWord {
	if tag == "" || team == "" {
		return ""
	}
	services, tagged := 0, 0
	for _, ref := range cat.OwnedBy(team) {
		if e, ok := cat.Entity(ref); ok {
			services++
			if slices.Contains(e.Tags, tag) {
				tagged++
			}
		}
	}
	switch {
	case services == 0:
		return ""
	case 2*tagged >= services:
		return surveys.OnGoldenPath
	}
	return surveys.OffGoldenPath
}

// circular reports whether the way up from a team comes back to a team that was on it.
func (p *Population) circular(team string) bool {
	seen := map[string]bool{}
	for ; team != ""; team = p.parents[team] {
		if seen[team] {
			return true
		}
		seen[team] = true
	}
	return false
}

// below reports whether a team is one of some teams or part of one.
func (p *Population) below(team string, of []string) bool {
	for ; team != ""; team = p.parents[team] {
		for _, name := range of {
			if p.teams[form.Fold(teamName(name))] == team {
				return true
			}
		}
	}
	return false
}

func (p *Population) in(person people.Person, team string) bool {
	f := p.filter
	switch {
	case slices.ContainsFunc(f.ExcludePeople, func(id string) bool { return strings.EqualFold(id, person.ID) }),
		!p.hasTeam(team):
		return false
	case f.StartedBefore.IsZero():
		return true
	}
	return person.StartedOn().Before(dayOf(f.StartedBefore)) // an unknown start is long ago
}

// hasTeam reports whether people of a team are in the population, as far as the team decides it.
func (p *Population) hasTeam(team string) bool {
	return (len(p.filter.Teams) == 0 || p.below(team, p.filter.Teams)) && !p.below(team, p.filter.ExcludeTeams)
}

func (p *Population) checkFilter(f surveys.Population, all []people.Person) error {
	var names []string
	for _, name := range p.teams {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, list := range []struct {
		key   string
		teams []string
	}{{"teams", f.Teams}, {"exclude_teams", f.ExcludeTeams}} {
		for _, team := range list.teams {
			if p.teams[form.Fold(teamName(team))] == "" {
				return fmt.Errorf("population.%s: unknown team %q%s", list.key, team, spelling.Hint(team, names))
			}
		}
	}
	for _, id := range f.ExcludePeople {
		if !slices.ContainsFunc(all, func(person people.Person) bool { return strings.EqualFold(person.ID, id) }) {
			return fmt.Errorf("population.exclude_people: unknown person %q", id)
		}
	}
	return nil
}

// Size returns how many people could answer; 0 if people are not known.
func (p *Population) Size() int { return p.size }

// Teams returns a function that reports whether a text names a team; nil if no team is known.
func (p *Population) Teams() func(string) bool {
	if len(p.teams) == 0 {
		return nil
	}
	return func(text string) bool {
		_, ok := p.team(text)
		return ok
	}
}

// team returns the name of the team that a cell of the form names; ok is false if there is none.
func (p *Population) team(cell string) (name string, ok bool) {
	name, ok = p.teams[form.Fold(cell)]
	if !ok {
		short := strings.TrimSpace(strings.TrimPrefix(strings.TrimSuffix(form.Fold(cell), " team"), "team "))
		name, ok = p.teams[short]
		if !ok {
			name, ok = p.teams[strings.ReplaceAll(short, " ", "-")]
		}
	}
	return name, ok
}

var span = regexp.MustCompile(`(?i)(\d+(?:[.,]\d+)?)\s*\+?\s*(months?|mos?|years?|yrs?|y|m)?\b`)

// tenureOf reads the band of tenure that a form offers in its own words: "less than 3 months", "1-3 years", "3+ years".
func tenureOf(text string) (surveys.Tenure, bool) {
	text = strings.NewReplacer("–", "-", "—", "-", " one ", " 1 ", "a year", "1 year", "one year", "1 year").
		Replace(form.Fold(text))
	var months []float64
	found := span.FindAllStringSubmatch(text, -1)
	for i, m := range found {
		unit := m[2]
		for k := i + 1; unit == "" && k < len(found); k++ { // "1-3 years"
			unit = found[k][2]
		}
		n, err := strconv.ParseFloat(strings.ReplaceAll(m[1], ",", "."), 64)
		if err != nil || unit == "" {
			return "", false
		}
		if strings.HasPrefix(unit, "y") {
			n *= 12
		}
		months = append(months, n)
	}
	if len(months) == 0 || len(months) > 2 {
		return "", false
	}
	middle := months[0]
	switch {
	case len(months) == 2:
		middle = (months[0] + months[1]) / 2
	case strings.Contains(text, "less") || strings.Contains(text, "under") || strings.Contains(text, "<") ||
		strings.Contains(text, "fewer") || strings.Contains(text, "up to"):
		middle = months[0] - 0.5
	case strings.Contains(text, "more") || strings.Contains(text, "over") || strings.Contains(text, ">") ||
		strings.Contains(text, "+") || strings.Contains(text, "least"):
		middle = months[0] + 0.5
	}
	switch {
	case middle < 3:
		return surveys.UnderThreeMonths, true
	case middle < 12:
		return surveys.UnderOneYear, true
	case middle < 36:
		return surveys.UnderThreeYears, true
	}
	return surveys.ThreeYears, true
}

// bandsOf returns the first and the last band of tenure that an answer covers, as their positions in surveys.Tenures.
func bandsOf(text string) (low, high int) {
	folded := form.Fold(text)
	at := func(text string) int {
		band, _ := tenureOf(text)
		return max(slices.Index(surveys.Tenures, band), 0)
	}
	low = at(text)
	high = low
	if found := span.FindAllStringSubmatch(folded, -1); len(found) < 2 &&
		(strings.Contains(folded, "less") || strings.Contains(folded, "under") || strings.Contains(folded, "<")) {
		low = 0
	}
	return low, high
}

// middle returns the band as which an answer counts.
func middle(text string) surveys.Tenure {
	band, _ := tenureOf(text)
	return band
}

// goldenOf reads yes or no.
func goldenOf(text string) (word surveys.GoldenWord, ok bool) {
	switch folded := form.Fold(text); {
	case folded == "yes", folded == "y", folded == "true", folded == "1", strings.HasPrefix(folded, "yes,"):
		return surveys.OnGoldenPath, true
	case folded == "no", folded == "n", folded == "false", folded == "0", strings.HasPrefix(folded, "no,"):
		return surveys.OffGoldenPath, true
	case unknownAnswers[folded], folded == "partly", folded == "partially":
		return "", true
	}
	return "", false
}
