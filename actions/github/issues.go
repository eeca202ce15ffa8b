package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
)

// Issue is what a person has to do about a rule. A repository has one for each rule and service.
type Issue struct {
	Rule  string
	Mark  string // what it is about, unique in the repository; see [IssueMark]
	Title string
	Body  string
}

// OpenedIssue is what became of an issue.
type OpenedIssue struct {
	Rule   string
	URL    string
	Result string // opened, open already, or closed before
	Number int
}

// issueLabel is the label by which issues are found again.
const issueLabel = "dxctl"

// IssueMark is a comment that pages do not show.
func IssueMark(entity, rule string) string {
	return "<!-- dxctl issue " + strings.NewReplacer("--", "", ">", "").Replace(entity+" "+rule) + " -->"
}

type issue struct {
	Number      int     `json:"number"`
	URL         string  `json:"html_url"`
	State       string  `json:"state"`
	Reason      string  `json:"state_reason"` // reopened: somebody did that
	Body        string  `json:"body"`
	Labels      []label `json:"labels"`
	PullRequest any     `json:"pull_request"`
}

type label struct {
	Name string `json:"name"`
}

// ErrNoIssues is the error of a repository in which issues are switched off.
var ErrNoIssues = errors.New("issues are switched off in the repository")

// OpenIssues opens issues, each once. An issue that is there is left as it is, also one that was closed: whoever closed
// it decided. It takes a read for 100 issues with our label, and a write for each new one. Those that were opened are
// returned, too, with an error.
func (h *Host) OpenIssues(ctx context.Context, repository string, issues []Issue) ([]OpenedIssue, error) {
	there, err := h.issues(ctx, repository)
	if err != nil {
		return nil, fmt.Errorf("listing the issues of %s: %w", repository, err)
	}
	var opened []OpenedIssue
	for _, i := range issues {
		if old := withMark(there, i.Mark); old != nil {
			result := "open already"
			if old.State != "open" {
				result = "closed before; reopen it to go on"
			}
			opened = append(opened, OpenedIssue{Rule: i.Rule, URL: old.URL, Result: result, Number: old.Number})
			continue
		}
		made, err := h.openIssue(ctx, repository, i)
		if err != nil {
			return opened, fmt.Errorf("opening an issue for %s in %s: %w", i.Rule, repository, err)
		}
		result := "opened"
		if !slices.ContainsFunc(made.Labels, func(l label) bool { return l.Name == issueLabel }) {
			result = "opened without the label " + issueLabel + ", which the credentials may not set: add it, or the issue is " +
				"opened again"
		}
		opened = append(opened, OpenedIssue{Rule: i.Rule, URL: made.URL, Result: result, Number: made.Number})
	}
	return opened, nil
}

// openIssue opens an issue. It is sent once: an answer that is lost does not open it twice.
func (h *Host) openIssue(ctx context.Context, repository string, i Issue) (issue, error) {
	var made issue
	body := map[string]any{
		"title": i.Title, "body": strings.TrimSpace(i.Body) + "\n\n" + i.Mark + "\n", "labels": []string{issueLabel},
	}
	err := h.send(rest.WithMaxAttempts(ctx, 1), http.MethodPost, "repos/"+repository+"/issues", body, &made)
	if err == nil || ctx.Err() != nil || Refused(err) {
		return made, err
	}
	there, listErr := h.issues(ctx, repository)
	if old := withMark(there, i.Mark); old != nil {
		return *old, nil
	}
	return made, errors.Join(err, listErr)
}

// maxIssuePages bounds how many issues with our label are looked at: 1,000.
const maxIssuePages = 10

func (h *Host) issues(ctx context.Context, repository string) ([]issue, error) {
	var all []issue
	for page := 1; page <= maxIssuePages; page++ {
		var some []issue
		path := fmt.Sprintf("repos/%s/issues?state=all&labels=%s&per_page=100&page=%d", repository, issueLabel, page)
		err := h.get(ctx, path, &some)
		if client.Status(err) == http.StatusGone {
			return nil, ErrNoIssues
		}
		if err != nil {
			return nil, err
		}
		if all = append(all, some...); len(some) < 100 {
			break
		}
	}
	return all, nil
}

// IssueClosing is an issue that is closed because its rule passes.
type IssueClosing struct {
	Rule string `json:"rule"`
	Mark string `json:"mark"` // see [Issue]
	URL  string `json:"url"`  // of the issue that dxctl opened
	Note string `json:"note"` // the comment: the fact by which the rule passes, and when it was observed
}

// The results of closing an issue.
const (
	IssueClosed   = "closed"
	IssueWasDone  = "closed before"
	IssueReopened = "left open: somebody reopened it"
	IssueGone     = "it is not to be found"
)

// CloseIssues closes open issues with a comment. One that somebody reopened is left open. It takes a read for 100
// issues with our label, and for each issue a read and two writes. Those that were looked at are
// returned, too, with an error.
func (h *Host) CloseIssues(ctx context.Context, repository string, issues []IssueClosing) ([]OpenedIssue, error) {
	there, err := h.issues(ctx, repository)
	if err != nil {
		return nil, fmt.Errorf("listing the issues of %s: %w", repository, err)
	}
	var done []OpenedIssue
	for _, c := range issues {
		one := OpenedIssue{Rule: c.Rule, URL: c.URL, Result: IssueGone}
		old := withMark(there, c.Mark)
		switch {
		case old == nil || old.URL != c.URL:
		case old.State != "open":
			one.Result = IssueWasDone
		case old.Reason == "reopened":
			one.Result = IssueReopened
		default:
			if err := h.closeIssue(ctx, repository, old.Number, c.Note); err != nil {
				return done, fmt.Errorf("closing the issue for %s in %s: %w", c.Rule, repository, err)
			}
			one.Result = IssueClosed
		}
		if old != nil {
			one.Number = old.Number
		}
		done = append(done, one)
	}
	return done, nil
}

func (h *Host) closeIssue(ctx context.Context, repository string, number int, note string) error {
	if err := h.comment(ctx, repository, number, note); err != nil {
		return err
	}
	path := fmt.Sprintf("repos/%s/issues/%d", repository, number)
	return h.send(ctx, http.MethodPatch, path, map[string]string{"state": "closed", "state_reason": "completed"}, nil)
}

func withMark(issues []issue, mark string) *issue {
	for i := range issues {
		if issues[i].PullRequest == nil && strings.Contains(issues[i].Body, mark) {
			return &issues[i]
		}
	}
	return nil
}
