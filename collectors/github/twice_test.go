package github

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
)

// TestARecordThatIsUpdatedTwiceInASecond changes records again after they were read, within the second that they carry
// as the time of their update: the second change is seen as well.
func TestARecordThatIsUpdatedTwiceInASecond(t *testing.T) {
	at := time.Now().UTC().Truncate(time.Second) // the server's clock
	s, m := streamtest.Serve(t, &githubtest.Repo{
		Runs: []githubtest.Run{
			{
				ID:      1,
				Attempt: 1,
				Name:    "ci",
				Branch:  "main",
				Event:   "push",
				Status:  "in_progress",
				Actor:   "ada",
				Created: at,
				Updated: at,
			},
		},
		Pulls: []githubtest.Pull{{Number: 2, Title: "newer", Author: "ada", Created: at, Updated: at},
			{Number: 1, Title: "first", Author: "ada", Created: at, Updated: at}},
		Deployments: []githubtest.Deployment{
			{
				ID:          1,
				Environment: "prod",
				SHA:         "abc",
				Ref:         "main",
				Creator:     "ada",
				Created:     at,
				Statuses:    []githubtest.Status{{State: "QUEUED", At: at}},
			},
		},
	}), collecttest.NewWriter()
	collect(t, s, m, now, nil)
	repo := s.Repos[scope]
	repo.Pulls[1].Title, repo.Pulls[1].Closed, repo.Pulls[1].Merged = "second", at, at
	repo.Runs[0].Status, repo.Runs[0].Conclusion = "completed", "failure"
	repo.Deployments[0].Statuses = append(repo.Deployments[0].Statuses, githubtest.Status{State: "SUCCESS", At: at})
	collect(t, s, m, now, nil)
	for _, c := range collecttest.Stored[event.Change](m) {
		if c.Number == 1 && (c.Title != "second" || !c.MergedAt.Equal(at)) {
			t.Errorf("the change is %+v", c)
		}
	}
	if r := collecttest.Stored[event.PipelineRun](m)["1/1"]; r.Status != event.Failed {
		t.Errorf("the run is %+v", r)
	}
	for _, d := range collecttest.Stored[event.Deployment](m) {
		if d.Status != event.Succeeded || !d.FinishedAt.Equal(at) {
			t.Errorf("the deployment is %+v", d)
		}
	}
	if m.Number(event.KindChange) != 2 || m.Number(event.KindPipelineRun) != 1 || m.Number(event.KindDeployment) != 1 {
		t.Errorf(
			"stored %d changes, %d runs, %d deployments",
			m.Number(event.KindChange),
			m.Number(event.KindPipelineRun),
			m.Number(event.KindDeployment),
		)
	}
}
