package opsgenie

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"
)

func TestPeopleOnCall(t *testing.T) {
	now := &clock{noon}
	owned := func(id, teamID, name string, enabled bool, people ...string) onCallSchedule {
		return onCallSchedule{object{"id": id, "enabled": enabled, "ownerTeam": object{"id": teamID, "name": name}}, people}
	}
	schedules := []onCallSchedule{
		owned("day", "T1", team, true, "ada@acme.test", "bob@acme.test"),
		owned("night", "T1", team, true, "Ada@acme.test", "cleo@acme.test"),
		owned("off", "T1", team, false, "dan@acme.test"),
		owned("theirs", "T2", "Others", true, "eve@acme.test"),
	}
	for _, tt := range []struct {
		name, scope string
		schedules   []onCallSchedule
		refuse      string
		want        string
	}{
		{"the schedules of the service's team", service, schedules, "", "3"},
		{"the schedules of a team", team, schedules, "", "3"},
		{"nobody", team, schedules[2:], "", "0"},
		{"no right to list schedules", service, schedules, "/v2/schedules", "the key of the source og may not read who is on " +
			"call in Opsgenie; give the API integration read access and configuration access"},
		{"no right to one", service, schedules, "/v2/schedules/night/on-calls", "the key of the source og may not read who is"},
		{"no right to the service", service, schedules, "/v1/services/" + service, "the key of the source og does not show"},
	} {
		f, m := newFake(t), collecttest.NewWriter()
		f.schedules = tt.schedules
		f.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == tt.refuse {
				http.Error(w, `{"message":"You are not authorized to access this domain"}`, http.StatusForbidden)
			}
			return r.URL.Path == tt.refuse
		}
		c := f.collector(t, now.now, func(cfg *Config) { cfg.Teams = []string{team} })
		if err := c.Collect(t.Context(), tt.scope, m); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		n := 0
		for _, e := range m.Events() {
			f, ok := e.(event.Fact)
			if !ok {
				continue
			}
			n++
			if err := f.Validate(); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if got := string(f.Value) + f.Error; !strings.HasPrefix(got, tt.want) || f.Name != "on_call.schedule_people" ||
				f.Entity != "unmapped:opsgenie/"+tt.scope || !f.ExpiresAt.After(noon.Add(time.Hour)) {
				t.Errorf("%s: %+v, want %s", tt.name, f, tt.want)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d facts", tt.name, n)
		}
		f.askedApart()
		if err := c.Collect(t.Context(), tt.scope, m); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if _, again := f.askedApart(); len(again) != 0 {
			t.Errorf("%s: asked again at once: %q", tt.name, again)
		}
	}
}
