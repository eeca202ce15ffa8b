package campaign

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/format"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/strictyaml"
)

// DefaultFiles are the files that are read if the configuration names none.
const DefaultFiles = "campaigns/*.yaml"

// Set is the campaigns that are used, and what is wrong with the others.
type Set struct {
	Campaigns []Campaign      // in the order of their files
	Problems  format.Problems // of campaigns that are not used
	Warnings  []files.Warning // about patterns and files
}

// Named returns the campaign of an id.
func (s *Set) Named(id string) (*Campaign, bool) {
	i := slices.IndexFunc(s.Campaigns, func(c Campaign) bool { return c.ID == id })
	if i < 0 {
		return nil, false
	}
	return &s.Campaigns[i], true
}

// IDs returns the ids of the campaigns, in their order.
func (s *Set) IDs() []string {
	ids := make([]string, len(s.Campaigns))
	for i := range s.Campaigns {
		ids[i] = s.Campaigns[i].ID
	}
	return ids
}

// Texts returns what is wrong, each with its place.
func (s *Set) Texts() []string {
	texts := make([]string, 0, len(s.Warnings)+len(s.Problems))
	for _, w := range s.Warnings {
		texts = append(texts, w.String())
	}
	for _, p := range s.Problems {
		texts = append(texts, p.Error()+"; this campaign is not used")
	}
	return texts
}

// Load reads the files that patterns name, relative to baseDir; those of DefaultFiles, which need not exist, if there
// are none. cards are the scorecards that goals name, webhooks the names that notify can have. A campaign with mistakes
// is left out, and the others are used.
func Load(patterns []string, baseDir string, cards scorecards.Set, webhooks []string) Set {
	r := files.NewReader(baseDir)
	match := func(pattern string) []string { return r.Match(pattern, "scorecards.campaigns") }
	if len(patterns) == 0 {
		patterns = []string{DefaultFiles}
		match = func(pattern string) []string {
			names, _ := r.Expand(pattern, baseDir, func(string, ...any) {})
			return names
		}
	}
	p := parser{cards: cards, webhooks: webhooks}
	seen := map[string]bool{}
	for _, pattern := range patterns {
		for _, name := range match(pattern) {
			if seen[name] { // two patterns may match one file
				continue
			}
			seen[name] = true
			if data, ok := r.Open(name); ok {
				p.file(data, r.Shown(name))
			}
		}
	}
	p.set.Problems, p.set.Warnings = p.set.Problems.Sorted(), r.Warnings()
	return p.set
}

// Parse reads the campaigns of one file, as Load does. name is its name as shown to people.
func Parse(data []byte, name string, cards scorecards.Set, webhooks []string) Set {
	p := parser{cards: cards, webhooks: webhooks}
	p.file(data, name)
	p.set.Problems = p.set.Problems.Sorted()
	return p.set
}

// written is a campaign as it is written.
type written struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	ID         string `yaml:"id"`
	Title      string `yaml:"title"`
	Why        string `yaml:"why"`
	Owner      string `yaml:"owner"`
	Scorecard  string `yaml:"scorecard"`
	Rule       string `yaml:"rule"`
	Level      string `yaml:"level"`
	Filter     string `yaml:"filter"`
	Starts     string `yaml:"starts"`
	Ends       string `yaml:"ends"`
	Notify     string `yaml:"notify"`
}

type parser struct {
	cards    scorecards.Set
	webhooks []string
	set      Set
}

func (p *parser) file(data []byte, name string) {
	docs, err := strictyaml.Read(name, data)
	p.set.Problems = append(p.set.Problems, format.ProblemsOf(err, data)...)
	for _, doc := range docs {
		d := document{parser: p}
		where, err := doc.Decode(&d.written)
		d.places = format.NewPlaces(name, data, where)
		d.misread = format.ProblemsOf(err, data)
		d.problems = slices.Clone(d.misread)
		c := Campaign{}
		if len(d.misread) == 0 || d.written != (written{}) { // otherwise nothing could be read
			c = d.campaign()
		}
		c.File, c.Line = name, doc.Root.Line
		if first, taken := p.set.Named(c.ID); taken && c.ID != "" {
			d.fail("id", "campaign %s is defined at %s already; give one of them another id", c.ID, first.Place())
		}
		if len(p.set.Campaigns) == MaxCount {
			d.fail("id", "there are more than %d campaigns; remove those that are over", MaxCount)
		}
		for i := range d.problems { // of a key that is missing
			if d.problems[i].Line == 0 {
				d.problems[i].Line, d.problems[i].Column = doc.Root.Line, doc.Root.Column
			}
		}
		if len(d.problems) > 0 {
			p.set.Problems = append(p.set.Problems, d.problems...)
			continue
		}
		c.rules, c.wanted = c.Goal.rules(c.card), map[string]bool{}
		for _, rule := range c.rules {
			c.wanted[rule] = true
		}
		p.set.Campaigns = append(p.set.Campaigns, c)
	}
}

// document is a campaign that is being read.
type document struct {
	*parser
	written
	places   format.Places
	misread  format.Problems // of values that could not be read, and of unknown keys
	problems format.Problems // with misread
}

// unread reports whether the file has a value for a key that could not be read: nothing else can be said about it.
func (d *document) unread(key string) bool {
	at := d.places.At(key, "")
	return d.places.Has(key) && slices.ContainsFunc(d.misread, func(p format.Problem) bool {
		return p.Line == at.Line && p.Column == at.Column
	})
}

func (d *document) fail(path, text string, args ...any) {
	if d.unread(path) {
		return
	}
	d.problems = append(d.problems, d.places.At(path, fmt.Sprintf(text, args...)))
}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// campaign converts the document, and reports its mistakes.
func (d *document) campaign() Campaign {
	c := Campaign{ID: d.ID, Title: strings.TrimSpace(d.Title), Why: strings.TrimSpace(d.Why), Filter: d.Filter,
		Notify: d.Notify}
	if d.unread("apiVersion") || d.unread("kind") {
		return c
	}
	if d.APIVersion != APIVersion || d.Kind != Kind {
		d.fail("kind", "apiVersion is %q and kind is %q; write apiVersion: %s and kind: %s", d.APIVersion, d.Kind,
			APIVersion, Kind)
		return c
	}
	if !idPattern.MatchString(d.ID) {
		d.fail("id", "id %q: write 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit, such as probes-by-march",
			d.ID)
	}
	d.text("title", c.Title, "title: Probes on every production service")
	d.text("why", c.Why, "why: Two incidents in October began with a pod that looked alive")
	d.owner(&c)
	d.goal(&c)
	filter, mistakes := scorecards.CompileFilter(d.Filter)
	for _, m := range mistakes {
		d.problems = append(d.problems, d.places.In("filter", d.Filter, m.Offset, "filter: "+m.Message))
	}
	c.filter = filter
	d.dates(&c)
	if d.Notify != "" && !slices.Contains(d.webhooks, d.Notify) {
		d.fail("notify", "no webhook has the name %q%s; configure it as notify.webhooks in dx.yaml", d.Notify,
			spelling.Hint(d.Notify, d.webhooks))
	}
	return c
}

func (d *document) text(key, value, example string) {
	switch {
	case value == "":
		d.fail(key, "the campaign has no %s; write for example %s", key, example)
	case len(value) > MaxText:
		d.fail(key, "%s has %d bytes; at most %d are read", key, len(value), MaxText)
	}
}

func (d *document) owner(c *Campaign) {
	if d.Owner == "" {
		d.fail("owner", "the campaign does not say who answers for it; write for example owner: group:default/platform")
		return
	}
	ref, err := identifier.ParseRef(d.Owner, "group", "default")
	if err != nil {
		d.fail("owner", "%v", err)
		return
	}
	c.Owner = ref.String()
}

// goal sets the scorecard, and the rule or the level.
func (d *document) goal(c *Campaign) {
	c.Goal = Goal{Scorecard: d.Scorecard, Rule: d.Rule}
	if (d.Rule == "") == (d.Level == "") && !d.unread("rule") && !d.unread("level") {
		d.fail("level", "the campaign has rule %q and level %q; write one of them", d.Rule, d.Level)
	}
	if d.Scorecard == "" {
		d.fail("scorecard", "the campaign has no scorecard; write for example scorecard: delivery")
		return
	}
	var names []string
	for i := range d.cards.Cards {
		card := &d.cards.Cards[i]
		if names = append(names, card.Name); card.Name == d.Scorecard {
			c.card = card
		}
	}
	if c.card == nil {
		for _, broken := range d.cards.Broken {
			if slices.Contains(broken.Names, d.Scorecard) {
				d.fail("scorecard", "scorecard %s has mistakes and grades nothing; correct %s", d.Scorecard, broken.File)
				return
			}
		}
		d.fail("scorecard", "no scorecard has the name %q%s", d.Scorecard, spelling.Hint(d.Scorecard, names))
		return
	}
	if d.Rule != "" {
		d.rule(c.card)
	}
	if d.Level != "" {
		i := slices.IndexFunc(c.card.Levels, func(l string) bool { return strings.EqualFold(l, d.Level) })
		if i < 0 {
			d.fail("level", "scorecard %s has no level %q%s", d.Scorecard, d.Level, spelling.Hint(d.Level, c.card.Levels))
			return
		}
		c.Goal.Level = c.card.Levels[i]
	}
}

func (d *document) rule(card *scorecards.Scorecard) {
	var rules []string
	for i := range card.Rules {
		r := &card.Rules[i]
		if r.ID != d.Rule {
			rules = append(rules, r.ID)
			continue
		}
		if r.Status == format.Draft || r.Status == format.Retired {
			d.fail("rule", "rule %s is %s and grades nothing, so nobody can reach it; choose another one", r.ID, r.Status)
		}
		return
	}
	d.fail("rule", "scorecard %s has no rule %q%s", d.Scorecard, d.Rule, spelling.Hint(d.Rule, rules))
}

func (d *document) dates(c *Campaign) {
	var starts, ends bool
	c.Starts, starts = d.day("starts", d.Starts, "its first day, such as starts: 2027-01-11")
	c.Ends, ends = d.day("ends", d.Ends, "its last day, such as ends: 2027-03-31")
	switch {
	case !starts || !ends:
	case c.Ends.Before(c.Starts):
		d.fail("ends", "the campaign ends on %s, before it starts on %s", d.Ends, d.Starts)
	case c.Days() > MaxDays:
		d.fail("ends", "the campaign lasts %d days; at most %d are allowed, so split it into steps", c.Days(), MaxDays)
	}
}

// day reads a day; false if there is none, or not one between the years firstYear and lastYear.
func (d *document) day(key, text, example string) (time.Time, bool) {
	if text == "" {
		d.fail(key, "the campaign does not say when it %s; write %s", key, example)
		return time.Time{}, false
	}
	day, err := format.ParseDate(text)
	if err != nil {
		d.fail(key, "%s %v", key, err)
		return time.Time{}, false
	}
	if year := day.Year(); year < firstYear || year > lastYear {
		d.fail(key, "%s %s is not in the years %d to %d; correct the year", key, text, firstYear, lastYear)
		return time.Time{}, false
	}
	return day, true
}
