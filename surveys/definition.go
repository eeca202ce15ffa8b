package surveys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/strictyaml"
)

// file is the YAML form of a [Survey].
type file struct {
	Title      string     `yaml:"title"`
	Opens      string     `yaml:"opens"`  // first day
	Closes     string     `yaml:"closes"` // last day
	TimeZone   string     `yaml:"time_zone"`
	Dates      string     `yaml:"dates"`
	Population population `yaml:"population"`
	Columns    Columns    `yaml:"columns"`
	GoldenPath GoldenPath `yaml:"golden_path"`
	Items      []fileItem `yaml:"items"`
	Ignore     []string   `yaml:"ignore"`
}

type population struct {
	Teams         []string `yaml:"teams"`
	ExcludeTeams  []string `yaml:"exclude_teams"`
	ExcludePeople []string `yaml:"exclude_people"`
	StartedBefore string   `yaml:"started_before"`
}

type fileItem struct {
	Key       string         `yaml:"key"`
	Text      string         `yaml:"text"`
	Column    string         `yaml:"column"`
	Columns   []string       `yaml:"columns"`
	Kind      string         `yaml:"kind"`
	Dimension string         `yaml:"dimension"`
	Scale     string         `yaml:"scale"`
	Direction string         `yaml:"direction"`
	Labels    map[string]int `yaml:"labels"`
	Unknown   []string       `yaml:"unknown"`
	Rules     []string       `yaml:"rules"`
}

var (
	idPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	keyPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
)

// CheckID returns an error if an id cannot be that of a survey: it is also the name of a file.
func CheckID(id string) error {
	if !idPattern.MatchString(id) || strings.Contains(id, "..") {
		return fmt.Errorf("survey %q: an id has up to 63 letters, digits, dots, hyphens and underscores, such as 2026-Q3", id)
	}
	return nil
}

// Load reads a definition. Its error joins one error per mistake, each with file and line.
func Load(path, id string) (Survey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Survey{}, fmt.Errorf("reading the definition of survey %s: %w", id, err)
	}
	s, err := Parse(path, id, text)
	if err != nil {
		return Survey{}, fmt.Errorf("reading the definition of survey %s: %w", id, err)
	}
	return s, nil
}

// Parse parses a definition; name is the file's, as shown to people.
func Parse(name, id string, text []byte) (Survey, error) {
	docs, err := strictyaml.Read(name, text)
	switch {
	case err != nil:
		return Survey{}, err
	case len(docs) == 0:
		return Survey{}, fmt.Errorf("%s: the file is empty; it needs title, opens, closes and items", name)
	case len(docs) > 1:
		return Survey{}, fmt.Errorf("%s:%d: a survey has only one YAML document; put the second one into a file of its own",
			name, docs[1].Root.Line)
	}
	var f file
	where, err := docs[0].Decode(&f)
	if err != nil {
		return Survey{}, err
	}
	p := parser{where: where, survey: Survey{
		ID: id, Title: strings.TrimSpace(f.Title), TimeZone: time.UTC, Columns: f.Columns, Ignore: f.Ignore,
		GoldenPath: f.GoldenPath, File: name,
	}}
	p.times(f)
	p.population(f.Population)
	p.items(f.Items)
	return p.survey, errors.Join(p.errs...)
}

// parser collects what is wrong with a definition.
type parser struct {
	where  strictyaml.Positions
	survey Survey
	errs   []error
}

func (p *parser) fail(path, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s: %w", p.where.At(path), fmt.Errorf(format, args...)))
}

func (p *parser) times(f file) {
	if p.survey.Title == "" {
		p.fail("title", "title is missing; write for example title: Developer survey, third quarter of 2026")
	}
	if f.TimeZone != "" {
		zone, err := time.LoadLocation(f.TimeZone)
		if err != nil || f.TimeZone == "Local" {
			p.fail("time_zone", "time_zone %q is not the name of a time zone, such as Europe/Berlin", f.TimeZone)
		} else {
			p.survey.TimeZone = zone
		}
	}
	opens, ok := p.day("opens", f.Opens)
	closes, ok2 := p.day("closes", f.Closes)
	p.survey.Opens, p.survey.Closes = opens, closes.AddDate(0, 0, 1)
	if ok && ok2 && closes.Before(opens) {
		p.fail("closes", "closes is %s, before opens (%s)", f.Closes, f.Opens)
	}
	switch p.survey.Dates = DateOrder(f.Dates); p.survey.Dates {
	case DatesUnknown, DayFirst, MonthFirst:
	default:
		p.fail("dates", "dates is %q; use %s or %s", f.Dates, DayFirst, MonthFirst)
	}
}

// day parses a day in the time zone of the survey.
func (p *parser) day(path, text string) (time.Time, bool) {
	if text == "" {
		p.fail(path, "%s is missing; write a day, such as %s: 2026-09-14", path, path)
		return time.Time{}, false
	}
	day, err := time.ParseInLocation(time.DateOnly, text, p.survey.TimeZone)
	if err != nil {
		p.fail(path, "%s is %q; write a day, such as 2026-09-14", path, text)
		return time.Time{}, false
	}
	return day, true
}

func (p *parser) population(f population) {
	p.survey.Population = Population{Teams: f.Teams, ExcludeTeams: f.ExcludeTeams, ExcludePeople: f.ExcludePeople}
	if f.StartedBefore != "" {
		p.survey.Population.StartedBefore, _ = p.day("population.started_before", f.StartedBefore)
	}
}

func (p *parser) items(all []fileItem) {
	keys, headers := map[string]int{}, map[string]string{}
	for i, f := range all {
		path := fmt.Sprintf("items[%d]", i)
		item, ok := p.item(path, f)
		if !ok {
			continue
		}
		if first, taken := keys[item.Key]; taken {
			p.fail(path+".key", "key %s is already that of items[%d]; a key has one item", item.Key, first)
		}
		keys[item.Key] = i
		for _, h := range item.Headers {
			if other, taken := headers[h]; taken && other != item.Key {
				p.fail(path, "the column %q is already that of item %s", h, other)
			}
			headers[h] = item.Key
		}
		p.survey.Items = append(p.survey.Items, item)
	}
}

func (p *parser) item(path string, f fileItem) (Item, bool) {
	before := len(p.errs)
	item := Item{
		Key: f.Key, Text: f.Text, Headers: f.Columns, Kind: Kind(f.Kind), Dimension: Dimension(f.Dimension),
		Labels: f.Labels, Unknown: f.Unknown, Rules: f.Rules,
	}
	if f.Column != "" {
		item.Headers = append([]string{f.Column}, f.Columns...)
	}
	if !keyPattern.MatchString(f.Key) {
		p.fail(path+".key", "key %q is not made of small letters, digits and hyphens, such as build-time", f.Key)
	}
	if len(item.Headers) == 0 {
		p.fail(path, "item %s has no column; write the header of its column in the export", f.Key)
	}
	if item.Text == "" && len(item.Headers) > 0 {
		item.Text = item.Headers[0]
	}
	if item.Kind == "" {
		item.Kind = Rating
	}
	switch item.Kind {
	case Rating:
		p.rating(path, f, &item)
	case Comment:
		if f.Scale != "" || f.Direction != "" || len(f.Labels) > 0 || f.Dimension == string(Recommend) {
			p.fail(path, "item %s is a comment, which has no scale, direction or labels", f.Key)
		}
	default:
		p.fail(path+".kind", "unknown kind %q%s", f.Kind,
			spelling.Hint(f.Kind, []string{string(Rating), string(Comment)}))
	}
	if item.Dimension != "" && !slices.Contains(Dimensions, item.Dimension) {
		var known []string
		for _, d := range Dimensions {
			known = append(known, string(d))
		}
		p.fail(path+".dimension", "unknown dimension %q%s", f.Dimension,
			spelling.Hint(f.Dimension, known))
	}
	return item, len(p.errs) == before
}

// Directions of ratings.
const (
	higherIsBetter = "higher_is_better"
	lowerIsBetter  = "lower_is_better"
)

func (p *parser) rating(path string, f fileItem, item *Item) {
	scale, turned, err := parseTurned(f.Scale)
	if err != nil {
		p.fail(path+".scale", "item %s: %w", f.Key, err)
		return
	}
	item.Scale, item.Turned = scale, turned
	switch f.Direction {
	case "", higherIsBetter:
	case lowerIsBetter:
		item.Reversed = true
	default:
		p.fail(path+".direction", "direction %q is not %s or %s", f.Direction, higherIsBetter, lowerIsBetter)
	}
	if item.Dimension == Recommend && scale != (Scale{0, 10}) {
		p.fail(path+".scale", "item %s is in the dimension recommend, whose scale is 0-10", f.Key)
	}
	for label, point := range f.Labels {
		if !scale.Has(point) {
			p.fail(path+".labels", "item %s: label %q is point %d, which is not on the scale %s", f.Key, label, point, scale)
		}
	}
}

// parseTurned parses a scale; "5-1" is 1-5 whose numbers are turned round in the form: 1 is the highest.
func parseTurned(text string) (scale Scale, turned bool, err error) {
	scale, err = ParseScale(text)
	if err == nil {
		return scale, false, nil
	}
	if from, to, ok := strings.Cut(strings.ReplaceAll(text, "–", "-"), "-"); ok {
		if scale, turnedErr := ParseScale(to + "-" + from); turnedErr == nil {
			return scale, true, nil
		}
	}
	if text == "" {
		return scale, false, errors.New("scale is missing; use 1-5, 1-7, 1-10 or 0-10")
	}
	return scale, false, err
}

// FileOf returns the file of a survey's definition in a directory.
func FileOf(dir, id string) string { return filepath.Join(dir, id+".yaml") }

// Earlier returns the ids of the definitions in a directory that come before id, the latest first: ids sort by time, as
// 2026-Q2 and 2026-Q3 do.
func Earlier(dir, id string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for earlier surveys: %w", err)
	}
	var ids []string
	for _, e := range entries {
		name, isYAML := strings.CutSuffix(e.Name(), ".yaml")
		if isYAML && !e.IsDir() && name < id && CheckID(name) == nil {
			ids = append(ids, name)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids, nil
}
