package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/dxctl/dxctl/web/charts"
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
}

func (a *app) layout(title, active string) layout {
	return layout{Title: title, Active: active, Demo: a.deps.Demo, Version: a.deps.Version}
}

type navItem struct{ Path, Label string }

var navigation = []navItem{
	{"/", "Overview"}, {"/services", "Services"}, {"/time-to-first-deploy", "First deploy"},
	{"/events", "Events"}, {"/ledger", "Data"},
}

// loadTemplates parses base.html and the parts once for each page.
func (a *app) loadTemplates() error {
	pages, err := fs.Glob(templates, "templates/page_*.html")
	if err != nil {
		return err
	}
	a.pages = map[string]*template.Template{}
	for _, page := range pages {
		t, err := template.New("base.html").Funcs(a.funcs()).ParseFS(templates, "templates/base.html", "templates/parts.html", page)
		if err != nil {
			return fmt.Errorf("web template %s: %w", page, err)
		}
		a.pages[strings.TrimSuffix(strings.TrimPrefix(path.Base(page), "page_"), ".html")] = t
	}
	return nil
}

// render makes a page. It is made whole before the first byte is sent, so that a mistake becomes an error page and not
// half a page.
func (a *app) render(page string, view any) (answer, error) {
	var b bytes.Buffer
	if err := a.pages[page].ExecuteTemplate(&b, "base.html", view); err != nil {
		return answer{}, fmt.Errorf("page %s: %w", page, err)
	}
	return answer{kind: "text/html; charset=utf-8", body: b.Bytes()}, nil
}

func (a *app) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":       a.assets.url,
		"nav":         func() []navItem { return navigation },
		"chartscript": func() string { return a.assets.url(chartLibrary) },
		"time":        a.timeTag,
		"utc":         utc,
		"whole":       whole[int],
		"number":      charts.Number,
		"percent":     percent,
		"minutes":     minutes,
		"hours":       hours,
		"refname":     refName,
		"service":     servicePath,
		"safeurl":     httpURL,
		"plural":      plural,
		"spec":        chartSpec,
		"inside":      insideSentence,
		"lower":       strings.ToLower,
		"commit":      commitOf,
		"add":         func(a, b int) int { return a + b },
		"segments":    segments,
		"dict":        dict,
		"level":       levelName,
		"waited":      waited,
		"sub":         func(a, b int) int { return a - b },
		"change":      changeText,
		"cohort":      cohortLabel,
		"kindname":    kindName,
		"mark":        mark,
		"share":       func(v float64) string { return percent(&v) },
		"deployment":  deploymentLink,
		"day":         day,
	}
}

// insideSentence writes a title as it stands inside a sentence: Deployments as deployments, CI jobs as CI jobs.
func insideSentence(title string) string {
	first, rest, _ := strings.Cut(title, " ")
	if first != strings.ToUpper(first) {
		first = strings.ToLower(first)
	}
	if rest == "" {
		return first
	}
	return first + " " + rest
}

// timeTag writes a time relative to now with the instant in UTC as its title. It makes no markup from its argument.
func (a *app) timeTag(v any) template.HTML {
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
		return `<span class="unknown" title="not known">` + dash + `</span>`
	}
	//nolint:gosec // times of our own making, formatted by us
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, t.UTC().Format(time.RFC3339), utc(t), ago(t, a.deps.Now())))
}

// chartSpec is what app.js needs to draw a chart.
func chartSpec(c charts.Chart) any {
	return struct {
		Options json.RawMessage `json:"options"`
		Links   [][]string      `json:"links"`
		Unit    string          `json:"unit"`
	}{c.Options, c.Links, c.Unit}
}

// commitOf is the short name of an event's commit, or "" when its name says it already.
func commitOf(e eventRow) string {
	short := e.SHA[:min(len(e.SHA), 9)]
	if strings.Contains(e.Name, short) {
		return ""
	}
	return short
}

// segment is a part of a bar, in percent of its width.
type segment struct {
	Class    string
	From, To float64
	Title    string
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
			out = append(out, segment{class, at, at + width, fmt.Sprintf("%s: %d", class, n)})
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

// levelName is a level as it is shown; no level at all is "none".
func levelName(level string) string {
	if level == "" {
		return "none"
	}
	return strings.ToLower(level)
}
