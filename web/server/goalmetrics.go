package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

// goalCollector counts the services of campaigns, and the waivers, when Prometheus asks.
type goalCollector struct{ reader *report.Reader }

var (
	campaignDesc = prometheus.NewDesc("dxctl_campaign_services", "Services of a campaign that is not over, by how they "+
		"stand to its goal: failed, unknown, waived, reached.", []string{"campaign", "state"}, nil)
	campaignEndDesc = prometheus.NewDesc("dxctl_campaign_end_timestamp_seconds", "When a campaign that is not over ends.",
		[]string{"campaign"}, nil)
	waiversDesc = prometheus.NewDesc("dxctl_waivers", "Waivers of rules of services, by state: active and ending ones "+
		"count, requested ones do not.", []string{"state"}, nil)
)

// Describe sends the descriptions of the gauges.
func (g goalCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- campaignDesc
	ch <- campaignEndDesc
	ch <- waiversDesc
}

// Collect computes the present grades, or takes those of pages. A store that does not answer is an error of these
// gauges only.
func (g goalCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	standings, err := g.reader.CampaignStandings(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(campaignDesc, err)
	}
	for _, s := range standings {
		for i, n := range []int{s.Now.Failed, s.Now.Unknown, s.Now.Waived, s.Now.Reached} {
			ch <- prometheus.MustNewConstMetric(campaignDesc, prometheus.GaugeValue, float64(n), s.ID,
				string(campaign.Verdicts[i]))
		}
		ch <- prometheus.MustNewConstMetric(campaignEndDesc, prometheus.GaugeValue, float64(s.End.Unix()), s.ID)
	}
	waivers, err := g.reader.Waivers(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(waiversDesc, err)
		return
	}
	counts := waivers.Counts()
	for _, state := range report.WaiverStates {
		ch <- prometheus.MustNewConstMetric(waiversDesc, prometheus.GaugeValue, float64(counts[state]), string(state))
	}
}
