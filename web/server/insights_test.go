package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/report"
)

// insightClient is where `make tech-insights` installs the client of Backstage.
const insightClient = "testdata/tech-insights"

type insightFailure struct {
	Name, Cause, Message string
	Status               int
}

// TestTechInsightsClient runs the client of Backstage against a server.
func TestTechInsightsClient(t *testing.T) {
	if _, err := os.Stat(insightClient + "/node_modules/@backstage-community"); err != nil {
		t.Fatalf("the client of Backstage is not in %s; run \"make tech-insights\" first", insightClient)
	}
	f := newFixture(t, testCatalog, testPeople, testEvents())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = f.app.Listener(listener) }()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "node", "client.js", "http://"+listener.Addr().String())
	cmd.Dir, cmd.Stdout, cmd.Stderr = insightClient, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("the client failed: %v\n%s", err, stderr.String())
	}
	var got struct {
		Checks                               []report.InsightCheck
		Schemas                              []map[string]report.InsightSchema
		One, Some                            []report.InsightResult
		All, Several                         []report.InsightResults
		Facts                                map[string]report.InsightFacts
		UnknownEntity, UnknownCheck, NoFacts insightFailure
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("%v:\n%s", err, stdout.String())
	}

	var ids []string
	for _, c := range got.Checks {
		ids = append(ids, c.ID)
	}
	if want := []string{"test-path/owner", "test-path/readme", "test-path/ci", "test-path/system", "others/owned",
		"others/described"}; !slices.Equal(ids, want) {
		t.Errorf("the checks are %v, want %v", ids, want)
	}
	if c := got.Checks[0]; c.Type != "json-rules-engine" || c.Name != "Has an owner" ||
		c.Description != "Somebody must answer." || !slices.Equal(c.FactIDs, []string{"catalog.has_owner"}) {
		t.Errorf("the first check is %+v", c)
	}
	if want := "test-path/owner true, test-path/readme true, test-path/ci null, test-path/system true"; told(got.One) != want {
		t.Errorf("the results are %s, want %s", told(got.One), want)
	}
	ci := got.One[2]
	if !strings.HasPrefix(ci.Check.Description, "**unknown**: ") || ci.Check.Metadata["outcome"] != "unknown" ||
		fmt.Sprint(ci.Check.Metadata["missing"]) != "[ci.p95_minutes]" || len(ci.Facts) != 0 {
		t.Errorf("the undecided result is %+v", ci)
	}
	if fact := got.One[0].Facts["catalog.has_owner"]; string(fact.Value) != "true" || fact.Type != "boolean" {
		t.Errorf("the fact behind the first result is %+v", fact)
	}
	if told(got.Some) != "test-path/owner true" {
		t.Errorf("the result of one check is %s", told(got.Some))
	}
	var entities []string
	for _, e := range got.All {
		entities = append(entities, e.Entity+": "+told(e.Results))
	}
	if want := []string{
		"component:default/payment-service: test-path/owner true, test-path/readme true, test-path/ci null, " +
			"test-path/system true",
		"component:default/user-service: test-path/owner true, test-path/readme false, test-path/ci null, " +
			"test-path/system false",
		"component:default/orphan-service: test-path/owner false, test-path/readme null, test-path/ci null, " +
			"test-path/system false",
		"component:default/shared-library: others/owned true, others/described false",
		"system:default/checkout: others/owned true, others/described false",
	}; !slices.Equal(slices.Sorted(slices.Values(entities)), slices.Sorted(slices.Values(want))) {
		t.Errorf("the results of all entities are\n%s\nwant\n%s", strings.Join(entities, "\n"), strings.Join(want, "\n"))
	}
	if s := got.Several; len(s) != 2 || told(s[0].Results) != "test-path/owner true" || s[1].Error == nil ||
		s[1].Error.Name != "NotFoundError" || len(s[1].Results) != 0 {
		t.Errorf("the results of two entities are %+v", s)
	}
	owner := got.Facts["catalog.has_owner"]
	if len(got.Facts) != 1 || string(owner.Facts["catalog.has_owner"]) != "true" || owner.Timestamp.IsZero() {
		t.Errorf("the latest facts are %+v", got.Facts)
	}
	if !slices.ContainsFunc(got.Schemas, func(s map[string]report.InsightSchema) bool {
		return s["ci.p95_minutes"].Type == "float" && s["ci.p95_minutes"].Description != ""
	}) {
		t.Error("the type of ci.p95_minutes is not among the schemas")
	}
	for name, tt := range map[string]struct {
		got  insightFailure
		want insightFailure
	}{
		"entity": {got.UnknownEntity, insightFailure{"ResponseError", "NotFoundError", "did you mean payment-service?", 404}},
		"check":  {got.UnknownCheck, insightFailure{"ResponseError", "NotFoundError", `did you mean "test-path/owner"`, 404}},
		"facts":  {got.NoFacts, insightFailure{"ResponseError", "InputError", "entity and ids are required", 400}},
	} {
		if g, w := tt.got, tt.want; g.Name != w.Name || g.Cause != w.Cause || g.Status != w.Status ||
			!strings.Contains(g.Message, w.Message) {
			t.Errorf("%s: the client sees %+v, want %+v", name, g, w)
		}
	}
}

// told lists the checks with their results.
func told(results []report.InsightResult) string {
	parts := make([]string, len(results))
	for i, r := range results {
		value, _ := json.Marshal(r.Result)
		parts[i] = r.Check.ID + " " + string(value)
	}
	return strings.Join(parts, ", ")
}

func TestTechInsightsRefusals(t *testing.T) {
	f := sharedFixture(t)
	entities := func(n int) string {
		return `{"entities":[` + strings.TrimSuffix(strings.Repeat(`"component:default/x",`, n), ",") + `]}`
	}
	for name, tt := range map[string]struct {
		method, path, kind, body string
		status                   int
		want                     string
	}{
		"no JSON": {"POST", "checks/run", "application/json", "{", 400, "reading the body"},
		"another type": {"POST", "checks/run", "text/plain", "{}", 415,
			"send JSON with the header Content-Type: application/json"},
		"no body":         {"POST", "checks/run", "application/json", "", 400, "unexpected end of JSON input"},
		"too large":       {"POST", "checks/run", "application/json", strings.Repeat(" ", 1<<20) + "{}", 413, "larger than"},
		"too many":        {"POST", "checks/run", "application/json", entities(1001), 400, "1001 entities; at most 1000"},
		"no entity":       {"POST", "checks/run", "application/json", `{"entities":[{"kind":"x"}]}`, 400, "kind, namespace and name"},
		"not a list":      {"POST", "checks/run", "application/json", `{"checks":"x"}`, 400, "reading the body"},
		"parameter":       {"POST", "checks/run?x=1", "application/json", `{}`, 400, "unknown parameter"},
		"get":             {"GET", "checks/run", "", "", 404, "no page"},
		"put":             {"PUT", "checks", "application/json", `{}`, 405, "not offered"},
		"too many ids":    {"GET", "fact-schemas?" + strings.Repeat("ids[]=a&", 501), "", "", 400, "more than 500 values"},
		"no entity asked": {"GET", "facts/latest?ids[]=catalog.has_owner", "", "", 400, "entity and ids are required"},
		"unknown fact":    {"GET", "facts/latest?entity=payment-service&ids[0]=catalog.has_ovner", "", "", 404, `did you mean "catalog.has_owner"`},
		"odd index":       {"GET", "facts/latest?entity=payment-service&ids[x]=a", "", "", 400, "unknown parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "/api/tech-insights/"+tt.path, strings.NewReader(tt.body))
			r.Host = "localhost"
			r.Header.Set("Content-Type", tt.kind)
			status, header, body := f.do(t, r)
			var problem struct {
				Error    struct{ Name, Message string }
				Response struct{ StatusCode int }
			}
			if err := json.Unmarshal([]byte(body), &problem); err != nil {
				t.Fatalf("%v:\n%s", err, body)
			}
			if status != tt.status || problem.Response.StatusCode != tt.status || problem.Error.Name == "" ||
				!strings.Contains(problem.Error.Message, tt.want) || header.Get("Content-Type") != "application/json" ||
				header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("status %d, want %d with %q: %s", status, tt.status, tt.want, body)
			}
		})
	}
	r := httptest.NewRequest(http.MethodPost, "/api/tech-insights/checks/run", strings.NewReader(`{}`))
	r.Host = "evil.example"
	if status, _, _ := f.do(t, r); status != http.StatusMisdirectedRequest {
		t.Errorf("status %d for another host", status)
	}
}
