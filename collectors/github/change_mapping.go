package github

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// pullNode is a pull request as GraphQL gives it.
type pullNode struct {
	ID          string      `json:"id"`
	Number      uint64      `json:"number"`
	Title       string      `json:"title"`
	Body        string      `json:"body"`
	URL         string      `json:"url"`
	CreatedAt   time.Time   `json:"createdAt"`
	UpdatedAt   time.Time   `json:"updatedAt"`
	State       string      `json:"state"`
	ClosedAt    *time.Time  `json:"closedAt"`
	MergedAt    *time.Time  `json:"mergedAt"`
	MergeCommit *commitNode `json:"mergeCommit"`
	Author      *actor      `json:"author"`
	HeadRefName string      `json:"headRefName"`
	HeadRefOID  string      `json:"headRefOid"`
	Additions   uint32      `json:"additions"`
	Deletions   uint32      `json:"deletions"`
	Commits     commitList  `json:"commits"`
	Reviews     reviewList  `json:"reviews"`
}

type commitNode struct {
	OID string `json:"oid"`
}

type actor struct {
	Login    string `json:"login"`
	Typename string `json:"__typename"`
}

type pageInfo struct {
	HasNextPage bool   `json:"hasNextPage"`
	EndCursor   string `json:"endCursor"`
}

type commitList struct {
	PageInfo pageInfo `json:"pageInfo"`
	Nodes    []struct {
		Commit struct {
			OID          string     `json:"oid"`
			AuthoredDate *time.Time `json:"authoredDate"`
		} `json:"commit"`
	} `json:"nodes"`
}

type reviewList struct {
	PageInfo pageInfo     `json:"pageInfo"`
	Nodes    []reviewNode `json:"nodes"`
}

type reviewNode struct {
	State       string     `json:"state"`
	SubmittedAt *time.Time `json:"submittedAt"`
	Author      *actor     `json:"author"`
}

// login is the account's name as REST writes it: GraphQL leaves the "[bot]" of an app's account out, and the same
// account must not be two.
func (a *actor) login() string {
	if a == nil {
		return ""
	}
	if a.Typename == "Bot" && !strings.HasSuffix(a.Login, "[bot]") {
		return a.Login + "[bot]"
	}
	return a.Login
}

func (a *actor) bot() bool { return a != nil && isBot(a.Login, a.Typename) }

// changeEvent makes the event of a pull request.
func (m mapper) changeEvent(n pullNode) event.Change {
	e := event.Change{
		Origin:     m.origin(strconv.FormatUint(n.Number, 10), n.URL),
		Repository: m.scope,
		Number:     n.Number,
		Title:      n.Title,
		Author:     n.Author.login(),
		Bot:        n.Author.bot(),
		CreatedAt:  instant(&n.CreatedAt),
		MergedAt:   instant(n.MergedAt),
		ClosedAt:   instant(n.ClosedAt),
		HeadSHA:    n.HeadRefOID,
		Additions:  n.Additions,
		Deletions:  n.Deletions,
		Reverts:    reverts(n),
	}
	e.Ended(strings.ToLower(n.State))
	// an open pull request has a merge commit too: GitHub tries the merge
	if n.MergeCommit != nil && e.State() == event.MergedChange {
		e.MergeSHA = n.MergeCommit.OID
	}
	for _, c := range n.Commits.Nodes {
		e.CommitSHAs = append(e.CommitSHAs, c.Commit.OID)
		e.FirstCommitAt = first(e.FirstCommitAt, instant(c.Commit.AuthoredDate))
	}
	for _, v := range n.Reviews.Nodes {
		// A pending review is a draft that only its author sees; a bot's is not a person's; one's own is a comment.
		if strings.EqualFold(v.State, "PENDING") || v.Author.bot() || v.Author.login() == e.Author {
			continue
		}
		e.FirstReviewAt = first(e.FirstReviewAt, instant(v.SubmittedAt))
		if strings.EqualFold(v.State, "APPROVED") {
			e.ApprovedAt = first(e.ApprovedAt, instant(v.SubmittedAt))
		}
	}
	return e
}

// first is the earlier of two times, either of which may be unknown.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

var (
	revertBody   = regexp.MustCompile(`(?mi)^\s*reverts\s+(?:[\w.-]+/[\w.-]+)?#(\d+)`)
	revertCommit = regexp.MustCompile(`(?i)\bthis reverts commit ([0-9a-f]{7,40})\b`)
	revertBranch = regexp.MustCompile(`^revert-(\d+)-`)
)

// reverts returns the number, else the commit, that a pull request says it reverts: GitHub's own button writes
// "Reverts owner/name#N" into the text and names the branch revert-N-…; git revert writes "This reverts commit SHA".
func reverts(n pullNode) string {
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
