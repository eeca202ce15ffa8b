package incidents

import (
	"context"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// OnCallFact is the name of the number of people who are on call for a service.
const OnCallFact = "on_call.schedule_people"

const (
	// onCallStream is the checkpoint of who is on call, of a scope.
	onCallStream = "on_call"
	// askOnCall is how often it is asked who is on call.
	askOnCall = time.Hour
)

// onCall is the checkpoint of who is on call.
type onCall struct {
	Asked time.Time         `json:"asked,omitzero"`
	Kept  servicefacts.Kept `json:"kept,omitzero"`
}

// People is how many different people are on call for a service within a day from now, or the reason why that is not
// known. URL is where they are shown.
type People struct {
	N       int
	Unknown string
	URL     string
}

// OnCall stores how many people are on call for a scope. It asks the source once an hour. An answer that cannot be used
// does not replace what an earlier one showed, which expires; if there is none, its error is the reason why the number
// is not known.
func OnCall(ctx context.Context, base *source.Base, provider, scope string, w source.Writer,
	ask func(context.Context) (People, error)) error {
	var s onCall
	if _, err := w.Load(ctx, onCallStream, &s); err != nil {
		return err
	}
	now := base.Now().UTC()
	if age := now.Sub(s.Asked); age >= 0 && age < askOnCall && !source.Rechecks(ctx) {
		return nil
	}
	entity := servicefacts.Entity(provider, scope)
	people, err := ask(ctx)
	switch {
	case rest.Unusable(err) && s.Kept.Known(entity):
		return fmt.Errorf("people on call: %w", err)
	case rest.Unusable(err):
		people = People{Unknown: err.Error()}
	case err != nil:
		return fmt.Errorf("people on call: %w", err)
	}
	fact := servicefacts.Encode(OnCallFact, event.NumberFact, people.N)
	if people.Unknown != "" {
		fact.Value, fact.Error = nil, people.Unknown
	}
	of := event.Fact{Source: base.Source(), URL: people.URL}
	if _, err := s.Kept.Store(ctx, w, now, of, map[string][]event.Fact{entity: {fact}}, ""); err != nil {
		return err
	}
	s.Asked = now
	return w.Save(ctx, onCallStream, s)
}
