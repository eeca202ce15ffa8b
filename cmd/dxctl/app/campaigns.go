package app

import (
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

// loadCampaigns reads the campaigns again, and logs what is wrong with them.
func (a *App) loadCampaigns() {
	set := Campaigns(a.cfg, a.set)
	a.campaigns.Store(&set)
	for _, text := range set.Texts() {
		a.log.Warn(text)
	}
}

// Campaigns returns the campaigns next to the scorecards.
func Campaigns(cfg config.Config, cards scorecards.Set) campaign.Set {
	return campaign.Load(cfg.Scorecards.Campaigns, cfg.Dir, cards, cfg.Notify.Names())
}
