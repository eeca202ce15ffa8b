package opsgenie

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/incidents"
	"github.com/dxctl/dxctl/collectors/source"
)

func TestValidate(t *testing.T) {
	good := Config{
		Source:   "og",
		Token:    "x",
		URL:      "https://api.eu.opsgenie.com",
		Services: []string{service},
		Teams:    []string{"Équipe Boutique"},
		Tags:     []string{"prod"},
	}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no token":     {func(c *Config) { c.Token = "" }, "token is missing"},
		"not an id":    {func(c *Config) { c.Services = []string{"my service"} }, `service "my service": give its id`},
		"twice":        {func(c *Config) { c.Teams = []string{"a", "A"} }, `"A" is listed twice`},
		"a quote":      {func(c *Config) { c.Teams = []string{`a" OR "b`} }, "without quotation marks"},
		"an empty tag": {func(c *Config) { c.Tags = []string{" "} }, "tag \" \""},
		"not a URL":    {func(c *Config) { c.URL = "api.opsgenie.com" }, "give an absolute http or https URL"},
		"the pages":    {func(c *Config) { c.URL = "https://acme.app.opsgenie.com" }, "the API is at https://api.opsgenie.com"},
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

// FuzzRecords makes events of whatever a page holds: nothing panics, and each event can be stored.
func FuzzRecords(f *testing.F) {
	f.Add(
		[]byte(
			`{"data":[{"id":"i","status":"resolved","priority":"P1","tags":["a"],"impactedServices":["s"],"createdAt":"2026-03-02T12:00:00.123Z","updatedAt":"2026-03-02T13:00:00Z","impactStartDate":"2026-03-02T11:59:00Z","impactEndDate":null,"links":{"web":"https://x"},"report":{"ackTime":15702,"closeTime":60503}}],"paging":{"next":"x"}}`,
		),
	)
	f.Add(
		[]byte(
			`{"data":[null,{"id":7},{"id":"a","status":"?","createdAt":"9999-01-01T00:00:00Z","report":{"ackTime":-5,"closeTime":9223372036854775807},"links":{"web":"javascript:x"}}],"paging":{}}`,
		),
	)
	c, err := New(Config{Source: "og", Token: "x", Tags: []string{"a"}}, source.Options{})
	if err != nil {
		f.Fatal(err)
	}
	l := &listing{Collector: c, scope: "s"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p page
		if json.Unmarshal(raw, &p) != nil {
			return
		}
		records, _ := incidents.Decode(p.Data, "a record", "", l.ID)
		for _, one := range records {
			_ = l.Wanted(one)
			if err := l.incidentEvent(one, incidents.Seen{}).Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
