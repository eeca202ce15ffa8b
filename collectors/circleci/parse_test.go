package circleci

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

func TestValidate(t *testing.T) {
	good := Config{
		Source:      "circle",
		Token:       "x",
		Projects:    []string{"gh/o/r", "circleci/1/2"},
		Deployments: []DeploymentRule{{Job: "deploy", Environment: "production"}},
	}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no token":           {func(c *Config) { c.Token = " " }, "token is missing"},
		"no project":         {func(c *Config) { c.Projects = nil }, "give projects: [github/org/repo]"},
		"not a slug":         {func(c *Config) { c.Projects = []string{"o/r"} }, `project "o/r": give its slug`},
		"twice":              {func(c *Config) { c.Projects = []string{"gh/o/r", "github/o/R"} }, `"github/o/R" is listed twice`},
		"not a URL":          {func(c *Config) { c.URL = "circleci.com" }, "give an absolute http or https URL"},
		"a token in the URL": {func(c *Config) { c.URL = "https://t@circleci.com" }, "leave out user"},
		"no environment": {func(c *Config) { c.Deployments[0].Environment = "" }, "deployments[0]: environment is " +
			"missing"},
		"everything deployed": {func(c *Config) { c.Deployments[0].Job = "" }, "deployments[0]: give job or workflow"},
		"not a glob":          {func(c *Config) { c.Deployments[0].Job = "[" }, `"[" is not a valid glob`},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			c.Deployments = slices.Clone(good.Deployments)
			tc.change(&c)
			if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for configured, want := range map[string][2]string{
		"":                                  {"https://circleci.com/api/v2/", "https://app.circleci.com/"},
		"https://app.circleci.com":          {"https://circleci.com/api/v2/", "https://app.circleci.com/"},
		"https://ci.example.com/api/v2/":    {"https://ci.example.com/api/v2/", "https://ci.example.com/"},
		"http://127.0.0.1:9900/tape/api/v2": {"http://127.0.0.1:9900/tape/api/v2/", "http://127.0.0.1:9900/tape/"},
	} {
		api, web, err := addresses(configured)
		if err != nil || api.String() != want[0] || web != want[1] {
			t.Errorf("addresses of %q are %v and %q (%v), want %q", configured, api, web, err, want)
		}
	}
}

func TestStatus(t *testing.T) {
	for word, want := range map[string]event.Status{
		"success": event.Succeeded, "failed": event.Failed, "error": event.Failed, "unauthorized": event.Failed, "infrastructure_fail": event.Failed,
		"timedout": event.Failed, "terminated-unknown": event.Failed, "canceled": event.Cancelled, "not_run": event.Skipped, "running": event.Running,
		"failing": event.Running, "on_hold": event.Waiting, "queued": event.Queued, "blocked": event.Queued, "not_running": event.Queued,
	} {
		if got, known := statuses.Of(word), statuses.Has(word); got != want || !known {
			t.Errorf("%s is %s (known: %t), want %s", word, got, known, want)
		}
	}
}

func TestSpans(t *testing.T) {
	var s spans
	for _, n := range []int64{5, 9, 7, 6, 1, 8, 5, 3} {
		s = s.with(n)
	}
	if want := (spans{{1, 1}, {3, 3}, {5, 9}}); !slices.Equal(s, want) {
		t.Errorf("spans are %v, want %v", s, want)
	}
	for _, tc := range []struct {
		low, high int64
		want      bool
	}{{5, 9, true}, {6, 7, true}, {4, 5, false}, {9, 10, false}, {1, 3, false}, {2, 2, false}, {3, 3, true}, {12, 11, true}, {20, 20, false}} {
		if got := s.covers(tc.low, tc.high); got != tc.want {
			t.Errorf("covers(%d, %d) is %t", tc.low, tc.high, got)
		}
	}
}

// FuzzSpans holds the set against a map.
func FuzzSpans(f *testing.F) {
	f.Add([]byte{5, 9, 7, 6, 1, 8, 5, 3})
	f.Fuzz(func(t *testing.T, numbers []byte) {
		var s spans
		want := map[int64]bool{}
		for _, n := range numbers {
			s, want[int64(n)] = s.with(int64(n)), true
		}
		for n := range int64(257) {
			if s.has(n) != want[n] {
				t.Fatalf("has(%d) is %t, want %t; %v", n, s.has(n), want[n], s)
			}
		}
		for i := 1; i < len(s); i++ {
			if s[i-1][1]+1 >= s[i][0] {
				t.Fatalf("stretches touch: %v", s)
			}
		}
	})
}

// FuzzRecords makes events of whatever a list holds: nothing panics, and each event can be stored.
func FuzzRecords(f *testing.F) {
	f.Add(
		[]byte(
			`[{"id":"p","number":3,"state":"created","created_at":"2026-03-02T12:00:00.000Z","trigger":{"type":"webhook","actor":{"login":"ann"}},"vcs":{"branch":"main","revision":"abc"},"trigger_parameters":{"git":{"branch":"x"}}}]`,
		),
		[]byte(
			`[{"id":"w","name":"build","status":"success","created_at":"2026-03-02T12:00:01Z","stopped_at":null},{"id":"v","name":"build","status":"?","created_at":""}]`,
		),
		[]byte(
			`[{"id":"j","job_number":1,"name":"deploy","type":"build","status":"success","started_at":"2026-03-02T12:00:02Z","stopped_at":"9999-01-01T00:00:00Z"},{"id":"k","name":"ok","type":"approval","status":"on_hold","started_at":null}]`,
		),
	)
	f.Add(
		[]byte(`[null,{"number":"3"},{"id":"p","number":1,"trigger_parameters":[],"vcs":null,"created_at":7}]`),
		[]byte(`[{"id":"w"},{}]`),
		[]byte(`[{"id":"j","created_at":"0001-01-01T00:00:00Z"}]`),
	)
	c, err := New(
		Config{
			Source:      "circle",
			Token:       "x",
			Projects:    []string{"gh/o/r"},
			Deployments: []DeploymentRule{{Job: "*", Environment: "e"}, {Workflow: "*", Environment: "f"}},
		},
		source.Options{},
	)
	if err != nil {
		f.Fatal(err)
	}
	r := &reader{Collector: c, mapper: mapper{c.cfg.Source, "github/o/r", c.web, c.Unrecognized}}
	f.Fuzz(func(t *testing.T, rawPipelines, rawWorkflows, rawJobs []byte) {
		pipelines, workflows, jobs := decoded[pipeline](rawPipelines), decoded[workflow](rawWorkflows), decoded[job](rawJobs)
		inOrder(workflows)
		attempts := number(workflows, nil)
		var events []event.Event
		for _, p := range pipelines {
			b := p.brief()
			events = append(events, r.failedPipeline(b))
			for _, w := range workflows {
				made := r.jobEvents(b, w, attempts[w.ID], jobs)
				hand := startedByHand(w, jobs)
				run := r.runEvent(b, w, attempts[w.ID], made, hand)
				events = append(append(events, run), r.deployments(b, w, run, made, hand)...)
				for _, j := range made {
					events = append(events, j)
				}
			}
		}
		for _, e := range events {
			if err := e.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func decoded[T any](raw []byte) []T {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil
	}
	all, _ := decodeAll[T](items)
	return all
}
