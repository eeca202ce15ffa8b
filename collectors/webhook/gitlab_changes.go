package webhook

import (
	"cmp"
	"regexp"
	"strconv"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// gitlabMergeRequest is what is used of a merge request.
type gitlabMergeRequest struct {
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

// mergeRequest reads merge request hooks. The collector of a polled source reads the request itself, whose listing says
// who the author is and when it was merged.
func (g gitlab) mergeRequest(in gitlabDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Attributes gitlabMergeRequest `json:"object_attributes"`
	}
	if v, ok := in.decode(&p); !ok {
		return nil, v
	}
	m := p.Attributes
	if m.IID == 0 {
		return delivery.Refuse("the payload of merge_request has no object_attributes.iid")
	}
	if g.Polled {
		return g.CollectSoon(in.scope, "the merge request has changed, and the collector reads it")
	}
	e := g.changeEvent(in, m)
	when := delivery.FirstKnown(m.UpdatedAt.Time, in.received.Time)
	u := delivery.Update{At: when}
	switch m.Action {
	case "merge":
		e.MergedAt, e.ClosedAt = when, when
		e.MergeSHA = cmp.Or(m.MergeSHA, m.SquashSHA, m.LastCommit.ID) // without a merge commit it was merged fast-forward
	case "close":
		e.ClosedAt = when
	case "approved", "approval": // approval: one of several that are needed
		e.ApprovedAt = when
		if in.User.ID != m.AuthorID && !in.User.bot() {
			e.FirstReviewAt = when
		}
	default:
		u.Full = m.State == "opened"
	}
	u.Event = e
	return delivery.Accept([]delivery.Update{u})
}

// changeEvent says what a payload knows of a merge request whatever has happened. The author is given by id alone, so the
// name is known where it is the author who did something.
func (g gitlab) changeEvent(in gitlabDelivery, m gitlabMergeRequest) event.Change {
	e := event.Change{Origin: g.origin(in, strconv.FormatUint(m.IID, 10), m.URL), Repository: in.scope, Number: m.IID, Title: m.Title,
		CreatedAt: m.CreatedAt.Time, HeadSHA: m.LastCommit.ID, Reverts: gitlabReverts(m)}
	if in.User.ID != "" && in.User.ID == m.AuthorID {
		e.Author, e.Bot = in.User.Username, in.User.bot()
	}
	for _, sha := range []string{m.LastCommit.ID, m.SquashSHA} {
		if sha != "" {
			e.CommitSHAs = append(e.CommitSHAs, sha)
		}
	}
	return e
}

// note reads comments: the first one that somebody else than the author writes on a merge request begins its review. The
// collector does not read comments, and would take back what is written here.
func (g gitlab) note(in gitlabDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Attributes struct {
			On        string         `json:"noteable_type"`
			System    bool           `json:"system"`
			CreatedAt delivery.Stamp `json:"created_at"`
		} `json:"object_attributes"`
		MergeRequest *gitlabMergeRequest `json:"merge_request"`
	}
	if v, ok := in.decode(&p); !ok {
		return nil, v
	}
	switch {
	case p.Attributes.On != "MergeRequest":
		return delivery.Ignore("note: only comments on merge requests are used")
	case p.MergeRequest == nil || p.MergeRequest.IID == 0:
		return delivery.Refuse("the payload of note has no merge_request.iid")
	case g.Polled:
		return delivery.Ignore("note: the collector reads the merge requests, whose listing has no reviews")
	case p.Attributes.System || in.User.bot():
		return delivery.Ignore("note: it is a machine's")
	case in.User.ID == "" || in.User.ID == p.MergeRequest.AuthorID:
		return delivery.Ignore("note: it is the author's own")
	}
	e := g.changeEvent(in, *p.MergeRequest)
	e.FirstReviewAt = delivery.FirstKnown(p.Attributes.CreatedAt.Time, in.received.Time)
	return delivery.Accept([]delivery.Update{{Event: e, At: e.FirstReviewAt}})
}

var (
	revertsRequest = regexp.MustCompile(`(?i)\bthis reverts merge request (?:[\w./-]*)!(\d+)`)
	revertsCommit  = regexp.MustCompile(`(?i)\bthis reverts commit ([0-9a-f]{7,64})\b`)
	revertsBranch  = regexp.MustCompile(`^revert-([0-9a-f]{7,64})$`)
)

// gitlabReverts returns the number, else the commit, that a merge request says it reverts, as GitLab's own button writes it.
func gitlabReverts(m gitlabMergeRequest) string {
	for _, found := range [][]string{revertsRequest.FindStringSubmatch(m.Description), revertsCommit.FindStringSubmatch(m.Description),
		revertsBranch.FindStringSubmatch(m.SourceBranch)} {
		if found != nil {
			return found[1]
		}
	}
	return ""
}
