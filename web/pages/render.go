package pages

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/charts"
	"github.com/dxctl/dxctl/web/route"
)

//go:embed templates
var templates embed.FS

// layout is what every page has. Views embed it.
type layout struct {
	Title   string
	Active  string // path of the entry of the navigation that is current
	Demo    bool
	Version string
	Charts  bool // the page draws charts and loads the library
	Acts    bool // there are pages of actions
}

func (p *Pages) layout(title, active string) layout {
	acts := p.deps.Planner != nil && len(p.deps.Planner.Set) > 0
	return layout{Title: title, Active: active, Demo: p.deps.Demo, Version: p.deps.Version, Acts: acts}
}

type navItem struct{ Path, Label string }

var navigation = []navItem{
	{"/", "Overview"}, {"/services", "Services"}, {"/time-to-first-deploy", "First deploy"},
	{"/surveys", "Surveys"}, {"/events", "Events"}, {"/ledger", "Data quality"},
}

// serviceTabs are the lists of what belongs to services.
var serviceTabs = []navItem{
	{"/services", "Services"}, {"/entities", "Others"}, {"/teams", "Teams"}, {"/scorecards", "Scorecards"},
	{"/golden-paths", "Golden paths"}, {"/waivers", "Waivers"}, {"/campaigns", "Campaigns"}, {"/batches", "Fixes"},
	{"/compliance", "Compliance"},
}

// loadTemplates parses base.html and the parts once for each page.
func (p *Pages) loadTemplates() error {
	names, err := fs.Glob(templates, "templates/page_*.html")
	if err != nil {
		return err
	}
	p.templates = map[string]*template.Template{}
	for _, name := range names {
		t, err := template.New("base.html").Funcs(p.funcs()).
			ParseFS(templates, "templates/base.html", "templates/parts.html", "templates/parts_plan.html", name)
		if err != nil {
			return fmt.Errorf("parsing the template %s: %w", name, err)
		}
		p.templates[strings.TrimSuffix(strings.TrimPrefix(path.Base(name), "page_"), ".html")] = t
	}
	return nil
}

// render makes a page. It is made whole before the first byte is sent, so that a mistake becomes an error page and not
// half a page.
func (p *Pages) render(page string, view any) (route.Answer, error) {
	var b bytes.Buffer
	if err := p.templates[page].ExecuteTemplate(&b, "base.html", view); err != nil {
		return route.Answer{}, fmt.Errorf("rendering the page %s: %w", page, err)
	}
	return route.Answer{Type: "text/html; charset=utf-8", Body: b.Bytes()}, nil
}

func (p *Pages) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":       p.deps.Asset,
		"nav":         func() []navItem { return navigation },
		"servicetabs": func() []navItem { return serviceTabs },
		"chartscript": func() string { return p.deps.Asset(ChartLibrary) },
		"time":        p.timeTag,
		"utc":         words.UTC,
		"whole":       words.Whole[int],
		"whole64":     words.Whole[uint64],
		"words":       inWords,
		"first":       func(heads []tableHead) []tableHead { return heads[:1] },
		"rest":        func(heads []tableHead) []tableHead { return heads[1:] },
		"number":      words.Number,
		"percent":     words.Percent,
		"minutes":     words.Minutes,
		"hours":       words.Hours,
		"refname":     words.RefName,
		"service":     report.ServicePath,
		"scorecard":   report.ScorecardPath,
		"rulepath":    report.RulePath,
		"safeurl":     report.SafeURL,
		"plural":      words.Plural,
		"prose":       words.Prose,
		"spec":        chartSpec,
		"inside":      words.Inside,
		"lower":       strings.ToLower,
		"add":         func(a, b int) int { return a + b },
		"segments":    segments,
		"dict":        dict,
		"level":       words.Level,
		"waited":      waited,
		"sub":         func(a, b int) int { return a - b },
		"change":      words.Change,
		"kindname":    words.KindName,
		"mark":        mark,
		"interval":    words.Interval,
		"outcome":     outcomeClass,
		"verdictmark": outcomeOf,
		"share":       func(v float64) string { return words.Percent(&v) },
		"deployment":  deploymentLink,
		"day":         words.Day,
		"events":      ledgerEvents,
		// of surveys
		"estimate":         report.EstimateText,
		"estimatevalue":    report.EstimateValue,
		"estimateinterval": report.EstimateInterval,
		"surveychange":     report.ChangeText,
		"pvalue":           report.PValueText,
		"strip":            stripOf,
		"distribution":     distribution,
		"firstteams":       func(teams []report.HurtTeam) []report.HurtTeam { return teams[:min(shownTeams, len(teams))] },
		"moreteams":        func(teams []report.HurtTeam) int { return max(0, len(teams)-shownTeams) },
	}
}

// timeTag writes a time relative to now with the instant in UTC as its title. It makes no markup from its argument.
func (p *Pages) timeTag(v any) template.HTML {
	var t time.Time
	switch x := v.(type) {
	case time.Time:
		t = x
	case *time.Time:
		if x != nil {
			t = *x
		}
	}
	if t.IsZero() {
		return `<span class="unknown" title="not known">` + words.Dash + `</span>`
	}
	//nolint:gosec // times of our own making, formatted by us
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`,
		t.UTC().Format(time.RFC3339), words.UTC(t), words.Ago(t, p.reader.Now())))
}

// chartSpec is what app.js needs to draw a chart.
func chartSpec(c charts.Chart) any {
	return struct {
		Options json.RawMessage `json:"options"`
		Links   [][]string      `json:"links"`
		Unit    string          `json:"unit"`
	}{c.Options, c.Links, c.Unit}
}

// segment is a part of a bar, in percent of its width.
type segment struct {
	Class    string
	From, To float64
	Title    string
	Strength float64 // of the color, up to 1; 0: all of it
}

// Width is the length of the segment.
func (s segment) Width() float64 { return s.To - s.From }

// segments lays counts out over a bar: pairs of class and count, in order. A total of 0 takes the sum of the counts.
func segments(total int, pairs ...any) []segment {
	if total == 0 {
		for i := 1; i < len(pairs); i += 2 {
			n, _ := pairs[i].(int)
			total += n
		}
	}
	var out []segment
	at := 0.0
	for i := 0; i+1 < len(pairs) && total > 0; i += 2 {
		class, _ := pairs[i].(string)
		n, _ := pairs[i+1].(int)
		if n > 0 {
			width := float64(n) / float64(total) * 100
			out = append(out, segment{Class: class, From: at, To: at + width, Title: fmt.Sprintf("%s: %d", class, n)})
			at += width
		}
	}
	return out
}

func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if k, ok := pairs[i].(string); ok {
			m[k] = pairs[i+1]
		}
	}
	return m
}

// marks are the signs of outcomes. The word is always next to it.
var marks = map[event.Outcome]string{
	event.Pass: "✓", event.Warn: "▲", event.Fail: "✕", event.ErrorOutcome: "!", event.Unknown: "?", event.Stale: "?",
	event.NeedsReview: "◉", event.Waived: "~", event.NotApplicable: "–",
}

func mark(outcome string) string { return cmp.Or(marks[event.Outcome(outcome)], "–") }

// outcomeClass is the CSS class of an outcome's sign.
func outcomeClass(outcome any) string {
	word := fmt.Sprint(outcome)
	if word == string(event.NotApplicable) {
		return "na"
	}
	return strings.ReplaceAll(word, " ", "-")
}
