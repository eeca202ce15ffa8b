package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/web"
)

func TestCompliance(t *testing.T) {
	f := sharedFixture(t)
	ask := func(t *testing.T, query string) report.ComplianceDocument {
		t.Helper()
		var doc report.ComplianceDocument
		if err := json.Unmarshal([]byte(f.page(t, "/api/v1/compliance?"+query)), &doc); err != nil {
			t.Fatal(err)
		}
		return doc
	}
	control := func(t *testing.T, doc report.ComplianceDocument, id string) report.ControlDocument {
		t.Helper()
		i := slices.IndexFunc(doc.Controls, func(c report.ControlDocument) bool { return c.Control == id })
		if i < 0 {
			t.Fatalf("%s is not among the controls", id)
		}
		return doc.Controls[i]
	}
	t.Run("all services", func(t *testing.T) {
		doc := ask(t, "standard=slsa")
		if doc.Total != 22 || len(doc.Controls) != 22 || doc.Covered != 2 || doc.Services != 3 || doc.Version != "v1.2" ||
			!doc.AsOf.Equal(present) {
			t.Errorf("the report is %s of %d services, %d of %d controls, as of %s",
				doc.Version, doc.Services, doc.Covered, doc.Total, doc.AsOf)
		}
		// payment-service has an owner and a README, and its CI is not known; user-service has no README.
		for id, want := range map[string]string{
			"source/identity-management": "part failing map[failing:1 passing:2] owner v1 part Teams only.",
			"source/history":             "part failing map[failing:1 unknown:2] readme v1 whole , ci v1 part ",
			"source/two-party-review":    "none not covered map[] ",
		} {
			c := control(t, doc, id)
			var rules []string
			for _, r := range c.Rules {
				rules = append(rules, fmt.Sprintf("%s v%d %s %s", r.Rule, r.Version, r.Shows, r.Note))
			}
			if got := fmt.Sprint(c.Shows, " ", c.State, " ", c.Counts, " ", strings.Join(rules, ", ")); got != want {
				t.Errorf("%s is %q, want %q", id, got, want)
			}
		}
	})
	t.Run("one service", func(t *testing.T) {
		doc := ask(t, "standard=slsa&service=payment-service")
		c := control(t, doc, "source/history")
		if doc.Service != "component:default/payment-service" || c.State != report.ControlUnknown ||
			c.Rules[0].Outcome != "pass" || c.Rules[1].Outcome != "unknown" || c.Rules[1].Reason == "" {
			t.Errorf("the control is %+v", c)
		}
		if c := control(t, doc, "source/identity-management"); c.State != report.ControlPassing {
			t.Errorf("the control with one rule that passes is %s", c.State)
		}
	})
	t.Run("filters", func(t *testing.T) {
		for query, want := range map[string]int{
			"standard=slsa&state=passing": 1, "standard=slsa&state=not+covered": 20, "standard=slsa&q=history": 2,
			"standard=slsa&service=payment-service&state=failing": 0, "": 64, "standard=scorecard": 20,
		} {
			if doc := ask(t, query); len(doc.Controls) != want {
				t.Errorf("%s: %d controls, want %d", query, len(doc.Controls), want)
			} else if filtered := strings.Contains(query, "state=") || strings.Contains(query, "q="); filtered != (doc.Filter != "") {
				t.Errorf("%s: the document says that its filter is %q", query, doc.Filter)
			}
		}
	})
	t.Run("refusals", func(t *testing.T) {
		for query, want := range map[string]int{
			"standard=soc2": 400, "state=met": 400, "service=nobody": 400, "as_of=2026-11-01": 400,
			"service=payment-service&as_of=2098-01-01": 400,
		} {
			if status, _, body := f.get(t, "/api/v1/compliance?"+query); status != want {
				t.Errorf("%s: status %d, want %d: %s", query, status, want, body)
			}
		}
	})
	t.Run("a page", func(t *testing.T) {
		body := f.page(t, "/compliance?standard=slsa&service=payment-service")
		for _, want := range []string{"SLSA v1.2", "as of 2026-11-18 12:00:00 UTC", "2 of its 22 controls",
			"no proof that it is met", "https://slsa.dev/spec/v1.2/source-requirements#history", "not covered",
			"test-path/ci v1, shows a part"} {
			if !strings.Contains(body, want) {
				t.Errorf("%q is not on the page", want)
			}
		}
		if strings.Contains(body, "Only controls that fit") {
			t.Error("the page says that it is filtered")
		}
		filtered := strings.Join(strings.Fields(f.page(t, "/compliance?standard=slsa&state=failing&q=History")), " ")
		if !strings.Contains(filtered,
			"Only controls that fit:</strong> state failing, &#34;History&#34; in the id or the title; 1 of 22.") {
			t.Error("a filtered page does not say by what")
		}
		style, err := web.Assets.ReadFile("assets/app.css")
		if err != nil {
			t.Fatal(err)
		}
		if _, printed, _ := strings.Cut(string(style), "@media print"); printed == "" || strings.Contains(printed, ".demo") {
			t.Error("a printed page does not say that it is synthetic")
		}
		if strings.Contains(f.page(t, "/compliance"), ">met<") {
			t.Error("the page says that a control is met")
		}
	})
	t.Run("a file", func(t *testing.T) {
		_, header, body := f.get(t, "/compliance.csv?standard=slsa")
		lines := strings.Split(strings.TrimSpace(body), "\n")
		if len(lines) != 23 || !strings.HasPrefix(lines[0], "standard,version,control,") ||
			!strings.Contains(body, "slsa,v1.2,source/identity-management,L2,") ||
			!strings.Contains(header.Get("Content-Disposition"), `"compliance-slsa-2026-11-18.csv"`) {
			t.Errorf("%v %d lines:\n%s", header, len(lines), body)
		}
	})
	t.Run("of a past time", func(t *testing.T) {
		doc := ask(t, "standard=slsa&service=payment-service&as_of=2026-11-17")
		if doc.AsOf.After(present) || len(doc.Notes) == 0 {
			t.Errorf("as of %s, notes %q", doc.AsOf, doc.Notes)
		}
	})
	if status, _, _ := f.get(t, "/compliance?standard=x"); status != http.StatusBadRequest {
		t.Errorf("status %d for a standard that there is not", status)
	}
}
