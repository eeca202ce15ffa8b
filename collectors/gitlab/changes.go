package gitlab

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

const changesStream = "changes"

// mergeRequest is what is used of a merge request, as its listing shows it.
type mergeRequest struct {
	ID              int64            `json:"id"`
	IID             uint64           `json:"iid"`
	Title           string           `json:"title"`
	Description     string           `json:"description"`
	State           string           `json:"state"`
	CreatedAt       source.Timestamp `json:"created_at"`
	UpdatedAt       source.Timestamp `json:"updated_at"`
	MergedAt        source.Timestamp `json:"merged_at"`
	ClosedAt        source.Timestamp `json:"closed_at"`
	Author          *user            `json:"author"`
	SHA             string           `json:"sha"`
	MergeCommitSHA  string           `json:"merge_commit_sha"`
	SquashCommitSHA string           `json:"squash_commit_sha"`
	SourceBranch    string           `json:"source_branch"`
	WebURL          string           `json:"web_url"`
}

func (m mergeRequest) key() int64         { return m.ID }
func (m mergeRequest) created() time.Time { return m.CreatedAt.Time }
func (m mergeRequest) updated() time.Time { return source.Latest(m.CreatedAt.Time, m.UpdatedAt.Time) }

// changes brings the merge requests up to date. Commits, reviews and approvals are not in the listing, and one request
// for each merge request is not made for them: those times stay unknown.
func (p *project) changes(ctx context.Context) error {
	s := &feedState{}
	if _, err := p.w.Load(ctx, changesStream, s); err != nil {
		return err
	}
	every := "state=all&scope=all"
	f := feed[mergeRequest]{
		p:      p,
		state:  s,
		path:   p.path + "/merge_requests",
		fresh:  every,
		kind:   event.KindChange,
		stream: changesStream,
		list:   fmt.Sprintf("%s&order_by=updated_at&sort=desc&per_page=%d", every, perPage),
		walk:   fmt.Sprintf("%s&order_by=created_at&sort=desc&per_page=%d", every, perPage),
	}
	f.save = func(ctx context.Context) error { return p.w.Save(ctx, changesStream, s) }
	f.store = func(ctx context.Context, pg page[mergeRequest]) error {
		events := make([]event.Event, len(pg.records))
		for i, m := range pg.records {
			events[i] = p.changeEvent(m)
		}
		return p.w.Append(ctx, events...)
	}
	_, err := f.update(ctx)
	if refused(err) { // the project has merge requests switched off
		none := uint64(0)
		return p.ledger(ctx, event.KindChange, s.Floor, &none, "the project shows no merge requests: they are switched "+
			"off there, or the token may not read them")
	}
	if err != nil {
		return err
	}
	if err := f.account(ctx, s.Total); err != nil {
		return err
	}
	return s.Failed.Err("merge request")
}

// changeEvent makes the event of a merge request. Its commit on the target branch is the merge commit; where the
// project merges fast-forward, the squashed commit, else the head itself.
func (p mapper) changeEvent(m mergeRequest) event.Change {
	e := event.Change{
		Origin:     p.origin(strconv.FormatUint(m.IID, 10), m.WebURL),
		Repository: p.scope,
		Number:     m.IID,
		Title:      m.Title,
		Author:     m.Author.login(),
		Bot:        m.Author.bot(),
		CreatedAt:  m.CreatedAt.Time,
		MergedAt:   m.MergedAt.Time,
		ClosedAt:   m.ClosedAt.Time,
		HeadSHA:    m.SHA,
		Reverts:    reverts(m),
	}
	e.Ended(m.State)
	if e.State() == event.MergedChange {
		if e.ClosedAt.IsZero() {
			e.ClosedAt = e.MergedAt
		}
		for _, sha := range []string{m.MergeCommitSHA, m.SquashCommitSHA, m.SHA} {
			if sha != "" {
				e.MergeSHA = sha
				break
			}
		}
	}
	for _, sha := range []string{m.SHA, m.SquashCommitSHA} {
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

// reverts returns the number, else the commit, that a merge request says it reverts: GitLab's own button writes "This
// reverts merge request !N" or "This reverts commit SHA" and names the branch revert-SHA.
func reverts(m mergeRequest) string {
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
