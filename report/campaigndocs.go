package report

import (
	"net/url"
	"time"

	"github.com/dxctl/dxctl/scorecards/campaign"
)

// CampaignDocument is a campaign in lists.
type CampaignDocument struct {
	ID       string            `json:"id"`
	Title    string            `json:"title"`
	Why      string            `json:"why"`
	Owner    string            `json:"owner"` // entity ref
	Goal     campaign.Goal     `json:"goal"`
	Filter   string            `json:"filter"` // CEL; "": every entity that the scorecard grades
	Starts   time.Time         `json:"starts"` // first day
	Ends     time.Time         `json:"ends"`   // last day
	DaysLeft int               `json:"days_left"`
	State    campaign.State    `json:"state"`
	Notify   string            `json:"notify"`   // name of the webhook that reminds; "": nobody is reminded
	Services int               `json:"services"` // selected
	Now      campaign.Day      `json:"now"`      // by the present grades
	AtEnd    *campaign.Day     `json:"at_end"`   // by the stored grades; null: not over, or not known
	Forecast campaign.Forecast `json:"forecast"`
	Notes    []string          `json:"notes"`
	Place    string            `json:"place"` // file:line
	Path     string            `json:"path"`  // of its page
}

// CampaignPath is the address of the page of a campaign.
func CampaignPath(id string) string { return "/campaigns/" + url.PathEscape(id) }

func (r *Reader) campaignDocument(c *Campaign) CampaignDocument {
	return CampaignDocument{
		ID: c.ID, Title: c.Title, Why: c.Why, Owner: c.Owner, Goal: c.Goal, Filter: c.Filter, Starts: c.Starts,
		Ends: c.Ends, DaysLeft: c.DaysLeft(r.Now()), State: c.State, Notify: c.Notify, Services: c.Total(), Now: c.Now,
		AtEnd: c.AtEnd, Forecast: c.Forecast, Notes: list(c.Notes), Place: c.Place(), Path: CampaignPath(c.ID),
	}
}

// CampaignsDocument is a page of the list of campaigns.
type CampaignsDocument struct {
	Total     int                `json:"total"`
	Campaigns []CampaignDocument `json:"campaigns"`
	Problems  []string           `json:"problems"` // of campaigns that are not used
	Next      string             `json:"next"`
}

// CampaignsDocument returns a page of campaigns as a document.
func (r *Reader) CampaignsDocument(campaigns []Campaign, problems []string, p Page) CampaignsDocument {
	doc := CampaignsDocument{Total: len(campaigns), Campaigns: []CampaignDocument{}, Problems: list(problems)}
	for _, c := range PageOf(campaigns, p) {
		doc.Campaigns = append(doc.Campaigns, r.campaignDocument(&c))
	}
	return doc
}

// CampaignDetail is a campaign with its burn-down and a page of its services.
type CampaignDetail struct {
	CampaignDocument
	Days     []campaign.Day `json:"days"`  // how it stood at each midnight UTC since its start
	Teams    []CampaignTeam `json:"teams"` // owners of the selection, those with most left first
	Total    int            `json:"total"` // of the rows that fit the filter
	Rows     []CampaignRow  `json:"rows"`
	NextPage string         `json:"next"`
}

// CampaignDetail returns a campaign and a page of its rows as a document.
func (r *Reader) CampaignDetail(c *Campaign, rows []CampaignRow, p Page) CampaignDetail {
	return CampaignDetail{
		CampaignDocument: r.campaignDocument(c), Days: list(c.Days), Teams: list(c.Teams()), Total: len(rows),
		Rows: PageOf(rows, p),
	}
}
