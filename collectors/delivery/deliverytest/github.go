package deliverytest

import (
	"time"

	"github.com/dxctl/dxctl/event"
)

// Parts of webhooks of GitHub, each of one record. All but the deployment go on: further keys and } are to follow.
const (
	GitHubRun = `"workflow_run":{"id":9,"name":"ci","path":".github/workflows/ci.yml","head_branch":"main","head_sha":"abc","event":"push","html_url":"https://github.example.com/acme/shop/actions/runs/9",
"created_at":"2026-03-01T10:00:00Z","run_started_at":"2026-03-01T10:00:01Z","updated_at":"2026-03-01T10:05:00Z","actor":{"login":"ana","type":"User"},"triggering_actor":{"login":"deployer","type":"Bot"},`
	GitHubJob = `"workflow_job":{"id":5,"run_id":9,"run_attempt":2,"name":"test","labels":["ubuntu-latest","x"],"runner_name":"r-77","runner_group_name":"big","html_url":"javascript:alert(1)",
"created_at":"2026-03-01T10:00:00Z","started_at":"2026-03-01T10:00:30Z",`
	GitHubDeployment = `"deployment":{"id":3,"sha":"abc","ref":"main","task":"deploy","environment":"production","created_at":"2026-03-01T10:00:00Z","creator":{"login":"rel[bot]","type":"Bot"}}`
	GitHubPull       = `"pull_request":{"number":7,"title":"Größe","body":"Reverts acme/shop#5","html_url":"https://github.example.com/acme/shop/pull/7","user":{"login":"ana","type":"User"},
"created_at":"2026-03-01T10:00:00Z","head":{"ref":"size","sha":"abc"},"merge_commit_sha":"def",`
	GitHubIssue = `"issue":{"number":4,"html_url":"https://github.example.com/acme/shop/issues/4","created_at":"2026-03-01T10:00:00Z",`
)

// GitHubOrigin is the origin of a record of acme/shop.
func GitHubOrigin(id, url string) event.Origin {
	return event.Origin{Source: "gh", Provider: "github", Scope: "acme/shop", ID: id, URL: url}
}

// WantRun is the event of [GitHubRun].
func WantRun(attempt uint16, status event.Status, raw string) event.PipelineRun {
	return event.PipelineRun{
		Origin:    GitHubOrigin("9", "https://github.example.com/acme/shop/actions/runs/9"),
		Attempt:   attempt,
		Pipeline:  "ci",
		Status:    status,
		StatusRaw: raw,
		Branch:    "main",
		Trigger:   "push",
		SHA:       "abc",
		Actor:     "deployer",
		Bot:       true,
		CreatedAt: Clock("10:00:00"),
		StartedAt: Clock("10:00:01"),
	}
}

// WantJob is the event of [GitHubJob].
func WantJob(status event.Status, raw string, started, finished time.Time) event.PipelineJob {
	return event.PipelineJob{
		Origin:     GitHubOrigin("5", ""),
		RunID:      "9",
		Attempt:    2,
		Name:       "test",
		Runner:     "ubuntu-latest",
		Status:     status,
		StatusRaw:  raw,
		CreatedAt:  Clock("10:00:00"),
		StartedAt:  started,
		FinishedAt: finished,
	}
}

// WantPull is the event of [GitHubPull].
func WantPull() event.Change {
	return event.Change{
		Origin:     GitHubOrigin("7", "https://github.example.com/acme/shop/pull/7"),
		Repository: "acme/shop",
		Number:     7,
		Title:      "Größe",
		Author:     "ana",
		CreatedAt:  Clock("10:00:00"),
		HeadSHA:    "abc",
		Reverts:    "5",
	}
}

// WantDeployment is the event of [GitHubDeployment].
func WantDeployment(status event.Status, raw, url string) event.Deployment {
	return event.Deployment{
		Origin:      GitHubOrigin("3", url),
		Attempt:     1,
		Environment: "production",
		Status:      status,
		StatusRaw:   raw,
		CreatedAt:   Clock("10:00:00"),
		SHA:         "abc",
		Ref:         "main",
		Actor:       "rel[bot]",
		Bot:         true,
		Trigger:     "deploy",
	}
}

// WantIncident is the event of [GitHubIssue].
func WantIncident(severity string, resolved time.Time) event.Incident {
	return event.Incident{
		Origin:     GitHubOrigin("4", "https://github.example.com/acme/shop/issues/4"),
		Severity:   severity,
		OpenedAt:   Clock("10:00:00"),
		ResolvedAt: resolved,
	}
}

// EditChange returns a change with an edit.
func EditChange(e event.Change, edit func(*event.Change)) event.Change {
	edit(&e)
	return e
}

// EditDeployment returns a deployment with an edit.
func EditDeployment(e event.Deployment, edit func(*event.Deployment)) event.Deployment {
	edit(&e)
	return e
}

// DeploymentsPage is the page of the deployments of acme/shop.
const DeploymentsPage = "https://github.example.com/acme/shop/deployments"
