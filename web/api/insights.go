package api

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/web/route"
)

// InsightPath is where the Tech Insights API is. The client of Backstage appends its paths to it.
const InsightPath = "/api/tech-insights/"

// The bounds of a question.
const (
	maxInsightBody     = 1 << 20 // bytes
	maxInsightEntities = 1000    // the client asks for 750 at a time
	maxInsightChecks   = 1000
)

// InsightProblem is an error as the clients of Backstage read it.
type InsightProblem struct {
	Error    InsightProblemError    `json:"error"`
	Request  InsightProblemRequest  `json:"request"`
	Response InsightProblemResponse `json:"response"`
}

// InsightProblemError is what was wrong.
type InsightProblemError struct {
	Name    string `json:"name"` // such as InputError
	Message string `json:"message"`
}

// InsightProblemRequest is what was asked.
type InsightProblemRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

// InsightProblemResponse is the answer.
type InsightProblemResponse struct {
	StatusCode int `json:"statusCode"`
}

// InsightQuestion asks for the results of checks for an entity.
type InsightQuestion struct {
	Checks []string `json:"checks,omitempty"` // ids; empty: all
}

// InsightBulkQuestion asks for the results of checks for several entities.
type InsightBulkQuestion struct {
	Entities []InsightEntity `json:"entities"`         // empty: every graded entity
	Checks   []string        `json:"checks,omitempty"` // ids; empty: all
}

// InsightEntity names an entity.
type InsightEntity struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// UnmarshalJSON reads the parts of a name, or a ref such as component:default/payment-service.
func (e *InsightEntity) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		ref, err := identifier.ParseRef(text, "component", "")
		if err != nil {
			return err
		}
		e.Kind, e.Namespace, e.Name = ref.Kind, ref.Namespace, ref.Name
		return nil
	}
	type parts InsightEntity
	if err := json.Unmarshal(raw, (*parts)(e)); err != nil {
		return err
	}
	if e.Kind == "" || e.Namespace == "" || e.Name == "" {
		return errors.New("an entity needs kind, namespace and name")
	}
	return nil
}

func (e InsightEntity) ref() string {
	return strings.ToLower(e.Kind + ":" + e.Namespace + "/" + e.Name)
}

// InsightRoutes are the addresses of the Tech Insights API of Backstage.
func (a *API) InsightRoutes() []route.Route {
	listed := func(r route.Route) route.Route {
		r.Lists = []string{"ids"}
		return r
	}
	asks := func(r route.Route, question any) route.Route {
		r.Doc.Body = question
		return r
	}
	routes := []route.Route{
		route.Get(InsightPath+"checks", a.insightChecks).Titled("the rules in force, as checks of Tech Insights").
			Answers([]report.InsightCheck{}),
		asks(route.Ask(InsightPath+"checks/run", a.insightBulk, maxInsightBody), InsightBulkQuestion{}).
			Titled("the results of checks for several entities").Answers([]report.InsightResults{}),
		asks(route.Ask(InsightPath+"checks/run/:namespace/:entitykind/:name", a.insightRun, maxInsightBody),
			InsightQuestion{}).
			Titled("the results of checks for an entity").Answers([]report.InsightResult{}),
		listed(route.Get(InsightPath+"facts/latest", a.insightFacts, "entity", "ids")).
			Titled("the latest values of facts of an entity").
			With(route.Parameter{Name: "entity", Description: "ref of the entity", Required: true},
				route.Parameter{Name: "ids", Description: "names of facts; also written ids[] or ids[0]", Required: true}).
			Answers(map[string]report.InsightFacts{}),
		listed(route.Get(InsightPath+"fact-schemas", a.insightSchemas, "ids")).Titled("the types of facts").
			Answers([]map[string]report.InsightSchema{}),
	}
	for i := range routes {
		routes[i].Doc.Problem = InsightProblem{}
	}
	return routes
}

func (a *API) insightChecks(context.Context, route.Request) (route.Answer, error) {
	return document(a.reader.InsightChecks())
}

func (a *API) insightRun(ctx context.Context, r route.Request) (route.Answer, error) {
	var question InsightQuestion
	if err := decode(r.Body(), &question); err != nil {
		return route.Answer{}, err
	}
	if err := atMost("checks", len(question.Checks), maxInsightChecks); err != nil {
		return route.Answer{}, err
	}
	results, err := a.reader.RunInsights(ctx, r.ServiceRef(), question.Checks)
	if err != nil {
		return route.Answer{}, err
	}
	return document(results)
}

func (a *API) insightBulk(ctx context.Context, r route.Request) (route.Answer, error) {
	var question InsightBulkQuestion
	if err := decode(r.Body(), &question); err != nil {
		return route.Answer{}, err
	}
	if err := errors.Join(atMost("checks", len(question.Checks), maxInsightChecks),
		atMost("entities", len(question.Entities), maxInsightEntities)); err != nil {
		return route.Answer{}, err
	}
	refs := make([]string, len(question.Entities))
	for i, e := range question.Entities {
		refs[i] = e.ref()
	}
	results, err := a.reader.RunInsightsOf(ctx, refs, question.Checks)
	if err != nil {
		return route.Answer{}, err
	}
	return document(results)
}

// decode reads a question.
func decode(body []byte, question any) error {
	if err := json.Unmarshal(body, question); err != nil {
		return route.BadRequest("reading the body: %s; send for example {\"checks\": []}", err)
	}
	return nil
}

func atMost(what string, n, most int) error {
	if n > most {
		return route.BadRequest("the body names %d %s; at most %d are possible at once", n, what, most)
	}
	return nil
}

func (a *API) insightFacts(ctx context.Context, r route.Request) (route.Answer, error) {
	name, ids := r.Query("entity", ""), r.List("ids")
	if name == "" || len(ids) == 0 {
		return route.Answer{}, fiber.NewError(fiber.StatusBadRequest,
			"entity and ids are required, such as entity=component:default/payment-service&ids[]=catalog.has_owner")
	}
	ref, err := identifier.ParseRef(name, "component", "")
	if err != nil {
		return route.Answer{}, route.BadRequest("entity: %s", err)
	}
	facts, err := a.reader.LatestInsightFacts(ctx, ref.String(), ids)
	if err != nil {
		return route.Answer{}, err
	}
	return document(facts)
}

func (a *API) insightSchemas(_ context.Context, r route.Request) (route.Answer, error) {
	return document(a.reader.InsightSchemas(r.List("ids")))
}
