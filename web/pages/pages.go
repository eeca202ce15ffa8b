// Package pages makes the pages of the dashboard on the server, a file per page. What they show comes from package
// report; the pages render it.
package pages

import (
	"context"
	"html/template"
	"net/http"

	"github.com/dxctl/dxctl/actions/preview"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/web/actionplan"
	"github.com/dxctl/dxctl/web/route"
	"github.com/gofiber/fiber/v2"
)

// ChartLibrary is the name of the asset that draws the charts.
const ChartLibrary = "vendor/echarts.min.js"

// Deps is what the pages are made from.
type Deps struct {
	Reader  *report.Reader
	Asset   func(name string) string // address of a file that browsers load, "" when it is not there
	Version string
	Demo    bool // every page says that the data are synthetic
	// Fixes returns what is known of the fixes of a service; nil: there is no page of them.
	Fixes    func(ctx context.Context, of preview.Key) preview.Preview
	Planner  *actionplan.Planner // plans actions; nil: there are no pages of them
	Contents bool                // pages show what is in files of repositories
}

// Pages makes the pages.
type Pages struct {
	deps      Deps
	reader    *report.Reader
	templates map[string]*template.Template
}

// New parses the templates.
func New(deps Deps) (*Pages, error) {
	p := &Pages{deps: deps, reader: deps.Reader}
	if err := p.loadTemplates(); err != nil {
		return nil, err
	}
	return p, nil
}

// Routes are the addresses of the pages, in the order in which they are tried.
func (p *Pages) Routes() []route.Route {
	ledger := route.Get("/ledger", p.ledger, route.ListParameters(route.LedgerFilters...)...)
	ledger.Live = true // it shows what is wrong now
	// What a campaign is depends on the time.
	campaigns := route.Get("/campaigns", p.campaigns, route.ListParameters(route.CampaignFilters...)...)
	campaigns.Live = true
	campaign := route.Get("/campaigns/:campaign", p.campaign, route.ListParameters(route.CampaignRowFilters...)...)
	campaign.Live = true
	// Who took part in a survey that is not published is not in the tables whose version says that something changed.
	surveys := route.Get("/surveys", p.surveys, route.ListParameters()...)
	surveys.Live = true
	// What was done since a survey goes on.
	question := route.Get("/surveys/:survey/questions/:question", p.question)
	question.Live = true
	followUp := route.Get("/surveys/:survey/follow-up", p.followUp)
	followUp.Live = true
	fixes := route.Get("/services/:namespace/:name/fix", p.fixes, goldenPathParameter)
	fixes.Live = true // a plan is made in the background
	return append(p.actionRoutes(), []route.Route{
		route.Get("/", p.overview),
		route.Get("/services", p.services, route.ListParameters(route.ServiceFilters...)...),
		route.Get("/services/:namespace/:name", p.service),
		fixes,
		route.Get("/services/:namespace/:name/facts", p.facts, route.ListParameters("q")...),
		route.Get("/entities", p.entities, route.ListParameters(route.ServiceFilters...)...),
		route.Get("/entities/:entitykind/:namespace/:name", p.service),
		route.Get("/entities/:entitykind/:namespace/:name/facts", p.facts, route.ListParameters("q")...),
		route.Get("/teams", p.teams, route.ListParameters(route.TeamFilters...)...),
		route.Get("/golden-paths", p.adoption, route.ListParameters(route.AdoptionFilters...)...),
		route.Get("/waivers", p.waivers, route.ListParameters(route.WaiverFilters...)...),
		campaigns,
		campaign,
		route.Get("/batches", p.batches, route.ListParameters(route.BatchFilters...)...),
		route.Get("/batches/:batch", p.batch, route.ListParameters(route.FixRunFilters...)...),
		route.Get("/batches/:batch/:namespace/:name", p.fixJournal),
		route.Get("/fixes", p.fixRates, route.ListParameters(route.FixRateFilters...)...),
		surveys,
		route.Get("/surveys/:survey", p.survey, route.ListParameters(route.SurveyFilters...)...),
		question,
		followUp,
		route.Get("/scorecards", p.scorecards, route.ListParameters(route.CardFilters...)...),
		route.Get("/scorecards/:scorecard", p.scorecard, route.ListParameters(route.CardRuleFilters...)...),
		route.Get("/scorecards/:scorecard/services", p.scorecardServices,
			route.ListParameters(route.CardServiceFilters...)...),
		route.Get("/scorecards/:scorecard/teams", p.scorecardTeams, route.ListParameters(route.CardTeamFilters...)...),
		route.Get("/scorecards/:scorecard/rules/:rule", p.rule, route.ListParameters(route.RuleServiceFilters...)...),
		route.Get("/compliance", p.compliance, route.ComplianceFilters...).With(route.ComplianceParameters()...),
		route.Get("/compliance.csv", p.complianceCSV, route.ComplianceFilters...).With(route.ComplianceParameters()...),
		route.Get("/time-to-first-deploy", p.firstDeploy, route.ListParameters("of", "cohort", "from", "to")...),
		route.Get("/time-to-first-deploy/subjects", p.subjects, route.ListParameters(route.SubjectFilters...)...),
		route.Get("/events/:kind.csv", p.eventsCSV, append([]string{"sort", "dir"}, route.RecordParameters...)...),
		route.Get("/events/:kind", p.events, route.ListParameters(route.RecordParameters...)...),
		route.Get("/definitions", p.definitions),
		route.Get("/definitions/:id", p.definition),
		ledger,
		route.Get("/unmapped", p.unmapped, route.ListParameters(route.UnmappedFilters...)...),
		route.Handle(fiber.MethodGet, "/events", redirectToDeployments),
	}...)
}

// redirectToDeployments keeps the filter.
func redirectToDeployments(c *fiber.Ctx) error {
	to := "/events/deployments"
	if query := c.Context().QueryArgs().QueryString(); len(query) > 0 {
		to += "?" + string(query)
	}
	return c.Redirect(to, fiber.StatusFound)
}

type errorView struct {
	layout
	Status int
	Detail string
	Next   []navItem // where to go from here
}

// Error makes the page of an error with its HTTP status.
func (p *Pages) Error(status int, detail string) (route.Answer, error) {
	return p.render("error", errorView{
		layout: p.layout(http.StatusText(status), ""), Status: status, Detail: detail, Next: navigation,
	})
}
