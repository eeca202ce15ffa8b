package jenkins

import (
	"strings"

	"github.com/dxctl/dxctl/event"
)

// buildStatus maps a build's result. While a build runs its result is not the last word: a step may already have set
// one, and a later step can make it worse. Unstable means that tests failed. A word that is not known is final
// without being a verdict.
func buildStatus(result string, building *bool) (mapped event.Status, raw string, known bool) {
	if building != nil && *building {
		if result == "" {
			return event.Running, "building", true
		}
		return event.Running, result, true
	}
	switch strings.ToUpper(result) {
	case "":
		return event.Running, "", true // it ended just now and its result is not written yet
	case "SUCCESS":
		return event.Succeeded, result, true
	case "FAILURE", "UNSTABLE":
		return event.Failed, result, true
	case "ABORTED":
		return event.Cancelled, result, true
	case "NOT_BUILT", "NOT_BUILD":
		return event.Skipped, result, true
	}
	return event.Skipped, result, false
}

// stageStatus maps what the Pipeline REST API says of a stage.
func stageStatus(word string) (mapped event.Status, known bool) {
	switch strings.ToUpper(word) {
	case "SUCCESS":
		return event.Succeeded, true
	case "FAILED", "FAILURE", "UNSTABLE":
		return event.Failed, true
	case "ABORTED":
		return event.Cancelled, true
	case "NOT_EXECUTED", "NOT_BUILT", "SKIPPED":
		return event.Skipped, true
	case "IN_PROGRESS":
		return event.Running, true
	case "PAUSED_PENDING_INPUT":
		return event.Waiting, true
	case "QUEUED":
		return event.Queued, true
	}
	return event.Skipped, false
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
