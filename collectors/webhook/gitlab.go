package webhook

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// gitlab reads the webhooks of GitLab projects and groups, and its system hooks. What it makes has the identities that
// collectors/gitlab gives the same records: a pipeline, a job and a deployment are their ids, a merge request is its
// number, each in the scope group/project.
//
// GitLab's official client has types for these payloads. They are not used: they fail on one odd time, and have no
// place for the spellings of older servers.
type gitlab struct {
	GitLabReceiver
	delivery.Source
}

// GitLabReceiver reads the webhooks of GitLab.
type GitLabReceiver struct{}

// Protocol returns how GitLab sends webhooks.
func (GitLabReceiver) Protocol() delivery.Protocol {
	return delivery.Protocol{Kind: "gitlab", Sign: signGitLab, Unsupported: delivery.JSON, ValidateSecret: validGitLabSecret,
		Unauthorized: "missing or invalid X-Gitlab-Token or webhook-signature; " +
			"check that the webhook's secret token or signing token is the source's secret",
		Headers: []string{"content-type", "x-gitlab-event"}, IDs: []string{"X-Gitlab-Event-UUID", "webhook-id"}}
}

// Parse reads one delivery.
func (r GitLabReceiver) Parse(s delivery.Source, d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	return gitlab{r, s}.parse(d)
}

// gitlabReaders are the kinds of payloads that are used.
var gitlabReaders = map[string]func(gitlab, gitlabDelivery) ([]delivery.Update, delivery.Verdict){
	"pipeline":      gitlab.pipeline,
	"build":         gitlab.job,
	"merge_request": gitlab.mergeRequest,
	"deployment":    gitlab.deployment,
	"note":          gitlab.note,
}

// gitlabUnused are kinds that GitLab has and no metric needs, with the reason.
var gitlabUnused = map[string]string{
	"push":         "pushes are not kept; pipeline says what ran for one",
	"tag_push":     "tags are not kept; deployment says what was brought into an environment",
	"issue":        "issues are not kept",
	"work_item":    "issues are not kept",
	"wiki_page":    "pages are not kept",
	"release":      "releases are not kept; deployment says what was brought into an environment",
	"feature_flag": "feature flags are not kept",
	"emoji":        "reactions are not kept",
	"milestone":    "planning is not kept",
	"access_token": "tokens are not kept",
	"member":       "people are read from the catalog",
	"subgroup":     "groups are read by the collector",
	"project":      "projects are read by the collector",
}

// gitlabDelivery is what every payload may have, and its body.
type gitlabDelivery struct {
	body     []byte
	received delivery.Stamp
	scope    string            // path of the project
	misfits  *delivery.Misfits // what was left out so far

	Kind      string      `json:"object_kind"`
	EventName string      `json:"event_name"` // of system hooks
	User      gitlabUser  `json:"user"`
	ProjectID delivery.ID `json:"project_id"`
	Project   struct {
		ID     delivery.ID `json:"id"`
		Path   string      `json:"path_with_namespace"`
		WebURL string      `json:"web_url"`
	} `json:"project"`
	Repository struct {
		Homepage string `json:"homepage"`
	} `json:"repository"`
}

// gitlabUser is an account. The user of a pipeline's job has no id in older servers.
type gitlabUser struct {
	ID       delivery.ID `json:"id"`
	Username string      `json:"username"`
}

// gitlabBot recognises the accounts of project and group tokens and of service accounts, and names that say bot.
var gitlabBot = regexp.MustCompile(`(?i)^((project|group)_\d+_bot(_.*)?|service_account_.+|.*[-_]bot|.*\[bot\]|ghost)$`)

func (u gitlabUser) bot() bool { return gitlabBot.MatchString(u.Username) }

func (g gitlab) parse(d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	in := gitlabDelivery{body: d.Body, received: delivery.Stamp{Time: d.ReceivedAt}, misfits: &delivery.Misfits{}}
	if v, ok := in.decode(&in); !ok {
		return nil, v
	}
	kind := cmp.Or(in.Kind, in.EventName)
	read, used := gitlabReaders[kind]
	switch {
	case kind == "":
		return delivery.RefuseWith(*in.misfits, "the payload has no object_kind; is it a webhook of GitLab?")
	case !used:
		if reason, known := gitlabUnused[kind]; known {
			return delivery.Ignore("%s: %s", kind, reason)
		}
		return delivery.Ignore("events of kind %.60q are not used", kind)
	}
	path := in.Project.Path
	if path == "" { // job hooks of older servers give only the address
		if u, err := url.Parse(in.Repository.Homepage); err == nil {
			path = strings.Trim(u.Path, "/")
		}
	}
	if path == "" {
		return delivery.RefuseWith(*in.misfits, "the payload of %s has no project.path_with_namespace", kind)
	}
	if !g.takes(path, string(cmp.Or(in.Project.ID, in.ProjectID))) {
		return delivery.Ignore("the project %.140s is not among the source's scopes", path)
	}
	in.scope = path // GitLab's spelling is the collector's
	updates, v := read(g, in)
	v.Misfits = *in.misfits
	return updates, v
}

// takes reports whether the source takes a project. Projects are configured by path or by id.
func (g gitlab) takes(path, id string) bool {
	return len(g.Scopes) == 0 || slices.ContainsFunc(g.Scopes, func(s string) bool {
		return strings.EqualFold(s, path) || id != "" && s == id
	})
}

// decode reads the part of a payload that a reader needs. What does not fit is left out; false with the verdict when
// nothing can be read.
func (in gitlabDelivery) decode(into any) (delivery.Verdict, bool) {
	left, err := delivery.Decode(in.body, into)
	if err != nil {
		_, v := delivery.Refuse("the payload cannot be read: %v", err)
		return v, false
	}
	*in.misfits = append(*in.misfits, left...)
	return delivery.Verdict{}, true
}

func (g gitlab) origin(in gitlabDelivery, id, address string) event.Origin {
	return event.Origin{Source: g.Name, Provider: "gitlab", Scope: in.scope, ID: id, URL: delivery.Link(address)}
}

// gitlabStatus maps the status of a pipeline or a job, as collectors/gitlab does. A word that is not known is taken as under
// way.
func gitlabStatus(word string) (mapped event.Status, known bool) {
	switch strings.ToLower(word) {
	case "created", "waiting_for_resource", "waiting_for_callback", "preparing", "pending", "scheduled":
		return event.Queued, true
	case "manual", "blocked", "waiting_for_approval":
		return event.Waiting, true
	case "running", "canceling":
		return event.Running, true
	case "success", "success_with_warnings":
		return event.Succeeded, true
	case "failed":
		return event.Failed, true
	case "canceled", "cancelled":
		return event.Cancelled, true
	case "skipped":
		return event.Skipped, true
	}
	return event.Running, false
}

// deployment reads deployment hooks. They do not say whether the job was allowed to fail, nor when it began; of a polled
// source the collector reads those that have ended.
func (g gitlab) deployment(in gitlabDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Status      string         `json:"status"`
		ChangedAt   delivery.Stamp `json:"status_changed_at"`
		ID          delivery.ID    `json:"deployment_id"`
		URL         string         `json:"deployable_url"`
		Environment string         `json:"environment"`
		CommitURL   string         `json:"commit_url"`
		Ref         string         `json:"ref"`
	}
	if v, ok := in.decode(&p); !ok {
		return nil, v
	}
	if p.ID == "" || p.Status == "" {
		return delivery.Refuse("the payload of deployment has no deployment_id or status")
	}
	mapped, known := gitlabStatus(p.Status)
	switch strings.ToLower(p.Status) {
	case "completed":
		mapped, known = event.Succeeded, true
	case "undeployed", "rejected":
		mapped, known = event.Cancelled, true
	case "approved":
		mapped, known = event.Queued, true
	}
	if !known {
		g.Unrecognized("status of a deployment", p.Status)
	}
	if g.Polled && mapped.Final() {
		return g.CollectSoon(in.scope, "the deployment has ended, and the collector reads whether its job was allowed to fail")
	}
	e := event.Deployment{Origin: g.origin(in, string(p.ID), p.URL), Attempt: 1, Environment: p.Environment, Status: mapped, StatusRaw: p.Status,
		Ref: p.Ref, Actor: in.User.Username, Bot: in.User.bot()}
	if sha := delivery.LastPart(p.CommitURL); delivery.Commit.MatchString(sha) {
		e.SHA = sha
	}
	when := delivery.FirstKnown(p.ChangedAt.Time, in.received.Time)
	switch {
	case mapped.Final():
		e.FinishedAt = when
	case mapped == event.Running && known:
		e.StartedAt = when
	default:
		e.CreatedAt = when
	}
	return delivery.Accept([]delivery.Update{{Event: e, At: when}})
}

// entered is when a job entered the queue. GitLab makes all jobs of a pipeline at its beginning, where they wait for the
// stage before them; only the time that it gives as queued was spent waiting for a runner.
func entered(created, started delivery.Stamp, queued *float64) delivery.Stamp {
	const longest = 30 * 24 * 3600
	if started.IsZero() || queued == nil || *queued < 0 || *queued > longest {
		return created
	}
	return delivery.Stamp{Time: delivery.Latest(created.Time, delivery.Milli(started.Add(-seconds(*queued))))}
}

func (in gitlabDelivery) id(n int64) string { return strconv.FormatInt(n, 10) }
