// Package receiver reads the webhooks of GitHub and GitHub Enterprise. Each payload becomes a record of the kind that
// the collector reads, and package mapping converts it to an event.
//
// The payloads have types of their own, because a webhook is sent once: a field that cannot be read is left out, and
// the rest of the payload counts. A file contains the payloads of one kind of record.
package receiver

import (
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/github/mapping"
)

// Receiver converts the deliveries of a source's webhooks to updates of events. Its events have the identities that the
// collector gives to the same records: a run has its id and attempt, a change its number, a deployment its id, and an
// incident the number of its issue, each in the scope owner/name.
//
// The event types of google/go-github are not used: they have a pointer for each field, reject the whole delivery if
// one time is invalid, and lag behind GitHub's payloads, of which only a few fields are needed here.
type Receiver struct {
	// IncidentLabels are the labels that make an issue an incident, not case-sensitive; empty: no issue is one.
	IncidentLabels []string
}

// Protocol returns how GitHub sends webhooks.
func (Receiver) Protocol() delivery.Protocol {
	return delivery.Protocol{
		Kind:         mapping.Provider,
		Sign:         delivery.HexSignature("X-Hub-Signature-256", "sha256="),
		Unsupported:  delivery.JSONOrForm,
		Unauthorized: "missing or invalid X-Hub-Signature-256; check that the webhook's secret is the source's secret",
		Headers:      []string{"content-type", "x-github-event"},
		IDs:          []string{"X-GitHub-Delivery"},
	}
}

// used has a reader for each type of event that is used.
var used = map[string]func(*hook) ([]delivery.Update, delivery.Verdict){
	"ping":                (*hook).ping,
	"workflow_run":        (*hook).run,
	"workflow_job":        (*hook).job,
	"pull_request":        (*hook).pullRequest,
	"pull_request_review": (*hook).review,
	"deployment":          (*hook).deployment,
	"deployment_status":   (*hook).deploymentStatus,
	"issues":              (*hook).issue,
	"push":                (*hook).push,
	"release":             (*hook).release,
	"repository":          (*hook).changedRepository,
}

// unused are the types of events that no metric needs, with the reason, which is the answer to the delivery.
var unused = map[string]string{
	"check_run": "workflow_job says what became of a job of GitHub Actions; checks of others are " +
		"not stored",
	"check_suite": "workflow_run says what became of a run of GitHub Actions; checks of others are " +
		"not stored",
	"status":                          "workflow_run says what became of a run; commit statuses of others are not stored",
	"workflow_dispatch":               "workflow_run says that a run was started",
	"repository_dispatch":             "workflow_run says that a run was started",
	"pull_request_review_comment":     "comments are not stored; pull_request_review says that somebody reviewed",
	"pull_request_review_thread":      "threads are not stored; pull_request_review says that somebody reviewed",
	"issue_comment":                   "comments are not stored",
	"commit_comment":                  "comments are not stored",
	"deployment_review":               "deployment_status says whether a deployment waits",
	"deployment_protection_rule":      "deployment_status says whether a deployment waits",
	"merge_group":                     "pull_request says when a change is merged",
	"create":                          "branches and tags are not stored; push says what is on them",
	"delete":                          "branches and tags are not stored",
	"label":                           "labels are read from the issues that have them",
	"installation":                    "which repositories are collected is configured",
	"installation_repositories":       "which repositories are collected is configured",
	"github_app_authorization":        "which repositories are collected is configured",
	"member":                          "people are read from the catalog",
	"membership":                      "people and teams are read from the catalog",
	"organization":                    "people and teams are read from the catalog",
	"team":                            "teams are read from the catalog",
	"team_add":                        "teams are read from the catalog",
	"page_build":                      "builds of GitHub Pages are not stored",
	"package":                         "packages are not stored; a deployment reports which one an environment got",
	"registry_package":                "packages are not stored; a deployment reports which one an environment got",
	"security_advisory":               "security alerts are not stored",
	"repository_vulnerability_alert":  "security alerts are not stored",
	"code_scanning_alert":             "security alerts are not stored",
	"dependabot_alert":                "security alerts are not stored",
	"secret_scanning_alert":           "security alerts are not stored",
	"branch_protection_rule":          "settings of a repository are not stored",
	"branch_protection_configuration": "settings of a repository are not stored",
	"repository_ruleset":              "settings of a repository are not stored",
	"deploy_key":                      "settings of a repository are not stored",
	"milestone":                       "planning is not stored",
	"project":                         "planning is not stored",
	"project_card":                    "planning is not stored",
	"project_column":                  "planning is not stored",
	"projects_v2_item":                "planning is not stored",
	"meta":                            "the webhook was removed at GitHub, which sends nothing further",
}

// hook is one payload while it is read. Its exported fields are those that every payload may have.
type hook struct {
	mapping.Mapper `json:"-"`
	Receiver       `json:"-"`
	from           delivery.Source
	kind           string // X-GitHub-Event
	body           []byte
	misfits        delivery.Misfits // fields that were left out so far

	Action     string `json:"action"`
	Repository struct {
		FullName      string `json:"full_name"`
		HTMLURL       string `json:"html_url"`
		DefaultBranch string `json:"default_branch"`
	} `json:"repository"`
}

// Parse returns the updates that a delivery makes, or why there is none.
func (r Receiver) Parse(s delivery.Source, d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	kind := d.Headers["x-github-event"]
	if kind == "" {
		return delivery.Refuse("X-GitHub-Event is missing: it says what the payload is")
	}
	read, ok := used[kind]
	if !ok {
		if reason, known := unused[kind]; known {
			return delivery.Ignore("%s: %s", kind, reason)
		}
		return delivery.Ignore("events of type %.60q are not used", kind)
	}
	body, err := payload(d)
	if err != nil {
		return delivery.Refuse("%v", err)
	}
	h := hook{Receiver: r, from: s, kind: kind, body: body}
	if err := h.decode(&h); err != nil {
		return delivery.Refuse("%v", err)
	}
	if kind != "ping" {
		name := h.Repository.FullName
		if name == "" {
			return delivery.RefuseWith(h.misfits, "the payload of %s has no repository.full_name", kind)
		}
		scope, taken := s.Scope(name)
		if !taken {
			return delivery.Ignore("the repository %.140s is not among the source's scopes", name)
		}
		h.Mapper = mapping.Mapper{
			Source:       s.Name,
			Scope:        scope,
			URL:          delivery.Link(h.Repository.HTMLURL),
			Unrecognized: s.Unrecognized,
			Machine:      s.Machine,
		}
	}
	updates, v := read(&h)
	v.Misfits = h.misfits
	return updates, v
}

// payload returns the JSON of the payload: the body, or the only field of a form, which is the other content type.
func payload(d delivery.Delivery) ([]byte, error) {
	// a content type that cannot be parsed is not that of a form
	if media, _, _ := mime.ParseMediaType(d.Headers["content-type"]); media != delivery.FormType {
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

// decode decodes the fields of a payload that a reader needs. Fields that do not fit are left out, see misfits.
func (h *hook) decode(into any) error {
	left, err := delivery.Decode(h.body, into)
	if err != nil {
		return fmt.Errorf("the payload of %s cannot be read: %w", h.kind, err)
	}
	h.misfits = append(h.misfits, left...)
	return nil
}

// collect returns the scope, to be collected soon, if a collector reads the source: it reads more than the payload
// contains.
func (h *hook) collect() []delivery.Target {
	if !h.from.Polled {
		return nil
	}
	return []delivery.Target{{Source: h.from.Name, Scope: h.Scope}}
}

// ptr returns the time as the records of package mapping contain it; nil if it is unknown.
func ptr(s delivery.Stamp) *time.Time {
	if s.IsZero() {
		return nil
	}
	return &s.Time
}

// wanted returns the types of events that a webhook should send, in the order of GitHub's settings page.
func (h *hook) wanted() []string {
	events := []string{
		"deployment",
		"deployment_status",
		"pull_request",
		"pull_request_review",
		"workflow_job",
		"workflow_run",
	}
	if len(h.IncidentLabels) > 0 {
		events = append(events, "issues")
	}
	return events
}

// ping reads ping, which GitHub sends when a webhook is created. GitHub shows the answer under Recent Deliveries, so it
// lists the events that are still to be selected.
func (h *hook) ping() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Hook struct {
			Events []string `json:"events"`
		} `json:"hook"`
	}
	if err := h.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if len(p.Hook.Events) == 0 {
		return delivery.Ignore("ping: the webhook works")
	}
	var missing []string
	for _, e := range h.wanted() {
		if !slices.Contains(p.Hook.Events, e) && !slices.Contains(p.Hook.Events, "*") {
			missing = append(missing, e)
		}
	}
	if len(missing) == 0 {
		return delivery.Ignore("ping: the webhook works and sends all that is used")
	}
	return delivery.Ignore("ping: the webhook works; it does not send %s, so nothing is known of these unless a "+
		"collector reads them", strings.Join(missing, ", "))
}

// push reads push: the files of the default branch may have changed, which the collector reads.
func (h *hook) push() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Ref     string `json:"ref"`
		Deleted bool   `json:"deleted"`
	}
	if err := h.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if strings.HasPrefix(p.Ref, "refs/tags/") {
		return h.from.CollectSoon(h.Scope, "a tag was pushed, which the collector reads where tags are deployments")
	}
	branch, isBranch := strings.CutPrefix(p.Ref, "refs/heads/")
	if !isBranch || branch != h.Repository.DefaultBranch {
		return delivery.Ignore("push: %.120s is not the default branch", p.Ref)
	}
	return h.from.CollectSoon(h.Scope, "the default branch has moved, and the collector reads which files it has")
}

// release reads release. The collector reads releases, because a payload does not show all that an event needs.
func (h *hook) release() ([]delivery.Update, delivery.Verdict) {
	switch h.Action {
	case "published", "released", "edited", "unpublished", "deleted", "prereleased":
		return h.from.CollectSoon(h.Scope, "a release has changed, which the collector reads where releases are deployments")
	}
	return delivery.Ignore("release %.40s: nothing is released yet", h.Action)
}

// changedRepository reads repository: what the collector reads of a repository itself may have changed.
func (h *hook) changedRepository() ([]delivery.Update, delivery.Verdict) {
	switch h.Action {
	case "edited", "unarchived", "created":
		return h.from.CollectSoon(h.Scope, "the repository's settings have changed, and the collector reads its default "+
			"branch")
	}
	return delivery.Ignore("repository %.40s: nothing of it is stored", h.Action)
}
