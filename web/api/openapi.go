package api

import (
	"context"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/records"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
	"github.com/dxctl/dxctl/web/openapi"
	"github.com/dxctl/dxctl/web/route"
)

// OpenAPIPath is the address of the description of the API.
const OpenAPIPath = "/api/v1/openapi.json"

// Problem is the document of an error (RFC 9457).
type Problem struct {
	Type     string `json:"type"` // always about:blank
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"` // what was wrong, and what to do
	Instance string `json:"instance"`
}

// OpenAPI is the route of the description of the routes, which it is itself one of.
func (a *API) OpenAPI(routes []route.Route) route.Route {
	self := route.Get(OpenAPIPath, nil).Titled("this document").Answers(map[string]any{})
	described := append(slices.Clone(routes), self)
	self.Make = func(context.Context, route.Request) (route.Answer, error) {
		doc, err := openapi.Document(openapi.Config{
			Title: "dxctl",
			Description: "Developer experience metrics and scorecards. Within v1, fields and paths are added, never renamed " +
				"or removed. Times are UTC in RFC 3339; what is not known is null or absent, never zero.",
			Version: a.version, Routes: described, Problem: Problem{}, Places: places(), Words: wordsOfTypes(),
		})
		return route.Answer{Type: fiber.MIMEApplicationJSON, Body: doc}, err
	}
	return self
}

// places are the parts of paths that vary.
func places() []route.Parameter {
	var kinds []string
	for _, k := range records.Kinds() {
		kinds = append(kinds, k.Name)
	}
	return []route.Parameter{
		{Name: "namespace", Description: "namespace of the entity, such as default"},
		{Name: "name", Description: "name of the entity"},
		{Name: "entitykind", Description: "kind of the entity, such as system"},
		{Name: "kind", Description: "kind of the records", Values: kinds},
		{Name: "source", Description: "name of a source of the configuration"},
		{Name: "scorecard", Description: "name of the scorecard"},
		{Name: "rule", Description: "id of the rule"},
		{Name: "campaign", Description: "id of the campaign"},
		{Name: "survey", Description: "id of the survey"},
	}
}

// wordsOfTypes are the values of the types of texts in the documents.
func wordsOfTypes() []openapi.Words {
	return []openapi.Words{
		{Of: event.Outcome(""), Values: append(texts(event.Outcomes), "")}, // "" where there is none
		{Of: event.FactType(""), Values: texts(event.FactTypes)},
		{Of: campaign.State(""), Values: texts(campaign.States)},
		{Of: campaign.Verdict(""), Values: texts(campaign.Verdicts)},
		{Of: report.SurveyBy(""), Values: texts(report.SurveyBys)},
		{Of: report.ControlState(""), Values: texts(report.ControlStates)},
		{Of: waiver.State(""), Values: texts(report.WaiverStates)},
		{Of: waiver.Origin(""), Values: texts(waiver.Origins)},
		{Of: scorecards.Decision(""), Values: texts([]scorecards.Decision{
			scorecards.GatePass, scorecards.GateFail, scorecards.GateUnknown,
		})},
	}
}

func texts[T ~string](values []T) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}

// outcomes describes the filter by outcomes.
var outcomes = oneOf("outcome", "outcome of the rule, or of any rule without one", event.Outcomes)

func oneOf[T ~string](name, description string, values []T) route.Parameter {
	return route.Parameter{Name: name, Description: description, Values: texts(values)}
}

// sortedBy describes the columns of a list, which may differ by what is listed.
func sortedBy(lists ...[]sorting.Column) route.Parameter {
	p := route.Parameter{Name: "sort", Description: "column by which the list is sorted; unknown values are last"}
	for _, columns := range lists {
		for _, c := range columns {
			if c.Key != "" && !slices.Contains(p.Values, c.Key) {
				p.Values = append(p.Values, c.Key)
			}
		}
	}
	return p
}

// columnsOfKinds are the columns of the lists of events.
func columnsOfKinds() [][]sorting.Column {
	var lists [][]sorting.Column
	for _, k := range records.Kinds() {
		lists = append(lists, sorting.Heads(k.Listed()))
	}
	return lists
}

// perPage describes how many entries a document has.
func perPage(most int) route.Parameter {
	return route.Parameter{Name: "per_page", Description: "entries of the document", Number: true, Most: most,
		Default: strconv.Itoa(most)}
}
