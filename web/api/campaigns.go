package api

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

// campaigns lists the campaigns.
func (a *API) campaigns(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.CampaignFilterOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.CampaignColumns), sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	all, err := a.reader.Campaigns(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	list := sorting.Rows(all.Select(filter), report.CampaignColumns, order)
	doc := a.reader.CampaignsDocument(list, all.Problems, p)
	doc.Next = route.NextPage("/api/v1/campaigns", r, p, doc.Total)
	return document(doc)
}

// campaign has one campaign with its services.
func (a *API) campaign(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.CampaignRowColumns), sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	c, err := a.reader.Campaign(ctx, r.Param("campaign"))
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.CampaignRowFilterOf(ctx, r, a.reader)
	if err != nil {
		return route.Answer{}, err
	}
	rows := sorting.Rows(c.Select(filter), report.CampaignRowColumns, order)
	doc := a.reader.CampaignDetail(&c, rows, p)
	doc.NextPage = route.NextPage("/api/v1"+report.CampaignPath(c.ID), r, p, doc.Total)
	return document(doc)
}
