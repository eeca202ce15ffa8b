package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/event"
)

// hostile are texts as somebody who wants to break a page, or only has an unusual name, would write them.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</script><script>alert(2)</script>`,
	`'; DROP TABLE deployments; --`,
	`{{.Secret}}`, "\u202eevil\u202c", "👩🏽‍🚀🔥", strings.Repeat("long", 125), "line\nbreak", "\u2028",
	"javascript:alert(3)", "%00%0a", `\`,
}

// hostileEvents has the text in every field that a source fills.
func hostileEvents(text string, i int) []event.Event {
	o := func(kind string) event.Origin {
		return event.Origin{Source: text, Provider: "github", Scope: "hostile/" + text, ID: kind + text,
			URL: "javascript:alert(document.domain)//" + text}
	}
	at := present.AddDate(0, 0, -i)
	own := o("own")
	own.Source, own.Scope = "gh", "myorg/payment-service"
	return []event.Event{
		event.Deployment{Origin: o("d"), Attempt: 1, Environment: text, Status: event.Succeeded, StatusRaw: text,
			FinishedAt: at, SHA: text, Ref: text, Version: text, Actor: text, Trigger: text},
		event.Deployment{Origin: own, Attempt: 1, Environment: "production", Status: event.Succeeded, StatusRaw: text,
			FinishedAt: at, SHA: text, Ref: text, Version: text, Actor: text, Trigger: text},
		event.PipelineRun{Origin: o("r"), Attempt: 1, Pipeline: text, Status: event.Failed, Branch: text, SHA: text,
			Actor: text, FinishedAt: at},
		event.Change{Origin: own, Repository: text, Number: 1, Title: text, Author: text, CreatedAt: at, MergedAt: at,
			ClosedAt: at, MergeSHA: text},
		event.Incident{Origin: o("i"), Severity: text, OpenedAt: at},
		event.LedgerEntry{Source: text, Scope: text, Of: event.KindDeployment, WindowStart: at, WindowEnd: present,
			Expected: 2, Stored: 1, CheckedAt: at, URL: "javascript:alert(4)", Note: text},
		event.Fact{Source: text, Entity: "component:default/payment-service", Name: "repository.files.readme",
			Type: event.BoolFact, Error: text, ObservedAt: at, URL: "javascript:alert(5)"},
	}
}

func hostileFixture(tb testing.TB) *fixture {
	tb.Helper()
	events := testEvents()
	descriptors, people := testCatalog, testPeople
	for i, text := range hostile {
		events = append(events, hostileEvents(text, i)...)
		descriptors += fmt.Sprintf(`---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: hostile-%d, title: %q, description: %q, tags: [%q], links: [{url: "javascript:alert(6)", title: %q}, {url: "https://ok.example/", title: %q}]}
spec: {type: service, lifecycle: %q, owner: hostile-%d, system: hostile-%d}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: hostile-%d, title: %q}
spec: {type: team, children: []}
`, i, yamlText(text), yamlText(text), "tag", yamlText(text), yamlText(text), yamlText(text), i, i, i, yamlText(text))
		people += fmt.Sprintf("hostile%d,\"%s\",\"%s\",2026-10-0%d,%s\n", i, strings.ReplaceAll(text, `"`, `""`),
			strings.ReplaceAll(text, `"`, `""`), i%9+1, "")
	}
	return newFixture(tb, descriptors, people, events)
}

// yamlText leaves out what Go's and YAML's double quotes do not write alike.
func yamlText(s string) string { return strings.ReplaceAll(s, "\u2028", " ") }

func TestHostileTextIsOnlyText(t *testing.T) {
	f := hostileFixture(t)
	pages := append([]string{"/services/default/hostile-0", "/events/deployments?page=2"}, everyPage...)
	for _, text := range hostile {
		pages = append(pages, "/events/deployments?q="+pathEscape(text), "/services?q="+pathEscape(text),
			"/time-to-first-deploy?only="+pathEscape(text))
	}
	forbidden := []*regexp.Regexp{
		regexp.MustCompile(`(?i)<script(>| [^>]*>)[^<]*alert\(`), regexp.MustCompile(`(?i)<img src=x`),
		regexp.MustCompile(`(?i)(href|src|action)="\s*javascript:`),
		regexp.MustCompile(`(?i)<[^>]+\son\w+=`), regexp.MustCompile(`ZgotmplZ`), regexp.MustCompile(`<no value>`),
		regexp.MustCompile(`%!\w\(`),
	}
	for _, path := range pages {
		status, _, body := f.get(t, path)
		if strings.Contains(path, "only=") { // there is no such cohort
			if status != http.StatusBadRequest {
				t.Errorf("%s: status %d", path, status)
			}
		} else if status != http.StatusOK {
			t.Errorf("%s: status %d", path, status)
		}
		markup := data.ReplaceAllStringFunc(body, func(block string) string {
			if !json.Valid([]byte(data.FindStringSubmatch(block)[1])) {
				t.Errorf("%s: a chart's data are not JSON: %s", path, block)
			}
			return ""
		})
		for _, bad := range forbidden {
			if found := bad.FindString(stripValues(markup)); found != "" {
				t.Errorf("%s: %s matches %q", path, bad, found)
			}
		}
		if strings.Count(body, "<script") != strings.Count(body, "</script>") {
			t.Errorf("%s: a text ends a script", path)
		}
	}
}

// data are the blocks with the options of charts.
var data = regexp.MustCompile(`(?s)<script type="application/json">(.*?)</script>`)

var attributes = regexp.MustCompile(`"[^"]*"`)

// stripValues empties attribute values other than addresses: quotes in them are escaped, so a value cannot end early,
// and what stands in them is no markup.
func stripValues(body string) string {
	return attributes.ReplaceAllStringFunc(body, func(v string) string {
		if strings.Contains(strings.ToLower(v), "javascript:") && strings.HasPrefix(strings.ToLower(v), `"javascript:`) {
			return v
		}
		return `""`
	})
}

func pathEscape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
