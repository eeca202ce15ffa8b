package webhook

import (
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// github reads the webhooks of GitHub and GitHub Enterprise. What it makes has the identities that collectors/github
// gives the same records, so that both may read one source: a run is its id and attempt, a change its number, a
// deployment its id, an incident its issue's number, each in the scope owner/name.
//
// google/go-github's event types are not used: they turn what is absent into pointers field by field, fail the whole
// delivery on one odd time, and lag behind GitHub's own payloads, of which only a few fields are needed here.
type github struct {
	GitHubReceiver
	delivery.Source
}

// GitHubReceiver reads the webhooks of GitHub.
type GitHubReceiver struct {
	// IncidentLabels are the labels that make an issue an incident; empty: no issue is one. Case does not matter.
	IncidentLabels []string
}

// Protocol returns how GitHub sends webhooks.
func (GitHubReceiver) Protocol() delivery.Protocol {
	return delivery.Protocol{Kind: "github", Sign: delivery.HexSignature("X-Hub-Signature-256", "sha256="), Unsupported: delivery.JSONOrForm,
		Unauthorized: "missing or invalid X-Hub-Signature-256; check that the webhook's secret is the source's secret",
		Headers:      []string{"content-type", "x-github-event"}, IDs: []string{"X-GitHub-Delivery"}}
}

// Parse reads one delivery.
func (r GitHubReceiver) Parse(s delivery.Source, d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	return github{r, s}.parse(d)
}

// githubReaders are the types of events that are used.
var githubReaders = map[string]func(github, githubDelivery) ([]delivery.Update, delivery.Verdict){
	"ping":                github.ping,
	"workflow_run":        github.run,
	"workflow_job":        github.job,
	"pull_request":        github.pullRequest,
	"pull_request_review": github.review,
	"deployment":          github.deployment,
	"deployment_status":   github.deploymentStatus,
	"issues":              github.issue,
	"push":                github.push,
	"release":             github.release,
	"repository":          github.changedRepository,
}

// githubUnused are types of events that GitHub has and no metric needs, with the reason.
var githubUnused = map[string]string{
	"check_run":                       "workflow_job says what became of a job of GitHub Actions; checks of others are not kept",
	"check_suite":                     "workflow_run says what became of a run of GitHub Actions; checks of others are not kept",
	"status":                          "workflow_run says what became of a run; commit statuses of others are not kept",
	"workflow_dispatch":               "workflow_run says that a run was started",
	"repository_dispatch":             "workflow_run says that a run was started",
	"pull_request_review_comment":     "comments are not kept; pull_request_review says that somebody reviewed",
	"pull_request_review_thread":      "threads are not kept; pull_request_review says that somebody reviewed",
	"issue_comment":                   "comments are not kept",
	"commit_comment":                  "comments are not kept",
	"deployment_review":               "deployment_status says whether a deployment waits",
	"deployment_protection_rule":      "deployment_status says whether a deployment waits",
	"merge_group":                     "pull_request says when a change is merged",
	"create":                          "branches and tags are not kept; push says what is on them",
	"delete":                          "branches and tags are not kept",
	"label":                           "labels are read from the issues that have them",
	"installation":                    "which repositories are collected is configured",
	"installation_repositories":       "which repositories are collected is configured",
	"github_app_authorization":        "which repositories are collected is configured",
	"member":                          "people are read from the catalog",
	"membership":                      "people and teams are read from the catalog",
	"organization":                    "people and teams are read from the catalog",
	"team":                            "teams are read from the catalog",
	"team_add":                        "teams are read from the catalog",
	"page_build":                      "builds of GitHub Pages are not kept",
	"package":                         "packages are not kept; what brings one into an environment is a deployment",
	"registry_package":                "packages are not kept; what brings one into an environment is a deployment",
	"security_advisory":               "security alerts are not kept",
	"repository_vulnerability_alert":  "security alerts are not kept",
	"code_scanning_alert":             "security alerts are not kept",
	"dependabot_alert":                "security alerts are not kept",
	"secret_scanning_alert":           "security alerts are not kept",
	"branch_protection_rule":          "settings of a repository are not kept",
	"branch_protection_configuration": "settings of a repository are not kept",
	"repository_ruleset":              "settings of a repository are not kept",
	"deploy_key":                      "settings of a repository are not kept",
	"milestone":                       "planning is not kept",
	"project":                         "planning is not kept",
	"project_card":                    "planning is not kept",
	"project_column":                  "planning is not kept",
	"projects_v2_item":                "planning is not kept",
	"meta":                            "the webhook was taken away at GitHub; nothing comes from it any more",
}

// githubDelivery is a payload and what every one of them may have.
type githubDelivery struct {
	kind string
	body []byte
	githubEnvelope
	scope   string            // of the repository, as the collector spells it; empty when the payload has no repository
	misfits *delivery.Misfits // what was left out so far
}

type githubEnvelope struct {
	Action     string `json:"action"`
	Repository struct {
		FullName      string `json:"full_name"`
		HTMLURL       string `json:"html_url"`
		DefaultBranch string `json:"default_branch"`
	} `json:"repository"`
}

// githubAccount is a user, an app or an organization.
type githubAccount struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

// bot reports whether an account is a machine: GitHub says so, or it bears an app's name.
func (a githubAccount) bot() bool {
	return strings.EqualFold(a.Type, "Bot") || strings.HasSuffix(a.Login, "[bot]")
}

func (g github) parse(d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	kind := d.Headers["x-github-event"]
	if kind == "" {
		return delivery.Refuse("X-GitHub-Event is missing: it says what the payload is")
	}
	read, used := githubReaders[kind]
	if !used {
		if reason, known := githubUnused[kind]; known {
			return delivery.Ignore("%s: %s", kind, reason)
		}
		return delivery.Ignore("events of type %.60q are not used", kind)
	}
	body, err := githubPayload(d)
	if err != nil {
		return delivery.Refuse("%v", err)
	}
	in := githubDelivery{kind: kind, body: body, misfits: &delivery.Misfits{}}
	if err := in.decode(&in.githubEnvelope); err != nil {
		return delivery.Refuse("%v", err)
	}
	if kind != "ping" {
		if v, ok := g.place(&in); !ok {
			return nil, v
		}
	}
	updates, v := read(g, in)
	v.Misfits = *in.misfits
	return updates, v
}

// place finds the scope of a payload's repository; false with the verdict when the source does not take it.
func (g github) place(in *githubDelivery) (delivery.Verdict, bool) {
	name := in.Repository.FullName
	if name == "" {
		_, v := delivery.RefuseWith(*in.misfits, "the payload of %s has no repository.full_name", in.kind)
		return v, false
	}
	scope, taken := g.Scope(name)
	if !taken {
		_, v := delivery.Ignore("the repository %.140s is not among the source's scopes", name)
		return v, false
	}
	in.scope = scope
	return delivery.Verdict{}, true
}

// githubPayload is the payload's JSON: the body, or in a form, which is the other way in which GitHub sends, its one field.
func githubPayload(d delivery.Delivery) ([]byte, error) {
	if media, _, _ := mime.ParseMediaType(d.Headers["content-type"]); media != delivery.FormType { // what cannot be read is no form
		return d.Body, nil
	}
	form, err := url.ParseQuery(string(d.Body))
	if err != nil {
		return nil, fmt.Errorf("the form cannot be read: %w", err)
	}
	if !form.Has("payload") {
		return nil, fmt.Errorf("the form has no field payload; set the webhook's content type to application/json")
	}
	return []byte(form.Get("payload")), nil
}

// decode reads the part of a payload that a reader needs. What does not fit is left out.
func (in githubDelivery) decode(into any) error {
	left, err := delivery.Decode(in.body, into)
	if err != nil {
		return fmt.Errorf("the payload of %s cannot be read: %w", in.kind, err)
	}
	*in.misfits = append(*in.misfits, left...)
	return nil
}

// origin is where a record of the delivery's repository comes from.
func (g github) origin(in githubDelivery, id, address string) event.Origin {
	return event.Origin{Source: g.Name, Provider: "github", Scope: in.scope, ID: id, URL: delivery.Link(address)}
}

// asksFor is what to collect of a polled source besides what is written: it says more than the payload.
func (g github) asksFor(in githubDelivery) []delivery.Target {
	if !g.Polled {
		return nil
	}
	return []delivery.Target{{Source: g.Name, Scope: in.scope}}
}

// wanted are the events that a webhook should send, in the order in which GitHub's page shows them.
func (g github) wanted() []string {
	events := []string{"deployment", "deployment_status", "pull_request", "pull_request_review", "workflow_job", "workflow_run"}
	if len(g.IncidentLabels) > 0 {
		events = append(events, "issues")
	}
	return events
}

// ping is what GitHub sends when a webhook is made. The answer stands at GitHub under Recent Deliveries, so it says what
// is still to be ticked.
func (g github) ping(in githubDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Hook struct {
			Events []string `json:"events"`
		} `json:"hook"`
	}
	if err := in.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if len(p.Hook.Events) == 0 {
		return delivery.Ignore("ping: the webhook works")
	}
	var missing []string
	for _, e := range g.wanted() {
		if !slices.Contains(p.Hook.Events, e) && !slices.Contains(p.Hook.Events, "*") {
			missing = append(missing, e)
		}
	}
	if len(missing) == 0 {
		return delivery.Ignore("ping: the webhook works and sends all that is used")
	}
	return delivery.Ignore("ping: the webhook works; it does not send %s, so nothing is known of these unless a collector reads them", strings.Join(missing, ", "))
}

// push moves what the collector reads of the default branch: which files there are.
func (g github) push(in githubDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Ref     string `json:"ref"`
		Deleted bool   `json:"deleted"`
	}
	if err := in.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if strings.HasPrefix(p.Ref, "refs/tags/") {
		return g.CollectSoon(in.scope, "a tag was pushed, which the collector reads where tags are deployments")
	}
	branch, isBranch := strings.CutPrefix(p.Ref, "refs/heads/")
	if !isBranch || branch != in.Repository.DefaultBranch {
		return delivery.Ignore("push: %.120s is not the default branch", p.Ref)
	}
	return g.CollectSoon(in.scope, "the default branch has moved, and the collector reads which files it has")
}

// release is read by the collector, because GitHub's releases have a history that the payload does not tell.
func (g github) release(in githubDelivery) ([]delivery.Update, delivery.Verdict) {
	switch in.Action {
	case "published", "released", "edited", "unpublished", "deleted", "prereleased":
		return g.CollectSoon(in.scope, "a release has changed, which the collector reads where releases are deployments")
	}
	return delivery.Ignore("release %.40s: nothing is released yet", in.Action)
}

func (g github) changedRepository(in githubDelivery) ([]delivery.Update, delivery.Verdict) {
	switch in.Action {
	case "edited", "unarchived", "created":
		return g.CollectSoon(in.scope, "the repository's settings have changed, and the collector reads its default branch")
	}
	return delivery.Ignore("repository %.40s: nothing of it is kept", in.Action)
}
