package mapping

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Pull is a pull request as GraphQL shows it.
type Pull struct {
	ID          string     `json:"id"` // of GraphQL's node
	Number      uint64     `json:"number"`
	Title       string     `json:"title"`
	Body        string     `json:"body"`
	URL         string     `json:"url"`
	CreatedAt   time.Time  `json:"createdAt"`
	UpdatedAt   time.Time  `json:"updatedAt"`
	State       string     `json:"state"` // OPEN, CLOSED, MERGED
	ClosedAt    *time.Time `json:"closedAt"`
	MergedAt    *time.Time `json:"mergedAt"`
	MergeCommit *Commit    `json:"mergeCommit"` // of an open one: of a merge that GitHub tried
	Author      *Actor     `json:"author"`
	HeadRefName string     `json:"headRefName"`
	HeadRefOID  string     `json:"headRefOid"`
	Additions   uint32     `json:"additions"`
	Deletions   uint32     `json:"deletions"`
	Commits     CommitList `json:"commits"`
	Reviews     ReviewList `json:"reviews"`
}

// Commit identifies a commit.
type Commit struct {
	OID string `json:"oid"`
}

// CommitList is a page of the commits of a pull request, oldest first.
type CommitList struct {
	PageInfo PageInfo `json:"pageInfo"`
	Nodes    []struct {
		Commit struct {
			OID          string     `json:"oid"`
			AuthoredDate *time.Time `json:"authoredDate"`
		} `json:"commit"`
	} `json:"nodes"`
}

// ReviewList is a page of the reviews of a pull request, oldest first.
type ReviewList struct {
	PageInfo PageInfo `json:"pageInfo"`
	Nodes    []Review `json:"nodes"`
}

// Review is a review of a pull request.
type Review struct {
	State       string     `json:"state"` // APPROVED, COMMENTED, PENDING, …
	SubmittedAt *time.Time `json:"submittedAt"`
	Author      *Actor     `json:"author"`
}

// ChangeEvent returns the event of a pull request. Reviews by machines and by the author do not count.
func (m Mapper) ChangeEvent(n Pull) event.Change {
	e := event.Change{
		Origin:     m.Origin(strconv.FormatUint(n.Number, 10), n.URL),
		Repository: m.Scope,
		Number:     n.Number,
		Title:      n.Title,
		Author:     n.Author.Name(),
		Bot:        n.Author.Bot(),
		CreatedAt:  Time(&n.CreatedAt),
		MergedAt:   Time(n.MergedAt),
		ClosedAt:   Time(n.ClosedAt),
		HeadSHA:    n.HeadRefOID,
		Additions:  n.Additions,
		Deletions:  n.Deletions,
		Reverts:    reverts(n),
	}
	e.Ended(pullStates.Read("state of a pull request", n.State, m.Unrecognized))
	// an open pull request has a merge commit too: GitHub tries the merge
	if n.MergeCommit != nil && e.State() == event.MergedChange {
		e.MergeSHA = n.MergeCommit.OID
	}
	for _, c := range n.Commits.Nodes {
		e.CommitSHAs = append(e.CommitSHAs, c.Commit.OID)
		e.FirstCommitAt = source.Earliest(e.FirstCommitAt, Time(c.Commit.AuthoredDate))
	}
	for _, v := range n.Reviews.Nodes {
		// A pending review is a draft that only its author sees; a bot's is not a person's; one's own is a comment.
		if strings.EqualFold(v.State, "PENDING") || v.Author.Bot() || v.Author.Name() == e.Author ||
			m.Machine != nil && m.Machine(v.Author.Name()) {
			continue
		}
		e.FirstReviewAt = source.Earliest(e.FirstReviewAt, Time(v.SubmittedAt))
		if strings.EqualFold(v.State, "APPROVED") {
			e.ApprovedAt = source.Earliest(e.ApprovedAt, Time(v.SubmittedAt))
		}
	}
	return e
}

var (
	revertBody   = regexp.MustCompile(`(?mi)^\s*reverts\s+(?:[\w.-]+/[\w.-]+)?#(\d+)`)
	revertCommit = regexp.MustCompile(`(?i)\bthis reverts commit ([0-9a-f]{7,40})\b`)
	revertBranch = regexp.MustCompile(`^revert-(\d+)-`)
)

// reverts returns the number of the pull request, or else the commit, that a pull request reverts; empty for neither.
// GitHub's button writes "Reverts owner/name#N" into the text and names the branch revert-N-…; git revert writes "This
// reverts commit SHA".
func reverts(n Pull) string {
	for _, m := range [][]string{
		revertBody.FindStringSubmatch(n.Body),
		revertBranch.FindStringSubmatch(n.HeadRefName),
		revertCommit.FindStringSubmatch(n.Body),
	} {
		if m != nil {
			return m[1]
		}
	}
	return ""
}
