package receiver

import (
	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/collectors/source"
)

// hookRequest is what is used of a merge request in a hook.
type hookRequest struct {
	IID          uint64         `json:"iid"`
	Title        string         `json:"title"`
	Description  string         `json:"description"`
	State        string         `json:"state"`
	Action       string         `json:"action"`
	AuthorID     delivery.ID    `json:"author_id"`
	CreatedAt    delivery.Stamp `json:"created_at"`
	UpdatedAt    delivery.Stamp `json:"updated_at"`
	MergeSHA     string         `json:"merge_commit_sha"`
	SquashSHA    string         `json:"squash_commit_sha"`
	SourceBranch string         `json:"source_branch"`
	URL          string         `json:"url"`
	LastCommit   struct {
		ID string `json:"id"`
	} `json:"last_commit"`
}

// request returns the merge request as its listing shows it. A hook gives the author by id alone, so that the name is
// known where it is the author who did something.
func (h *hook) request(r hookRequest) mapping.MergeRequest {
	m := mapping.MergeRequest{
		IID:             r.IID,
		Title:           r.Title,
		Description:     r.Description,
		State:           r.State,
		CreatedAt:       known(r.CreatedAt),
		SHA:             r.LastCommit.ID,
		MergeCommitSHA:  r.MergeSHA,
		SquashCommitSHA: r.SquashSHA,
		SourceBranch:    r.SourceBranch,
		WebURL:          delivery.Link(r.URL),
	}
	if h.User.ID != "" && h.User.ID == r.AuthorID {
		m.Author = h.User.user()
	}
	return m
}

// mergeRequest reads merge request hooks. The collector of a polled source reads the request itself, whose listing
// reports who the author is and when it was merged.
func (h *hook) mergeRequest() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Attributes hookRequest `json:"object_attributes"`
	}
	if v, ok := h.decode(&p); !ok {
		return nil, v
	}
	r := p.Attributes
	if r.IID == 0 {
		return delivery.Refuse("the payload of merge_request has no object_attributes.iid")
	}
	if h.from.Polled {
		return h.from.CollectSoon(h.Scope(), "the merge request has changed, and the collector reads it")
	}
	m := h.request(r)
	u := delivery.Update{At: delivery.FirstKnown(r.UpdatedAt.Time, h.d.ReceivedAt)}
	switch r.Action {
	case "merge":
		m.MergedAt = source.Timestamp{Time: u.At}
	case "close":
		m.ClosedAt = source.Timestamp{Time: u.At}
	case "approved", "approval":
	default:
		u.Full = r.State == "opened"
	}
	e := h.ChangeEvent(m)
	isApproval := r.Action == "approved" || r.Action == "approval" // approval: one of several that are needed
	if isApproval && h.User.ID != r.AuthorID && !h.machine() {
		e.ApprovedAt, e.FirstReviewAt = u.At, u.At // only another human's counts
	}
	u.Event = e
	return delivery.Accept([]delivery.Update{u})
}

// machine reports whether a machine did what the delivery tells.
func (h *hook) machine() bool {
	u := h.User.user()
	return u.IsBot() || h.from.Machine != nil && h.from.Machine(u.Username)
}

// note reads comments: the first one that somebody else than the author writes on a merge request begins its review.
// The collector does not read comments, and would take back what is written here.
func (h *hook) note() ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Attributes struct {
			On        string         `json:"noteable_type"`
			System    bool           `json:"system"`
			CreatedAt delivery.Stamp `json:"created_at"`
		} `json:"object_attributes"`
		MergeRequest *hookRequest `json:"merge_request"`
	}
	if v, ok := h.decode(&p); !ok {
		return nil, v
	}
	switch {
	case p.Attributes.On != "MergeRequest":
		return delivery.Ignore("note: only comments on merge requests are used")
	case p.MergeRequest == nil || p.MergeRequest.IID == 0:
		return delivery.Refuse("the payload of note has no merge_request.iid")
	case h.from.Polled:
		return delivery.Ignore("note: the collector reads the merge requests, whose listing has no reviews")
	case p.Attributes.System || h.machine():
		return delivery.Ignore("note: it is a machine's")
	case h.User.ID == "" || h.User.ID == p.MergeRequest.AuthorID:
		return delivery.Ignore("note: it is the author's own")
	}
	e := h.ChangeEvent(h.request(*p.MergeRequest))
	e.FirstReviewAt = delivery.FirstKnown(p.Attributes.CreatedAt.Time, h.d.ReceivedAt)
	return delivery.Accept([]delivery.Update{{Event: e, At: e.FirstReviewAt}})
}
