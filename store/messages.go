package store

import (
	"context"
	"fmt"
	"time"
)

// CampaignMessage is a message that reminds an owner of campaigns.
type CampaignMessage struct {
	Owner     string    `ch:"owner"` // entity ref
	ID        string    `ch:"id"`    // unique for the owner
	Webhook   string    `ch:"webhook"`
	Campaigns []string  `ch:"campaigns"` // ids
	Steps     []string  `ch:"steps"`     // of each campaign: start, halfway, week
	Status    string    `ch:"status"`    // sending, sent, failed, unclear, withdrawn
	Error     string    `ch:"error"`
	ClaimedAt time.Time `ch:"claimed_at"`
	ChangedAt time.Time `ch:"changed_at"`
}

// CampaignMessages returns the messages that were claimed at or after a time, each as it was last saved, in the order
// in which they were claimed.
func (s *Store) CampaignMessages(ctx context.Context, since time.Time) ([]CampaignMessage, error) {
	found, err := selectRows[CampaignMessage](ctx, s, `campaign_messages FINAL
WHERE claimed_at >= {since:DateTime64(3, 'UTC')} ORDER BY claimed_at, owner, id`, map[string]any{"since": since.UTC()})
	if err != nil {
		return nil, fmt.Errorf("reading the messages of campaigns: %w", err)
	}
	for i := range found {
		found[i].ClaimedAt, found[i].ChangedAt = found[i].ClaimedAt.UTC(), found[i].ChangedAt.UTC()
	}
	return found, nil
}

// SaveCampaignMessage saves a message in place of the one with its owner and id.
func (s *Store) SaveCampaignMessage(ctx context.Context, m CampaignMessage) error {
	err := appendRows(ctx, s, "campaign_messages", []CampaignMessage{m}, func(m *CampaignMessage) CampaignMessage {
		return *m
	})
	if err != nil {
		return fmt.Errorf("saving the message to %s: %w", m.Owner, err)
	}
	return nil
}
