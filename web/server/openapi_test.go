package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/scorecards/plan"
	"github.com/dxctl/dxctl/web/openapi"
	"github.com/dxctl/dxctl/web/server"
)

// apiDocument is the part of an OpenAPI document that the tests look at.
type apiDocument struct {
	OpenAPI    string                             `json:"openapi"`
	Paths      map[string]map[string]apiOperation `json:"paths"`
	Components struct {
		Schemas map[string]map[string]any `json:"schemas"`
	} `json:"components"`
}

type apiOperation struct {
	OperationID string `json:"operationId"`
	Summary     string `json:"summary"`
	Parameters  []struct {
		Name, In, Description string
		Required              bool
		Schema                struct {
			Type             any
			Enum             []string
			Minimum, Maximum int
			Default          any
		}
	}
	RequestBody any
	Responses   map[string]apiResponse
}

type apiResponse struct {
	Content map[string]struct{ Schema map[string]any }
}

func (f *fixture) openAPI(t *testing.T) ([]byte, apiDocument) {
	t.Helper()
	text := f.page(t, "/api/v1/openapi.json")
	var doc apiDocument
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return []byte(text), doc
}

// received is a server that also receives deliveries.
func received(t *testing.T, f *fixture) *fixture {
	t.Helper()
	deps := f.deps
	registry := prometheus.NewRegistry()
	deps.Registerer, deps.Gatherer = registry, registry
	deps.WebhookAnswer, deps.PlanAnswer = webhook.Answer{}, plan.Plan{}
	deps.Webhooks = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	deps.Plans = deps.Webhooks
	app, err := server.New(server.DefaultConfig(), deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Shutdown() })
	return &fixture{app: app, store: f.store, catalog: f.catalog, deps: deps}
}

// TestOpenAPIHasTheRoutes compares the description with what the server answers, in both directions.
func TestOpenAPIHasTheRoutes(t *testing.T) {
	plain := sharedFixture(t)
	for name, f := range map[string]*fixture{"plain": plain, "with deliveries": received(t, plain)} {
		t.Run(name, func(t *testing.T) {
			_, doc := f.openAPI(t)
			var described, registered []string
			ids := map[string]bool{}
			for path, operations := range doc.Paths {
				for method, o := range operations {
					described = append(described, strings.ToUpper(method)+" "+path)
					if ids[o.OperationID] || o.OperationID == "" || o.Summary == "" {
						t.Errorf("%s %s: operationId %q, summary %q", method, path, o.OperationID, o.Summary)
					}
					ids[o.OperationID] = true
				}
			}
			for _, r := range f.app.GetRoutes(true) {
				if strings.HasPrefix(r.Path, "/api/") && r.Method != http.MethodHead {
					registered = append(registered, r.Method+" "+openapi.Path(r.Path))
				}
			}
			slices.Sort(described)
			slices.Sort(registered)
			if registered = slices.Compact(registered); !slices.Equal(described, registered) {
				t.Errorf("described are\n%s\nand there are\n%s", strings.Join(described, "\n"), strings.Join(registered, "\n"))
			}
		})
	}
}

// TestOpenAPIIsValid checks the description against the schema of OpenAPI 3.1.
func TestOpenAPIIsValid(t *testing.T) {
	text, doc := received(t, sharedFixture(t)).openAPI(t)
	parsed, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	check, problems := validator.NewValidator(parsed)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if valid, problems := check.ValidateDocument(); !valid {
		for _, p := range problems {
			t.Errorf("%s: %s", p.Message, p.Reason)
			for _, e := range p.SchemaValidationErrors {
				t.Logf("  %s", e.Reason)
			}
		}
	}
	if doc.OpenAPI != "3.1.0" || len(doc.Components.Schemas) < 30 {
		t.Errorf("version %s with %d schemas", doc.OpenAPI, len(doc.Components.Schemas))
	}
}

// strict compiles the schema of each answer so that a field that it does not describe is an error.
type strict struct {
	compiler *jsonschema.Compiler
	doc      map[string]any
}

func newStrict(t *testing.T, text []byte) *strict {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	doc, ok := parsed.(map[string]any)
	if !ok {
		t.Fatal("the description is no object")
	}
	closed(doc["components"])
	s := &strict{jsonschema.NewCompiler(), doc}
	s.compiler.DefaultDraft(jsonschema.Draft2020)
	s.compiler.AssertFormat()
	if err := s.compiler.AddResource("api.json", doc); err != nil {
		t.Fatal(err)
	}
	return s
}

// closed forbids what objects do not describe.
func closed(value any) {
	switch v := value.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok && v["type"] != nil && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, child := range v {
			closed(child)
		}
	case []any:
		for _, child := range v {
			closed(child)
		}
	}
}

// check validates an answer by the schema of an operation.
func (s *strict) check(t *testing.T, path, method string, status int, kind, body string) {
	t.Helper()
	escape := func(key string) string {
		return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
	}
	at := "api.json#/paths/" + escape(path) + "/" + method + "/responses/" + strconv.Itoa(status) + "/content/" +
		escape(kind) + "/schema"
	schema, err := s.compiler.Compile(at)
	if err != nil {
		t.Errorf("status %d of type %s is not described: %v\n%s", status, kind, err, body)
		return
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		t.Errorf("%v:\n%s", err, body)
		return
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%v\n%s", err, body[:min(len(body), 2000)])
	}
}

// placesOf are values for the parts of paths that vary.
var placesOf = map[string][]string{
	"namespace": {"default"}, "name": {"payment-service"}, "entitykind": {"component"},
	"campaign": {"silver"}, "survey": {"2026-Q3"}, "scorecard": {"test-path"}, "rule": {"readme"},
	"batch": {"b0"},
	"kind":  {"deployments", "pipeline_runs", "pipeline_jobs", "changes", "incidents", "action_runs"},
}

// requiredValues are values for parameters that are required.
var requiredValues = map[string]string{"scorecard": "test-path", "level": "bronze",
	"entity": "component:default/payment-service", "ids": "catalog.has_owner"}

// requestsOf are addresses of an operation, each with its required parameters.
func requestsOf(t *testing.T, path string, o apiOperation) []string {
	t.Helper()
	list := []string{path}
	for {
		_, rest, found := strings.Cut(list[0], "{")
		if !found {
			break
		}
		name, _, _ := strings.Cut(rest, "}")
		if placesOf[name] == nil {
			t.Fatalf("%s: the test has no value for {%s}", path, name)
		}
		var filled []string
		for _, p := range list {
			for _, value := range placesOf[name] {
				filled = append(filled, strings.Replace(p, "{"+name+"}", value, 1))
			}
		}
		list = filled
	}
	query := url.Values{}
	for _, p := range o.Parameters {
		if p.In == "query" && p.Required {
			query.Set(p.Name, requiredValues[p.Name])
		}
	}
	for i := range list {
		list[i] += "?" + query.Encode()
	}
	return list
}

// TestOpenAPIAnswers validates real answers, those to wrong requests too, and that what the description says of
// parameters is so.
func TestOpenAPIAnswers(t *testing.T) {
	f := sharedFixture(t)
	text, doc := f.openAPI(t)
	s := newStrict(t, text)
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		operation, ok := doc.Paths[path]["get"]
		if !ok || path == "/api/v1/openapi.json" {
			continue
		}
		for _, address := range requestsOf(t, path, operation) {
			t.Run(address, func(t *testing.T) {
				ask := func(address string, want int) string {
					t.Helper()
					status, header, body := f.get(t, address)
					if status != want {
						t.Errorf("%s: status %d, want %d: %s", address, status, want, body)
						return body
					}
					s.check(t, path, "get", status, header.Get("Content-Type"), body)
					return body
				}
				plain := ask(address, http.StatusOK)
				ask(address+"&no_such_parameter=1", http.StatusBadRequest)
				for _, p := range operation.Parameters {
					with := func(value string) string { return address + "&" + p.Name + "=" + url.QueryEscape(value) }
					if p.In != "query" {
						continue
					}
					if p.Description == "" {
						t.Errorf("the parameter %s is not described: add it to the route, or to web/route", p.Name)
					}
					if p.Required {
						u := strings.Replace(address, p.Name+"="+url.QueryEscape(requiredValues[p.Name]), "", 1)
						ask(u, http.StatusBadRequest)
					}
					for _, value := range p.Schema.Enum {
						status, header, body := f.get(t, with(value))
						if status != http.StatusOK && !partial(path, p.Name) {
							t.Errorf("%s: status %d: %s", with(value), status, body)
						}
						s.check(t, path, "get", status, header.Get("Content-Type"), body)
					}
					if p.Schema.Enum != nil {
						ask(with("no such value"), http.StatusBadRequest)
					}
					if p.Schema.Type == "integer" {
						ask(with("0"), http.StatusBadRequest)
						ask(with(strconv.Itoa(p.Schema.Minimum)), http.StatusOK)
						ask(with(strconv.Itoa(p.Schema.Maximum)), http.StatusOK)
						ask(with(strconv.Itoa(p.Schema.Maximum+1)), http.StatusBadRequest)
					}
					if value := p.Schema.Default; value != nil && !partial(path, p.Name) {
						// The address of the next page repeats the parameters.
						body := ask(with(fmt.Sprint(value)), http.StatusOK)
						if addressOfNext.ReplaceAllString(body, "") != addressOfNext.ReplaceAllString(plain, "") {
							t.Errorf("%s: without %s the answer is another one", with(fmt.Sprint(value)), p.Name)
						}
					}
				}
			})
		}
	}
	for address, path := range map[string]string{
		"/api/v1/services/default/nothing":                           "/api/v1/services/{namespace}/{name}",
		"/api/v1/services/default/payment-service?as_of=2026-11-17":  "/api/v1/services/{namespace}/{name}",
		"/api/v1/services?as_of=2026-11-17":                          "/api/v1/services",
		"/api/v1/entities?as_of=2026-11-17":                          "/api/v1/entities",
		"/api/v1/grades?as_of=2026-11-17":                            "/api/v1/grades",
		"/api/v1/scorecards?as_of=2026-11-17":                        "/api/v1/scorecards",
		"/api/v1/scorecards/test-path?as_of=2026-11-17":              "/api/v1/scorecards/{scorecard}",
		"/api/v1/scorecards/test-path/services?as_of=2026-11-17":     "/api/v1/scorecards/{scorecard}/services",
		"/api/v1/scorecards/test-path/teams?as_of=2026-11-17":        "/api/v1/scorecards/{scorecard}/teams",
		"/api/v1/scorecards/test-path/rules/readme?as_of=2026-11-17": "/api/v1/scorecards/{scorecard}/rules/{rule}",
		"/api/v1/events/shoes":                                       "/api/v1/events/{kind}",
		"/api/tech-insights/facts/latest?entity=nothing&ids=a":       "/api/tech-insights/facts/latest",
		"/api/v1/services/default/payment-service/facts?prefix=none": "/api/v1/services/{namespace}/{name}/facts",
	} {
		status, header, body := f.get(t, address)
		s.check(t, path, "get", status, header.Get("Content-Type"), body)
	}
	for _, question := range []struct{ path, address, body string }{
		{"/api/tech-insights/checks/run", "/api/tech-insights/checks/run", `{"entities": []}`},
		{"/api/tech-insights/checks/run", "/api/tech-insights/checks/run", `{"entities": ["component:default/nobody"]}`},
		{"/api/tech-insights/checks/run", "/api/tech-insights/checks/run", `[`},
		{"/api/tech-insights/checks/run/{namespace}/{entitykind}/{name}",
			"/api/tech-insights/checks/run/default/component/payment-service", `{}`},
		{"/api/tech-insights/checks/run/{namespace}/{entitykind}/{name}",
			"/api/tech-insights/checks/run/default/component/nobody", `{}`},
	} {
		for _, kind := range []string{"application/json", "text/plain"} {
			r := httptest.NewRequest(http.MethodPost, question.address, strings.NewReader(question.body))
			r.Host = "localhost"
			r.Header.Set("Content-Type", kind)
			status, header, body := f.do(t, r)
			s.check(t, question.path, "post", status, header.Get("Content-Type"), body)
		}
	}
}

// partial reports whether some kinds or populations of a list lack the parameter, or some of its values.
func partial(path, parameter string) bool {
	return path == "/api/v1/events/{kind}" && slices.Contains([]string{"sort", "delivered", "without"}, parameter) ||
		path == "/api/v1/metrics/time-to-first-deploy" && parameter == "sort"
}

var addressOfNext = regexp.MustCompile(`"next":"[^"]*"`)
