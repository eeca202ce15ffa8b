package main

import (
	"strings"

	"github.com/dxctl/dxctl/collectors/events"
)

// ci describes the current CI job. An empty field is unknown.
type ci struct{ id, sha, ref, actor, url string }

// ciJob reads the environment variables that CI systems set in every job.
func ciJob(env func(string) string) ci {
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
		return ci{
			"github/" + joined("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB"),
			env("GITHUB_SHA"),
			env("GITHUB_REF_NAME"),
			env("GITHUB_ACTOR"),
			page,
		}
	case env("GITLAB_CI") != "":
		return ci{
			"gitlab/" + joined("CI_PROJECT_PATH", "CI_JOB_ID"),
			env("CI_COMMIT_SHA"),
			env("CI_COMMIT_REF_NAME"),
			env("GITLAB_USER_LOGIN"),
			env("CI_JOB_URL"),
		}
	case env("CIRCLE_WORKFLOW_ID") != "":
		return ci{
			"circleci/" + joined("CIRCLE_WORKFLOW_ID", "CIRCLE_JOB"),
			env("CIRCLE_SHA1"),
			env("CIRCLE_BRANCH"),
			env("CIRCLE_USERNAME"),
			env("CIRCLE_BUILD_URL"),
		}
	case env("BUILDKITE_JOB_ID") != "":
		return ci{
			"buildkite/" + env("BUILDKITE_JOB_ID"),
			env("BUILDKITE_COMMIT"),
			env("BUILDKITE_BRANCH"),
			env("BUILDKITE_BUILD_CREATOR"),
			env("BUILDKITE_BUILD_URL"),
		}
	case env("JENKINS_URL") != "" && env("BUILD_TAG") != "":
		return ci{
			"jenkins/" + env("BUILD_TAG"),
			env("GIT_COMMIT"),
			strings.TrimPrefix(env("GIT_BRANCH"), "origin/"),
			env("BUILD_USER_ID"),
			env("BUILD_URL"),
		}
	}
	return ci{}
}

// fill sets the fields of d that the flags left empty.
func (c ci) fill(d *events.Deploy) {
	for _, f := range []struct {
		to   *string
		from string
	}{{&d.SHA, c.sha}, {&d.Ref, c.ref}, {&d.Actor, c.actor}, {&d.URL, c.url}} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
	d.Bot = d.Bot || strings.HasSuffix(d.Actor, "[bot]")
}
