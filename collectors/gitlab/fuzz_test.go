package gitlab

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/collectors/source"
)

func unconnected(t *testing.T) *project {
	t.Helper()
	c, err := New(
		Config{
			Source:      "gl",
			URL:         "http://localhost",
			Token:       "x",
			Projects:    []string{"a/b"},
			Deployments: []mapping.DeploymentRule{{Job: "deploy*", Environment: "p"}},
		},
		source.Options{Now: func() time.Time { return now }},
	)
	if err != nil {
		t.Fatal(err)
	}
	return &project{
		Project: &listing.Project{Base: c.Base, Client: c.Client},
		Mapper:  mapping.NewMapper("gl", "a/b", c.Unrecognized),
		cfg:     c.cfg,
		path:    "projects/7",
	}
}

// FuzzRecords feeds an answer through everything that is made of pipelines, jobs, merge requests and deployments:
// nothing panics, and whatever would be appended is a valid event.
func FuzzRecords(f *testing.F) {
	for _, seed := range []string{
		`[{"id":1,"status":"success","ref":"refs/merge-requests/1/head","created_at":"2026-11-20T10:00:00.000+01:00","updated_at":null,"source":"parent_pipeline"}]`,
		`[{"id":2,"name":"deploy","status":"failed","allow_failure":true,"queued_duration":1e300,"started_at":"2026-11-20T10:00:00Z","pipeline":{"id":1},"user":null,"tag_list":[""],"runner":{"description":"r"}}]`,
		`[{"id":3,"iid":3,"merged_at":"9999-01-01T00:00:00Z","description":"This reverts merge request !7","source_branch":"revert-0123456"}]`,
		`[{"id":4,"status":"blocked","environment":null,"deployable":{"pipeline":null,"finished_at":"0001-01-01T00:00:00Z"}}]`,
		`[null,7,{"id":"x"},{"id":1e400}]`, `{"message":"404"}`, `{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := unconnected(t)
		var pipelines []mapping.Pipeline
		if p.Decode(body, &pipelines) == nil {
			for _, g := range listing.WithID(p.Base, "x", pipelines) {
				if err := p.RunEvent(g, mapping.Span{}).Validate(); err != nil {
					t.Error(err)
				}
			}
		}
		var jobs []mapping.Job
		if p.Decode(body, &jobs) == nil {
			for _, j := range listing.WithID(p.Base, "x", jobs) {
				e := p.JobEvent(j)
				if e.RunID != "0" && e.Validate() != nil {
					t.Error(e.Validate())
				}
				if d, ok := p.RuledDeployment(p.cfg.Deployments, j); ok && d.Validate() != nil {
					t.Error(d.Validate())
				}
			}
		}
		var requests []mapping.MergeRequest
		if p.Decode(body, &requests) == nil {
			for _, m := range listing.WithID(p.Base, "x", requests) {
				if err := p.ChangeEvent(m).Validate(); err != nil {
					t.Error(err)
				}
			}
		}
		var deployments []mapping.Deployment
		if p.Decode(body, &deployments) == nil {
			for _, d := range listing.WithID(p.Base, "x", deployments) {
				if err := p.DeploymentEvent(d, "").Validate(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
