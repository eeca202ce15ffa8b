// Package receiver reads what GitLab sends: the webhooks of projects and groups, and its system hooks. It makes the
// events of a payload with package mapping, as the collector does of the same records.
package receiver

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Receiver reads the webhooks of GitLab projects and groups, and its system hooks. Its events have the identities that
// the collector gives the same records.
//
// The payloads are not those of the API, and GitLab's official client has types for them. They are not used: they fail
// on one odd time, and have no place for the spellings of older servers.
type Receiver struct{}

// Protocol returns how GitLab sends webhooks.
func (Receiver) Protocol() delivery.Protocol {
	return delivery.Protocol{
		Kind: mapping.Provider, Sign: sign, Unsupported: delivery.JSON, ValidateSecret: validSecret,
		Unauthorized: "missing or invalid X-Gitlab-Token or webhook-signature; " +
			"check that the webhook's secret token or signing token is the source's secret",
		Headers: []string{"content-type", "x-gitlab-event"}, IDs: []string{"X-Gitlab-Event-UUID", "webhook-id"},
	}
}

// hooks are the kinds of payloads that are used.
var hooks = map[string]func(*hook) ([]delivery.Update, delivery.Verdict){
	"pipeline":      (*hook).pipeline,
	"build":         (*hook).job,
	"merge_request": (*hook).mergeRequest,
	"deployment":    (*hook).deployment,
	"note":          (*hook).note,
}

// unusedHooks are kinds that no metric needs, with the reason.
var unusedHooks = map[string]string{
	"push":         "pushes are not stored; pipeline reports what ran for one",
	"tag_push":     "tags are not stored; deployment reports which version an environment got",
	"issue":        "issues are not stored",
	"work_item":    "issues are not stored",
	"wiki_page":    "pages are not stored",
	"release":      "releases are not stored; deployment reports which version an environment got",
	"feature_flag": "feature flags are not stored",
	"emoji":        "reactions are not stored",
	"milestone":    "planning is not stored",
	"access_token": "tokens are not stored",
	"member":       "people are read from the catalog",
	"subgroup":     "groups are read by the collector",
	"project":      "projects are read by the collector",
}

// hook is the reading of one payload. Its fields are what every payload may have.
type hook struct {
	mapping.Mapper
	from    delivery.Source
	d       delivery.Delivery
	misfits delivery.Misfits // what was left out so far

	Kind      string      `json:"object_kind"`
	EventName string      `json:"event_name"` // of system hooks
	User      sender      `json:"user"`
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

// sender is the account that did what a hook reports. The user of a pipeline's job has no id in older servers.
type sender struct {
	ID       delivery.ID `json:"id"`
	Username string      `json:"username"`
}

func (s sender) user() *mapping.User { return &mapping.User{Username: s.Username} }

// Parse reads one delivery.
func (r Receiver) Parse(s delivery.Source, d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	h := hook{from: s, d: d}
	if v, ok := h.decode(&h); !ok {
		return nil, v
	}
	kind := cmp.Or(h.Kind, h.EventName)
	read, used := hooks[kind]
	switch {
	case kind == "":
		return delivery.RefuseWith(h.misfits, "the payload has no object_kind; is it a webhook of GitLab?")
	case !used:
		if reason, known := unusedHooks[kind]; known {
			return delivery.Ignore("%s: %s", kind, reason)
		}
		return delivery.Ignore("events of kind %.60q are not used", kind)
	}
	path := h.Project.Path
	if path == "" { // job hooks of older servers give only the address
		if u, err := url.Parse(h.Repository.Homepage); err == nil {
			path = strings.Trim(u.Path, "/")
		}
	}
	if path == "" {
		return delivery.RefuseWith(h.misfits, "the payload of %s has no project.path_with_namespace", kind)
	}
	if !takes(s.Scopes, path, string(cmp.Or(h.Project.ID, h.ProjectID))) {
		return delivery.Ignore("the project %.140s is not among the source's scopes", path)
	}
	h.Mapper = mapping.NewMapper(s.Name, path, s.Unrecognized) // GitLab's spelling of the path is the collector's
	updates, v := read(&h)
	v.Misfits = h.misfits
	return updates, v
}

// takes reports whether a project is among the scopes. Projects are configured by path or by id.
func takes(scopes []string, path, id string) bool {
	return len(scopes) == 0 || slices.ContainsFunc(scopes, func(s string) bool {
		return strings.EqualFold(s, path) || id != "" && s == id
	})
}

// decode reads the part of a payload that a reader needs. What does not fit is left out; false with the verdict when
// nothing can be read.
func (h *hook) decode(into any) (delivery.Verdict, bool) {
	left, err := delivery.Decode(h.d.Body, into)
	if err != nil {
		_, v := delivery.Refuse("the payload cannot be read: %v", err)
		return v, false
	}
	h.misfits = append(h.misfits, left...)
	return delivery.Verdict{}, true
}

func known(s delivery.Stamp) source.Timestamp { return source.Timestamp{Time: s.Time} }

// deployment reads deployment hooks. They do not report whether the job was allowed to fail, nor when it began; of a
// polled source the collector reads those that have ended.
func (h *hook) deployment() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Status      string         `json:"status"`
		ChangedAt   delivery.Stamp `json:"status_changed_at"`
		ID          delivery.ID    `json:"deployment_id"`
		URL         string         `json:"deployable_url"`
		Environment string         `json:"environment"`
		CommitURL   string         `json:"commit_url"`
		Ref         string         `json:"ref"`
	}
	if v, ok := h.decode(&p); !ok {
		return nil, v
	}
	if p.ID == "" || p.Status == "" {
		return delivery.Refuse("the payload of deployment has no deployment_id or status")
	}
	mapped, recognized := h.DeploymentStatus(p.Status, false)
	if h.from.Polled && mapped.Final() {
		return h.from.CollectSoon(h.Scope(), "the deployment has ended, and the collector reads whether its job was allowed "+
			"to fail")
	}
	e := event.Deployment{
		Origin:      h.Origin(string(p.ID), delivery.Link(p.URL)),
		Attempt:     1,
		Environment: p.Environment,
		Status:      mapped,
		StatusRaw:   p.Status,
		Ref:         p.Ref,
		Actor:       h.User.Username,
		Bot:         h.User.user().IsBot(),
	}
	if sha := delivery.LastPart(p.CommitURL); delivery.Commit.MatchString(sha) {
		e.SHA = sha
	}
	at := delivery.FirstKnown(p.ChangedAt.Time, h.d.ReceivedAt)
	switch {
	case mapped.Final():
		e.FinishedAt = at
	case mapped == event.Running && recognized:
		e.StartedAt = at
	default:
		e.CreatedAt = at
	}
	return delivery.Accept([]delivery.Update{{Event: e, At: at}})
}
