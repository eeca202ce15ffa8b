package openapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards/plan"
	"github.com/dxctl/dxctl/web/openapi"
	"github.com/dxctl/dxctl/web/route"
)

type word string

type inner struct {
	Text string `json:"text"`
}

type base struct {
	Name string `json:"name"`
}

// Link has the name of another type, which it is not.
type Link struct {
	To string `json:"to"`
}

type outer struct {
	base
	Always  int               `json:"always"`
	Some    *float64          `json:"some"`
	Maybe   *inner            `json:"maybe"`
	Left    *inner            `json:"left,omitempty"`
	Zero    time.Time         `json:"zero,omitzero"`
	At      time.Time         `json:"at" nullable:"true"`
	List    []inner           `json:"list"`
	Map     map[string]word   `json:"map"`
	Raw     json.RawMessage   `json:"raw"`
	Own     Link              `json:"own"`
	Other   report.RuleChoice `json:"other"`
	Ignored int               `json:"-"`
}

type problem struct {
	Detail string `json:"detail"`
}

// described returns the document of the routes.
func described(t *testing.T, routes ...route.Route) map[string]any {
	t.Helper()
	text, err := openapi.Document(openapi.Config{Title: "t", Version: "1", Problem: problem{}, Routes: routes,
		Words: []openapi.Words{{Of: word(""), Values: []string{"yes", "no"}}}})
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// at returns a part of a document.
func at(doc any, keys ...string) any {
	for _, key := range keys {
		object, _ := doc.(map[string]any)
		doc = object[key]
	}
	return doc
}

func TestSchemas(t *testing.T) {
	doc := described(t, route.Get("/a", nil).Titled("a").Answers(outer{}))
	schema := at(doc, "components", "schemas", "Outer")
	for _, tt := range []struct{ property, want string }{
		{"name", `map[type:string]`},
		{"always", `map[type:integer]`},
		{"some", `map[type:[null number]]`},
		{"maybe", `map[anyOf:[map[$ref:#/components/schemas/Inner] map[type:null]]]`},
		{"left", `map[$ref:#/components/schemas/Inner]`},
		{"zero", `map[format:date-time type:string]`},
		{"at", `map[format:date-time type:[string null]]`},
		{"list", `map[items:map[$ref:#/components/schemas/Inner] type:array]`},
		{"map", `map[additionalProperties:map[$ref:#/components/schemas/Word] type:object]`},
		{"raw", `map[]`},
		{"own", `map[$ref:#/components/schemas/Link]`},
		{"Ignored", `<nil>`},
	} {
		if got := fmt.Sprint(at(schema, "properties", tt.property)); got != tt.want {
			t.Errorf("%s is %s, want %s", tt.property, got, tt.want)
		}
	}
	if got := fmt.Sprint(at(doc, "components", "schemas", "Word")); got != "map[enum:[yes no] type:string]" {
		t.Errorf("a word is %s", got)
	}
	want := "[name always some maybe at list map raw own other]"
	if got := fmt.Sprint(at(schema, "required")); got != want {
		t.Errorf("required are %s, want %s", got, want)
	}
}

// Two types with one name are two components.
func TestNamesDiffer(t *testing.T) {
	doc := described(t, route.Get("/a", nil).Answers(struct {
		A Link            `json:"a"`
		B report.Page     `json:"b"`
		C descriptor.Link `json:"c"`
	}{}), route.Get("/b", nil).Answers(plan.Plan{}))
	schemas, _ := at(doc, "components", "schemas").(map[string]any)
	for _, name := range []string{"Link", "Page", "Plan"} {
		if schemas[name] == nil {
			t.Errorf("there is no component %s", name)
		}
	}
	if n := fmt.Sprint(at(schemas["Link"], "properties", "to"), at(schemas["DescriptorLink"], "properties", "url")); n !=
		"map[type:string] map[type:string]" {
		t.Errorf("the components with one name are %s", n)
	}
}

func TestOperations(t *testing.T) {
	asked := route.Ask("/ask/:name", func() route.Maker { return nil }(), 100).Titled("ask").Answers(inner{})
	asked.Doc.Body, asked.Doc.Problem = inner{}, base{}
	listed := route.Get("/list", nil, "sort", "page", "ids", "must").Titled("list").Answers(inner{}, base{}).With(
		route.Parameter{Name: "sort", Values: []string{"a", "b"}, Default: "a"},
		route.Parameter{Name: "must", Required: true})
	listed.Lists = []string{"ids"}
	doc := described(t, asked, listed)
	for _, tt := range []struct {
		want string
		keys []string
	}{
		{"3.1.0", []string{"openapi"}},
		{"postAskName", []string{"paths", "/ask/{name}", "post", "operationId"}},
		{"map[application/json:map[schema:map[$ref:#/components/schemas/Inner]]]",
			[]string{"paths", "/ask/{name}", "post", "requestBody", "content"}},
		{"map[application/json:map[schema:map[$ref:#/components/schemas/Base]]]",
			[]string{"paths", "/ask/{name}", "post", "responses", "413", "content"}},
		{"map[application/problem+json:map[schema:map[$ref:#/components/schemas/Problem]]]",
			[]string{"paths", "/list", "get", "responses", "400", "content"}},
		{"<nil>", []string{"paths", "/list", "get", "responses", "413"}},
		{"map[schema:map[anyOf:[map[$ref:#/components/schemas/Inner] map[$ref:#/components/schemas/Base]]]]",
			[]string{"paths", "/list", "get", "responses", "200", "content", "application/json"}},
	} {
		if got := fmt.Sprint(at(doc, tt.keys...)); got != tt.want {
			t.Errorf("%v is %s, want %s", tt.keys, got, tt.want)
		}
	}
	list, _ := at(doc, "paths", "/list", "get", "parameters").([]any)
	var got []string
	for _, p := range list {
		got = append(got, fmt.Sprintf("%v %v %v", at(p, "name"), at(p, "required"), at(p, "schema")))
	}
	want := []string{"sort <nil> map[default:a enum:[a b] type:string]",
		"page <nil> map[default:1 maximum:1e+06 minimum:1 type:integer]",
		"ids <nil> map[items:map[type:string] type:array]", "must true map[type:string]"}
	if !slices.Equal(got, want) {
		t.Errorf("the parameters are\n%q, want\n%q", got, want)
	}
	if !slices.Contains(openapi.Failures(route.Route{Method: fiber.MethodGet}), fiber.StatusNotFound) {
		t.Error("a path that is not found is not described")
	}
}
