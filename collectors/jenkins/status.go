package jenkins

import (
	"cmp"
	"strings"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// results are the words for how a build ended.
var results = source.Words[event.Status]{
	Meaning: map[string]event.Status{
		"success":   event.Succeeded,
		"failure":   event.Failed,
		"unstable":  event.Failed, // tests failed
		"aborted":   event.Cancelled,
		"not_built": event.Skipped,
		"not_build": event.Skipped, // as it was written once
		"":          event.Running, // it ended just now and its result is not written yet
	},
	Otherwise: event.Skipped, // it is over, without a verdict
}

// buildStatus returns the status of a build and the word that is stored with it. While a build runs its result is not
// the last word: a step may already have set one, and a later step can make it worse. unrecognized is called with a
// result that Jenkins does not document; nil: nobody is told.
func buildStatus(b build, unrecognized func(what, word string)) (mapped event.Status, raw string) {
	if b.Building != nil && *b.Building {
		return event.Running, cmp.Or(b.Result, "building")
	}
	return results.Read("result of a build", b.Result, unrecognized), b.Result
}

// stageStatuses are the words of the Pipeline REST API for where a stage stands.
var stageStatuses = source.Words[event.Status]{
	Meaning: map[string]event.Status{
		"success":              event.Succeeded,
		"failed":               event.Failed,
		"failure":              event.Failed,
		"unstable":             event.Failed,
		"aborted":              event.Cancelled,
		"not_executed":         event.Skipped,
		"not_built":            event.Skipped,
		"skipped":              event.Skipped,
		"in_progress":          event.Running,
		"paused_pending_input": event.Waiting,
		"queued":               event.Queued,
	},
	Otherwise: event.Skipped,
}

// triggers maps the causes that Jenkins and its common plugins know, by the end of the class's name.
var triggers = []struct{ class, trigger string }{
	{"UserIdCause", "manual"},
	{"UserCause", "manual"},
	{"ReplayCause", "manual"},
	{"RestartDeclarativePipelineCause", "manual"},
	{"RebuildCause", "manual"},
	{"TimerTriggerCause", "schedule"},
	{"SCMTriggerCause", "push"},
	{"BranchIndexingCause", "push"},
	{"BranchEventCause", "push"},
	{"GitHubPushCause", "push"},
	{"BitBucketPushCause", "push"},
	{"GitLabWebHookCause", "push"},
	{"GhprbCause", "pull_request"},
	{"PullRequestCause", "pull_request"},
	{"GitHubPRCause", "pull_request"},
	{"UpstreamCause", "upstream"},
	{"BuildUpstreamCause", "upstream"},
	{"RemoteCause", "api"},
	{"CLICause", "api"},
}

// trigger names what a cause is. One that is not known is named as Jenkins names its class.
func trigger(class string) string {
	name := class[strings.LastIndexAny(class, ".$")+1:]
	for _, t := range triggers {
		if strings.EqualFold(name, t.class) {
			return t.trigger
		}
	}
	return strings.ToLower(strings.TrimSuffix(name, "Cause"))
}

// isBot reports whether an account is a machine. Jenkins does not say, so the name has to.
func isBot(login string) bool {
	return strings.EqualFold(login, "SYSTEM") || strings.HasSuffix(login, "[bot]")
}
