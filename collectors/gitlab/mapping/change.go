package mapping

import (
	"regexp"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// MergeRequest is what is used of a merge request, as its listing shows it.
type MergeRequest struct {
	ID              int64            `json:"id"`
	IID             uint64           `json:"iid"`
	Title           string           `json:"title"`
	Description     string           `json:"description"`
	State           string           `json:"state"`
	CreatedAt       source.Timestamp `json:"created_at"`
	UpdatedAt       source.Timestamp `json:"updated_at"`
	MergedAt        source.Timestamp `json:"merged_at"`
	ClosedAt        source.Timestamp `json:"closed_at"`
	Author          *User            `json:"author"`
	SHA             string           `json:"sha"`
	MergeCommitSHA  string           `json:"merge_commit_sha"`
	SquashCommitSHA string           `json:"squash_commit_sha"`
	SourceBranch    string           `json:"source_branch"`
	WebURL          string           `json:"web_url"`
}

// Key returns the id. Of two merge requests, the newer one has the greater id.
func (m MergeRequest) Key() int64 { return m.ID }

// Created returns when the merge request was created; zero: not known.
func (m MergeRequest) Created() time.Time { return m.CreatedAt.Time }

// Updated returns when the merge request was last updated; its creation where GitLab gives no update.
func (m MergeRequest) Updated() time.Time { return source.Latest(m.CreatedAt.Time, m.UpdatedAt.Time) }

// ChangeEvent makes the event of a merge request. Its commit on the target branch is the merge commit; where the
// project merges fast-forward, the squashed commit, else the head itself.
func (m Mapper) ChangeEvent(r MergeRequest) event.Change {
	e := event.Change{
		Origin:     m.Origin(strconv.FormatUint(r.IID, 10), r.WebURL),
		Repository: m.scope,
		Number:     r.IID,
		Title:      r.Title,
		Author:     r.Author.login(),
		Bot:        r.Author.IsBot(),
		CreatedAt:  r.CreatedAt.Time,
		MergedAt:   r.MergedAt.Time,
		ClosedAt:   r.ClosedAt.Time,
		HeadSHA:    r.SHA,
		Reverts:    reverts(r),
	}
	e.Ended(r.State)
	if e.State() == event.MergedChange {
		if e.ClosedAt.IsZero() {
			e.ClosedAt = e.MergedAt
		}
		for _, sha := range []string{r.MergeCommitSHA, r.SquashCommitSHA, r.SHA} {
			if sha != "" {
				e.MergeSHA = sha
				break
			}
		}
	}
	for _, sha := range []string{r.SHA, r.SquashCommitSHA} {
		if sha != "" {
			e.CommitSHAs = append(e.CommitSHAs, sha)
		}
	}
	return e
}

var (
	revertRequest = regexp.MustCompile(`(?i)\bthis reverts merge request (?:[\w./-]*)!(\d+)`)
	revertCommit  = regexp.MustCompile(`(?i)\bthis reverts commit ([0-9a-f]{7,64})\b`)
	revertBranch  = regexp.MustCompile(`^revert-([0-9a-f]{7,64})$`)
)

// reverts returns the number, else the commit, that a merge request states that it reverts: GitLab's own button writes
// "This reverts merge request !N" or "This reverts commit SHA" and names the branch revert-SHA.
func reverts(m MergeRequest) string {
	for _, found := range [][]string{
		revertRequest.FindStringSubmatch(m.Description),
		revertCommit.FindStringSubmatch(m.Description),
		revertBranch.FindStringSubmatch(m.SourceBranch),
	} {
		if found != nil {
			return found[1]
		}
	}
	return ""
}
