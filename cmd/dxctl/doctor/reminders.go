package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/scorecards/campaign"
	"github.com/dxctl/dxctl/store"
)

const (
	// messagesSchema is the version of the schema since which messages are stored.
	messagesSchema = 19
	// messagesLooked is how far back messages are looked at.
	messagesLooked = 31 * 24 * time.Hour
	// messagesShown is how many owners are named.
	messagesShown = 5
)

// examineReminders reports the owners whose latest message about campaigns did not arrive, or may not have.
func (f *Findings) examineReminders(ctx context.Context, st *store.Store, now time.Time) {
	if info, err := st.Info(ctx); err != nil || info.SchemaVersion < messagesSchema {
		return // the schema has a finding of its own
	}
	messages, err := st.CampaignMessages(ctx, now.Add(-messagesLooked))
	if err != nil {
		f.problem("campaigns", err)
		return
	}
	latest := map[string]store.CampaignMessage{}
	var owners []string
	for _, m := range messages {
		if campaign.Status(m.Status) == campaign.Withdrawn {
			continue
		}
		if _, known := latest[m.Owner]; !known {
			owners = append(owners, m.Owner)
		}
		latest[m.Owner] = m
	}
	shown := 0
	for _, owner := range owners {
		m := latest[owner]
		what := map[campaign.Status]string{
			campaign.NotSent: "did not arrive", campaign.Unclear: "may not have arrived",
			campaign.Sending: "may not have been sent: dxctl ended while it sent it",
		}[campaign.Status(m.Status)]
		if what == "" || campaign.Status(m.Status) == campaign.Sending && now.Sub(m.ChangedAt) < time.Hour {
			continue
		}
		if shown++; shown > messagesShown {
			continue
		}
		text := fmt.Sprintf("the message of %s to %s %s", m.ClaimedAt.Format(time.RFC3339), owner, what)
		if m.Error != "" {
			text += ": " + m.Error
		}
		f.warn("campaigns", "%s", text)
	}
	if more := shown - messagesShown; more > 0 {
		f.warn("campaigns", "messages to %d more owners did not arrive, or may not have", more)
	}
}
