package demo

import (
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/dxctl/dxctl/scorecards"
)

// announced is a rule of production-readiness that counts from the first day of next month on.
const announced = `
  - id: on-call-rotation
    level: silver
    title: At least four people share the on-call duty
    status: announced
    enforced_from: %s
    applies: facts["catalog.has_on_call"]
    applies_note: The service does not say who is on call; on-call asks for that.
    expr: facts["on_call.schedule_people"] >= 4
    why: >-
      With three people, each is on call every third week, and every holiday makes it every second one.
    fix: |
      Share the schedule with a neighboring team, or agree that the service is repaired in working hours only.
    effort: days
    action: {kind: ask}
`

// scorecardFiles returns copies of the built-in scorecards by name, for people to edit and to plan, with the rule that
// the platform team has announced.
func (o *Organization) scorecardFiles() (map[string][]byte, error) {
	builtIn := scorecards.Builtin()
	cards, err := fs.ReadDir(builtIn, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the built-in scorecards: %w", err)
	}
	files := map[string][]byte{}
	for _, card := range cards {
		text, err := fs.ReadFile(builtIn, path.Join(card.Name(), "scorecard.yaml"))
		if err != nil {
			return nil, fmt.Errorf("reading the built-in scorecard %s: %w", card.Name(), err)
		}
		if card.Name() == "production-readiness" {
			text = fmt.Appendf(text, announced, o.firstOfNextMonth().Format(time.DateOnly))
		}
		files[card.Name()+".yaml"] = text
	}
	return files, nil
}

func (o *Organization) firstOfNextMonth() time.Time {
	return time.Date(o.Today.Year(), o.Today.Month()+1, 1, 0, 0, 0, 0, time.UTC)
}
