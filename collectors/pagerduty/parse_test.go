package pagerduty

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/incidents"
	"github.com/dxctl/dxctl/collectors/source"
)

func TestValidate(t *testing.T) {
	good := Config{Source: "pd", Token: "x", URL: "https://api.eu.pagerduty.com", Services: []string{"PABC123"}}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no token":           {func(c *Config) { c.Token = "" }, "token is missing"},
		"not an id":          {func(c *Config) { c.Services = []string{"https://x"} }, `service "https://x": give its id`},
		"twice":              {func(c *Config) { c.Services = []string{"PA", "pa"} }, `"pa" is listed twice`},
		"not a URL":          {func(c *Config) { c.URL = "api.pagerduty.com" }, "give an absolute http or https URL"},
		"the pages":          {func(c *Config) { c.URL = "https://acme.pagerduty.com" }, "the API is at https://api.pagerduty.com"},
		"a token in the URL": {func(c *Config) { c.URL = "https://t@api.pagerduty.com" }, "leave out user"},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			tc.change(&c)
			if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want %q in it", err, tc.want)
			}
		})
	}
}

// FuzzIncidents makes events of whatever a page holds: nothing panics, and each event can be stored.
func FuzzIncidents(f *testing.F) {
	f.Add(
		[]byte(
			`{"incidents":[{"id":"Q1","incident_number":1,"status":"resolved","urgency":"low","service":{"id":"P"},"priority":{"summary":"P1"},"created_at":"2026-03-02T12:00:00Z","resolved_at":null,"last_status_change_at":"2026-03-02T13:00:00.000000Z","acknowledgments":[{"at":"2026-03-02T12:10:00Z"}],"log_entries":[{"type":"acknowledge_log_entry","created_at":"2026-03-02T12:09:00+02:00"}]}],"more":false,"total":1}`,
		),
	)
	f.Add(
		[]byte(
			`{"incidents":[null,{"id":7},{"id":"Q","status":"?","created_at":"0001-01-01T00:00:00Z","html_url":"javascript:x","acknowledgments":[{"at":5}]}],"total":null}`,
		),
	)
	c, err := New(Config{Source: "pd", Token: "x"}, source.Options{})
	if err != nil {
		f.Fatal(err)
	}
	l := &listing{Collector: c, scope: "P"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p page
		if json.Unmarshal(raw, &p) != nil {
			return
		}
		all, _ := incidents.Decode(p.Incidents, "an incident", "", l.ID)
		for _, i := range all {
			e := l.incidentEvent(i, i.acknowledged(), nil)
			if err := e.Validate(); err != nil {
				t.Fatal(err)
			}
			if at := e.AcknowledgedAt; !at.IsZero() && at.Location() != time.UTC {
				t.Fatalf("%s is not in UTC", at)
			}
		}
	})
}
