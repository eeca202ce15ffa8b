package receiver

import (
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/event"
)

// pull is a pull request in a payload. In that of a review it lacks the counts of lines.
type pull struct {
	Number         uint64          `json:"number"`
	Title          string          `json:"title"`
	Body           string          `json:"body"`
	HTMLURL        string          `json:"html_url"`
	User           mapping.Account `json:"user"`
	CreatedAt      delivery.Stamp  `json:"created_at"`
	UpdatedAt      delivery.Stamp  `json:"updated_at"`
	State          string          `json:"state"` // open or closed
	Merged         bool            `json:"merged"`
	ClosedAt       delivery.Stamp  `json:"closed_at"`
	MergedAt       delivery.Stamp  `json:"merged_at"`
	MergeCommitSHA string          `json:"merge_commit_sha"`
	Head           struct {
		Ref string `json:"ref"`
		SHA string `json:"sha"`
	} `json:"head"`
	Additions uint32 `json:"additions"`
	Deletions uint32 `json:"deletions"`
}

// review is a review in a payload.
type review struct {
	State       string          `json:"state"`
	SubmittedAt delivery.Stamp  `json:"submitted_at"`
	User        mapping.Account `json:"user"`
}

// collectedActions are the actions of pull_request after which the collector reads what the payload lacks: the commits.
var collectedActions = []string{"opened", "synchronize", "reopened", "closed"}

// pullRequest reads pull_request. Every action is used, because the payload always describes the whole pull request.
func (h *hook) pullRequest() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Pull *pull `json:"pull_request"`
	}
	if err := h.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Pull == nil || p.Pull.Number == 0 {
		return delivery.Refuse("the payload of pull_request has no pull_request.number")
	}
	updates := []delivery.Update{h.change(*p.Pull)}
	if slices.Contains(collectedActions, h.Action) {
		return delivery.Accept(updates, h.collect()...)
	}
	return delivery.Accept(updates)
}

// change returns the update for a pull request with the reviews of the payload.
func (h *hook) change(p pull, reviews ...mapping.Review) delivery.Update {
	n := mapping.Pull{
		Number:      p.Number,
		Title:       p.Title,
		Body:        p.Body,
		URL:         delivery.Link(p.HTMLURL),
		CreatedAt:   p.CreatedAt.Time,
		UpdatedAt:   p.UpdatedAt.Time,
		State:       p.State,
		ClosedAt:    ptr(p.ClosedAt),
		MergedAt:    ptr(p.MergedAt),
		MergeCommit: &mapping.Commit{OID: p.MergeCommitSHA},
		Author:      p.User.Actor(),
		HeadRefName: p.Head.Ref,
		HeadRefOID:  p.Head.SHA,
		Additions:   p.Additions,
		Deletions:   p.Deletions,
		Reviews:     mapping.ReviewList{Nodes: reviews},
	}
	if p.Merged {
		n.State = event.MergedChange
	}
	full := h.misfits.At("pull_request.closed_at", "pull_request.merged_at") == ""
	return delivery.Update{Event: h.ChangeEvent(n), At: p.UpdatedAt.Time, Full: full}
}

// review reads pull_request_review.
func (h *hook) review() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Pull   *pull   `json:"pull_request"`
		Review *review `json:"review"`
	}
	if err := h.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Pull == nil || p.Pull.Number == 0 || p.Review == nil {
		return delivery.Refuse("the payload of pull_request_review has no pull_request.number or review")
	}
	u := h.change(
		*p.Pull,
		mapping.Review{State: p.Review.State, SubmittedAt: ptr(p.Review.SubmittedAt), Author: p.Review.User.Actor()},
	)
	u.At = delivery.Latest(u.At, p.Review.SubmittedAt.Time)
	if h.Action == "dismissed" { // an approval may be gone, which only the collector can say
		return delivery.Accept([]delivery.Update{u}, h.collect()...)
	}
	return delivery.Accept([]delivery.Update{u})
}

// issue is an issue in a payload.
type issue struct {
	Number    uint64          `json:"number"`
	HTMLURL   string          `json:"html_url"`
	State     string          `json:"state"`
	CreatedAt delivery.Stamp  `json:"created_at"`
	UpdatedAt delivery.Stamp  `json:"updated_at"`
	ClosedAt  delivery.Stamp  `json:"closed_at"`
	Labels    []mapping.Label `json:"labels"`
	// Pull is set if the issue is the conversation of a pull request.
	Pull *struct{} `json:"pull_request"`
}

// read returns the issue as a listing shows it. Without a state, the time of closing decides.
func (i issue) read() mapping.Issue {
	state := i.State
	switch {
	case !i.ClosedAt.IsZero():
		state = "closed"
	case state == "":
		state = "open"
	}
	return mapping.Issue{
		Number:    i.Number,
		State:     state,
		HTMLURL:   delivery.Link(i.HTMLURL),
		CreatedAt: i.CreatedAt.Time,
		UpdatedAt: i.UpdatedAt.Time,
		ClosedAt:  ptr(i.ClosedAt),
		Labels:    i.Labels,
	}
}

// incident reports whether the label makes an issue an incident.
func (h *hook) incident(l mapping.Label) bool {
	return slices.ContainsFunc(
		h.IncidentLabels,
		func(name string) bool { return strings.EqualFold(strings.TrimSpace(name), l.Name) },
	)
}

// issue reads issues: one with an incident label is an incident from when it was opened until it is closed. One that
// loses the label, is deleted, or moves to another repository is no longer an incident here: it ends.
func (h *hook) issue() ([]delivery.Update, delivery.Verdict) {
	if len(h.IncidentLabels) == 0 {
		return delivery.Ignore("issues: no label makes an issue an incident; set incidents.labels of the source")
	}
	var p struct {
		Issue *issue        `json:"issue"`
		Label mapping.Label `json:"label"`
	}
	if err := h.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	i := p.Issue
	if i == nil || i.Number == 0 {
		return delivery.Refuse("the payload of issues has no issue.number")
	}
	labeled := slices.ContainsFunc(i.Labels, h.incident)
	lost := h.Action == "unlabeled" && !labeled && h.incident(p.Label)
	gone := labeled && (h.Action == "deleted" || h.Action == "transferred")
	switch {
	case i.Pull != nil:
		return delivery.Ignore("issues: #%d is a pull request", i.Number)
	case !labeled && !lost:
		return delivery.Ignore("issues: #%d has none of the labels %s", i.Number, strings.Join(h.IncidentLabels, ", "))
	}
	e := h.IncidentEvent(i.read())
	if (lost || gone) && e.ResolvedAt.IsZero() {
		e.ResolvedAt = delivery.FirstKnown(i.UpdatedAt.Time, i.CreatedAt.Time)
		e.EndUnknown = e.ResolvedAt.IsZero()
	}
	return delivery.Accept(
		[]delivery.Update{{Event: e, At: i.UpdatedAt.Time, Full: h.misfits.At("issue.closed_at") == ""}},
	)
}
