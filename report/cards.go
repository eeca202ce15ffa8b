package report

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/format"
	"github.com/dxctl/dxctl/spelling"
)

// Card is a scorecard and how the entities that it grades stand.
type Card struct {
	Scorecard scorecards.Scorecard
	Owner     string       // display name; "" if nobody is named
	Graded    []Service    // by Report; services first
	Levels    []LevelCount // of Graded, the highest level first, "none" last
	Rules     []RuleRow    // drafts left out, in the order of the levels and of the file
	Coverage  *float64     // mean over Graded; nil: there is none
	Failing   []RuleRow    // that count and fail most
}

// maxFailing is how many of the rules that fail most are named.
const maxFailing = 3

// Origins of scorecards.
const (
	BuiltIn = "built-in"
	Own     = "own"
)

// Origins are where scorecards come from.
var Origins = []string{BuiltIn, Own}

// Origin is BuiltIn or Own.
func (c Card) Origin() string {
	if strings.HasPrefix(c.Scorecard.File, BuiltIn+":") {
		return BuiltIn
	}
	return Own
}

// InForce is how many rules count now.
func (c Card) InForce() int {
	n := 0
	for i := range c.Rules {
		if c.Rules[i].Stage == format.Enforced {
			n++
		}
	}
	return n
}

// ScorecardPath is the address of the page of a scorecard.
func ScorecardPath(scorecard string) string { return "/scorecards/" + url.PathEscape(scorecard) }

// RulePath is the address of the page of a rule.
func RulePath(scorecard, rule string) string {
	return ScorecardPath(scorecard) + "/rules/" + url.PathEscape(rule)
}

// Cards returns every scorecard, in the order in which they grade.
func (r *Reader) Cards(ctx context.Context) ([]Card, error) {
	services, err := r.Services(ctx)
	if err != nil {
		return nil, err
	}
	found := r.deps.Scorecards.Scorecards()
	cards := make([]Card, len(found))
	for i := range found {
		cards[i] = r.cardOf(found[i], services)
	}
	return cards, nil
}

// Card returns one scorecard. The error is a *NotFoundError that names what is close.
func (r *Reader) Card(ctx context.Context, name string) (Card, error) {
	services, err := r.Services(ctx)
	if err != nil {
		return Card{}, err
	}
	for _, card := range r.deps.Scorecards.Scorecards() {
		if card.Name == name {
			return r.cardOf(card, services), nil
		}
	}
	return Card{}, r.noCard(name)
}

func (r *Reader) noCard(name string) error {
	return notFound("no scorecard is called %s%s", name, spelling.Hint(name, r.cardNames()))
}

func (r *Reader) cardOf(card scorecards.Scorecard, services Services) Card {
	c := Card{Scorecard: card, Owner: displayName(r.deps.Catalog(), card.Owner)}
	for _, list := range [][]Service{services.List, services.Others} {
		for _, s := range list {
			i := slices.IndexFunc(s.Reports, func(g scorecards.Report) bool { return g.Scorecard == card.Name })
			if i < 0 {
				continue
			}
			s.Report = &s.Reports[i]
			s.Rank = slices.Index(card.Levels, s.Report.Level) + 1
			c.Graded = append(c.Graded, s)
		}
	}
	ranks := make([]int, len(card.Levels)+1)
	covered := 0.0
	for i := range c.Graded {
		ranks[c.Graded[i].Rank]++
		covered += c.Graded[i].Report.Coverage
	}
	for rank := len(card.Levels); rank >= 0; rank-- {
		level := ""
		if rank > 0 {
			level = card.Levels[rank-1]
		}
		c.Levels = append(c.Levels, LevelCount{words.Level(level), ranks[rank]})
	}
	if len(c.Graded) > 0 {
		c.Coverage = sorting.Value(covered / float64(len(c.Graded)))
	}
	c.Rules = r.ruleRows(&card, c.Graded)
	for _, row := range c.Rules {
		if row.Stage == format.Enforced && row.Counts[event.Fail] > 0 {
			c.Failing = append(c.Failing, row)
		}
	}
	slices.SortStableFunc(c.Failing, func(a, b RuleRow) int {
		return cmp.Compare(b.Counts[event.Fail], a.Counts[event.Fail])
	})
	c.Failing = c.Failing[:min(maxFailing, len(c.Failing))]
	return c
}

// CardFilter selects scorecards. Empty fields select all.
type CardFilter struct {
	Text   string // part of the name, title, description or owner, in any case
	Origin string
}

// SelectCards returns the scorecards that fit the filter, in their order.
func SelectCards(cards []Card, f CardFilter) []Card {
	text := strings.ToLower(strings.TrimSpace(f.Text))
	var list []Card
	for _, c := range cards {
		searched := strings.Join([]string{c.Scorecard.Name, c.Scorecard.Title, c.Scorecard.Description, c.Owner}, " ")
		if (f.Origin == "" || f.Origin == c.Origin()) && strings.Contains(strings.ToLower(searched), text) {
			list = append(list, c)
		}
	}
	return list
}

// CardColumns are the columns of the list of scorecards.
var CardColumns = []sorting.Field[Card]{
	text("name", "scorecard", func(c Card) string { return c.Scorecard.Title }),
	text("owner", "owner", func(c Card) string { return c.Owner }),
	number("rules", "rules", func(c Card) *float64 { return sorting.Count(c.InForce()) }),
	number("services", "services", func(c Card) *float64 { return sorting.Count(len(c.Graded)) }),
	// by the average rank of the levels, as a share of the highest
	{Column: sorting.Column{Key: "level", Label: "levels"}, Value: func(c Card) *float64 {
		if len(c.Graded) == 0 || len(c.Scorecard.Levels) == 0 {
			return nil
		}
		ranks := 0
		for i := range c.Graded {
			ranks += c.Graded[i].Rank
		}
		return sorting.Value(float64(ranks) / float64(len(c.Graded)*len(c.Scorecard.Levels)))
	}},
	number("known", "known", func(c Card) *float64 { return c.Coverage }),
	{Column: sorting.Column{Label: "rules that fail most"}},
}

// CardServiceColumns are the columns of the list of what a scorecard grades.
var CardServiceColumns = []sorting.Field[Service]{
	ServiceColumns[0], ServiceColumns[1], EntityColumns[1], ServiceColumns[3], ServiceColumns[4],
	number("known", "known", func(s Service) *float64 { return sorting.Value(s.Report.Coverage) }),
	number("missing", "to the next level", func(s Service) *float64 {
		if s.Report.NextLevel == "" {
			return nil
		}
		return sorting.Count(len(s.Report.Next))
	}),
}

// CardTeamColumns are the columns of the teams of what a scorecard grades.
var CardTeamColumns = append(slices.Clone(TeamColumns[:3]), number("none", "no level", func(t Team) *float64 {
	return sorting.Count(t.ByLevel[words.Level("")])
}))

// Teams returns the teams that own what the scorecard grades, without their deployments.
func (c Card) Teams() Teams { return Teams{List: teamsOf(c.Graded, nil)} }

// Choices returns what the entities that the scorecard grades can be selected by.
func (r *Reader) Choices(c *Card) ServiceChoices {
	choices := r.ServiceChoices(Services{List: c.Graded})
	choices.Levels = nil
	for _, l := range c.Levels {
		choices.Levels = append(choices.Levels, l.Level)
	}
	return choices
}

// Trend returns how many of the entities that the scorecard grades today had each level at the end of each week of half
// a year, and have now. It is nil if no history is read here.
func (r *Reader) Trend(ctx context.Context, c *Card) ([]LevelsAt, error) {
	entities := make([]string, len(c.Graded))
	for i := range c.Graded {
		entities[i] = c.Graded[i].Entity.Ref
	}
	counts, err := r.levelsOver(ctx, &c.Scorecard, entities)
	if err != nil || counts == nil {
		return nil, err
	}
	now := r.deps.Now().UTC()
	points := make([]LevelsAt, 0, len(counts)+1)
	for _, count := range counts {
		if !count.At.Before(now) {
			break
		}
		at := LevelsAt{At: count.At, Levels: map[string]int{}, Graded: count.Graded}
		for rank, n := range count.ByRank {
			level := ""
			if rank > 0 {
				level = c.Scorecard.Levels[rank-1]
			}
			at.Levels[words.Level(level)] += n
		}
		points = append(points, at)
	}
	present := LevelsAt{At: now, Levels: map[string]int{}, Graded: len(c.Graded)}
	for _, l := range c.Levels {
		present.Levels[l.Level] += l.N
	}
	return append(points, present), nil
}
