package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

func TestCampaignMessages(t *testing.T) {
	s := storetest.Open(t)
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	first := store.CampaignMessage{Owner: "group:default/pay", ID: "a", Webhook: "chat", Campaigns: []string{"x", "y"},
		Steps: []string{"start", "week"}, Status: "sending", ClaimedAt: at, ChangedAt: at}
	other := first
	other.ID, other.ClaimedAt = "b", at.AddDate(0, 0, 8)
	for _, m := range []store.CampaignMessage{first, other} {
		if err := s.SaveCampaignMessage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	first.Status, first.ChangedAt = "sent", at.Add(time.Second)
	if err := s.SaveCampaignMessage(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	all, err := s.CampaignMessages(t.Context(), at)
	if err != nil || len(all) != 2 || all[0].Status != "sent" || !all[0].ChangedAt.Equal(first.ChangedAt) ||
		!slices.Equal(all[0].Campaigns, first.Campaigns) || all[1].ID != "b" || all[1].Status != "sending" {
		t.Errorf("%+v %v", all, err)
	}
	if late, err := s.CampaignMessages(t.Context(), at.Add(time.Hour)); err != nil || len(late) != 1 {
		t.Errorf("%+v %v", late, err)
	}
}
