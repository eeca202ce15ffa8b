package events

import (
	"testing"

	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/collectors/webhook"
)

func testSource() webhook.Source {
	return webhook.Source{Name: "gh", Receiver: Receiver{Facts: source.Names("a.*", "runbook.*")}, Secret: deliverytest.Secret}
}

func newReceiver(t testing.TB, sources ...webhook.Source) *webhook.Receivers {
	t.Helper()
	r, err := webhook.NewReceivers(sources, webhook.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
