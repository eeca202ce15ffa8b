package send

import (
	"strings"

	"github.com/dxctl/dxctl/collectors/events"
)

// Job describes a CI job. An empty field is unknown.
type Job struct {
	ID    string // begins with the name of the CI system; the same for every step of the job
	SHA   string // commit that the job builds
	Ref   string // branch or tag
	Actor string // login of who caused the job
	URL   string // web page of the job
}

// CurrentJob reads the environment variables that CI systems set in every job. It returns no ID outside of CI.
func CurrentJob(env func(string) string) Job {
	joined := func(names ...string) string {
		var parts []string
		for _, n := range names {
			if v := env(n); v != "" {
				parts = append(parts, v)
			}
		}
		return strings.Join(parts, "/")
	}
	switch {
	case env("GITHUB_RUN_ID") != "":
		page := joined("GITHUB_SERVER_URL", "GITHUB_REPOSITORY")
		if page != "" {
			page += "/actions/runs/" + env("GITHUB_RUN_ID")
		}
		return Job{
			"github/" + joined("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB"),
			env("GITHUB_SHA"),
			env("GITHUB_REF_NAME"),
			env("GITHUB_ACTOR"),
			page,
		}
	case env("GITLAB_CI") != "":
		return Job{
			"gitlab/" + joined("CI_PROJECT_PATH", "CI_JOB_ID"),
			env("CI_COMMIT_SHA"),
			env("CI_COMMIT_REF_NAME"),
			env("GITLAB_USER_LOGIN"),
			env("CI_JOB_URL"),
		}
	case env("CIRCLE_WORKFLOW_ID") != "":
		return Job{
			"circleci/" + joined("CIRCLE_WORKFLOW_ID", "CIRCLE_JOB"),
			env("CIRCLE_SHA1"),
			env("CIRCLE_BRANCH"),
			env("CIRCLE_USERNAME"),
			env("CIRCLE_BUILD_URL"),
		}
	case env("BUILDKITE_JOB_ID") != "":
		return Job{
			"buildkite/" + env("BUILDKITE_JOB_ID"),
			env("BUILDKITE_COMMIT"),
			env("BUILDKITE_BRANCH"),
			env("BUILDKITE_BUILD_CREATOR"),
			env("BUILDKITE_BUILD_URL"),
		}
	case env("JENKINS_URL") != "" && env("BUILD_TAG") != "":
		return Job{
			"jenkins/" + env("BUILD_TAG"),
			env("GIT_COMMIT"),
			strings.TrimPrefix(env("GIT_BRANCH"), "origin/"),
			env("BUILD_USER_ID"),
			env("BUILD_URL"),
		}
	}
	return Job{}
}

// Fill sets the fields of d that are empty to those of the job.
func (j Job) Fill(d *events.Deploy) {
	for _, f := range []struct {
		to   *string
		from string
	}{{&d.SHA, j.SHA}, {&d.Ref, j.Ref}, {&d.Actor, j.Actor}, {&d.URL, j.URL}} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
	d.Bot = d.Bot || strings.HasSuffix(d.Actor, "[bot]")
}
