package jenkins

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// FuzzBuilds feeds a page of builds through everything that is made of it: nothing panics, and whatever is appended is
// a valid event.
func FuzzBuilds(f *testing.F) {
	for _, seed := range []string{
		`{"allBuilds":[{"_class":"hudson.model.FreeStyleBuild","number":2,"timestamp":1700000000000,"duration":5,"result":"SUCCESS","building":false,"actions":[{},{"causes":[{"_class":"a$UserIdCause","userId":"u"}]},{"parameters":[{"name":"ENV","value":"prod"}]}]}],"firstBuild":{"number":1}}`,
		`{"allBuilds":[{"number":1,"timestamp":null,"actions":[{"lastBuiltRevision":{"SHA1":"a","branch":[{"name":"refs/remotes/origin/main"}]},"remoteUrls":["git@x:a/b.git"]}]}]}`,
		`{"allBuilds":[{"number":"x"},{"number":9223372036854775807,"timestamp":-1,"duration":1e300}]}`,
		`{"allBuilds":{}}`, `{}`, `[]`, `{"allBuilds":[null,[],7,{"number":3,"actions":null,"result":7}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := unconnected(t)
		var page buildPage
		if c.Decode(body, &page) != nil {
			return
		}
		r := &reader{Collector: c, scope: "team/shop"}
		j := job{names: []string{"team", "shop"}}
		for _, b := range page.Builds {
			if b.Number < 1 {
				continue
			}
			run := r.runEvent(j, b, j.runID(b))
			if err := run.Validate(); err != nil {
				t.Errorf("%+v: %v", b, err)
			}
			if d, ok := r.deploymentEvent(j, b, run); ok && (d.Validate() != nil || d.Environment == "") {
				t.Errorf("%+v: %v", d, d.Validate())
			}
		}
		page.ends(pageSize)
	})
}

// FuzzListing feeds the listing of a folder through the search for jobs, as every folder's answer; it ends, and names
// are whole.
func FuzzListing(f *testing.F) {
	for _, seed := range []string{
		`{"jobs":[{"_class":"hudson.model.FreeStyleProject","name":"a","lastBuild":{"number":1}},{"_class":"x.WorkflowMultiBranchProject","name":"b","jobs":[{"name":"feature%2Fx","lastBuild":null}]}]}`,
		`{"jobs":[{"_class":"Folder","name":"a","jobs":[]},{"_class":"Folder","name":"","jobs":null},{"name":"%zz","jobs":[{}]}]}`,
		`{"jobs":null}`, `{"jobs":[null,7]}`, `[]`, `{"jobs":[{"name":"a","lastBuild":7}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n := 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if n++; n > 20 {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			_, _ = w.Write(body)
		}))
		defer srv.Close()
		c, err := New(
			Config{Source: "ci", URL: srv.URL},
			source.Options{Tune: func(r *rest.Config) { r.Attempts, r.PerSecond, r.Burst = 1, 1e6, 1000 }},
		)
		if err != nil {
			t.Fatal(err)
		}
		scopes, err := c.Scopes(t.Context(), collecttest.NewWriter())
		if err != nil {
			return
		}
		for _, s := range scopes {
			if s == "" || strings.HasPrefix(s, "/") {
				t.Errorf("scope %q", s)
			}
		}
	})
}

func FuzzStages(f *testing.F) {
	f.Add("6", "Build", "SUCCESS", int64(1700000000000), int64(5))
	f.Add("", "\xff", "?", int64(-1), int64(-1))
	f.Fuzz(func(t *testing.T, id, name, status string, begin, duration int64) {
		r := &reader{Collector: unconnected(t), scope: "s"}
		e := r.stageEvent(
			job{names: []string{"s"}},
			build{Number: 1},
			"1",
			stage{
				ID:       id,
				Name:     name,
				Status:   status,
				Start:    begin,
				Duration: millis{duration, duration >= 0 && duration < 1<<53},
			},
		)
		if id != "" && len(id) <= event.MaxID && event.Normalize(e).Validate() != nil { // the writer leaves out the others
			t.Error(e.Validate())
		}
		if !e.FinishedAt.IsZero() && e.FinishedAt.Before(e.StartedAt) || e.StatusRaw != status {
			t.Errorf("%+v", e)
		}
	})
}

// FuzzGlob checks that every pattern compiles, and matches itself where it has no wildcards.
func FuzzGlob(f *testing.F) {
	f.Add("team/deploy-*", "team/deploy-x")
	f.Add("**/x?[", "\xff(")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		g := compile(pattern)
		if g.matches(name) && !g.covers(name) {
			t.Errorf("%q matches %q but does not cover it", pattern, name)
		}
		if plain := strings.Trim(
			strings.TrimSpace(pattern),
			"/",
		); !strings.ContainsAny(plain, "*?") && strings.ToValidUTF8(plain, "") == plain &&
			!g.matches(plain) {
			t.Errorf("%q does not match itself", plain)
		}
	})
}

func unconnected(t *testing.T) *Collector {
	t.Helper()
	c, err := New(
		Config{
			Source:      "ci",
			URL:         "http://localhost",
			Deployments: []DeploymentRule{{Job: "team/*", Environment: "p", EnvironmentParameter: "ENV"}},
		},
		source.Options{Now: func() time.Time { return now }},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
