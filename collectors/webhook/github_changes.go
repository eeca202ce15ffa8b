package webhook

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// githubPull is what is used of a pull request. In a review's payload it lacks the counts of lines.
type githubPull struct {
	Number         uint64         `json:"number"`
	Title          string         `json:"title"`
	Body           string         `json:"body"`
	HTMLURL        string         `json:"html_url"`
	User           githubAccount  `json:"user"`
	CreatedAt      delivery.Stamp `json:"created_at"`
	UpdatedAt      delivery.Stamp `json:"updated_at"`
	ClosedAt       delivery.Stamp `json:"closed_at"`
	MergedAt       delivery.Stamp `json:"merged_at"`
	MergeCommitSHA string         `json:"merge_commit_sha"`
	Head           struct {
		Ref string `json:"ref"`
		SHA string `json:"sha"`
	} `json:"head"`
	Additions uint32 `json:"additions"`
	Deletions uint32 `json:"deletions"`
}

// githubTold are the actions of pull_request after which the collector knows more than the payload says: the commits.
var githubTold = []string{"opened", "synchronize", "reopened", "closed"}

// pullRequest reads pull_request. The payload describes the pull request whatever was done to it, so every action is used.
func (g github) pullRequest(in githubDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Pull *githubPull `json:"pull_request"`
	}
	if err := in.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Pull == nil || p.Pull.Number == 0 {
		return delivery.Refuse("the payload of pull_request has no pull_request.number")
	}
	var collect []delivery.Target
	if slices.Contains(githubTold, in.Action) {
		collect = g.asksFor(in)
	}
	return delivery.Accept([]delivery.Update{g.changeUpdate(in, *p.Pull)}, collect...)
}

func (g github) changeUpdate(in githubDelivery, p githubPull) delivery.Update {
	e := event.Change{
		Origin: g.origin(in, strconv.FormatUint(p.Number, 10), p.HTMLURL), Repository: in.scope, Number: p.Number, Title: p.Title,
		Author: p.User.Login, Bot: p.User.bot(), CreatedAt: p.CreatedAt.Time, MergedAt: p.MergedAt.Time, ClosedAt: p.ClosedAt.Time,
		HeadSHA: p.Head.SHA, Additions: p.Additions, Deletions: p.Deletions, Reverts: githubReverts(p),
	}
	if !e.MergedAt.IsZero() { // an open pull request has a merge commit too: GitHub tries the merge
		e.MergeSHA = p.MergeCommitSHA
	}
	whole := in.misfits.At("pull_request.closed_at", "pull_request.merged_at") == ""
	return delivery.Update{Event: e, At: p.UpdatedAt.Time, Full: whole}
}

// review reads pull_request_review.
func (g github) review(in githubDelivery) ([]delivery.Update, delivery.Verdict) {
	var p struct {
		Pull   *githubPull `json:"pull_request"`
		Review *struct {
			State       string         `json:"state"`
			SubmittedAt delivery.Stamp `json:"submitted_at"`
			User        githubAccount  `json:"user"`
		} `json:"review"`
	}
	if err := in.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Pull == nil || p.Pull.Number == 0 || p.Review == nil {
		return delivery.Refuse("the payload of pull_request_review has no pull_request.number or review")
	}
	u := g.changeUpdate(in, *p.Pull)
	e := u.Event.(event.Change)
	// A pending review is a draft that only its author sees; a bot's is not a person's; one's own is a comment.
	if !strings.EqualFold(p.Review.State, "pending") && !p.Review.User.bot() && p.Review.User.Login != e.Author {
		e.FirstReviewAt = p.Review.SubmittedAt.Time
		if strings.EqualFold(p.Review.State, "approved") {
			e.ApprovedAt = p.Review.SubmittedAt.Time
		}
	}
	u.Event, u.At = e, delivery.Latest(u.At, p.Review.SubmittedAt.Time)
	if in.Action == "dismissed" { // an approval may be gone, which only the collector can say
		return delivery.Accept([]delivery.Update{u}, g.asksFor(in)...)
	}
	return delivery.Accept([]delivery.Update{u})
}

var (
	githubRevertBody   = regexp.MustCompile(`(?mi)^\s*reverts\s+(?:[\w.-]+/[\w.-]+)?#(\d+)`)
	githubRevertCommit = regexp.MustCompile(`(?i)\bthis reverts commit ([0-9a-f]{7,40})\b`)
	githubRevertBranch = regexp.MustCompile(`^revert-(\d+)-`)
)

// githubReverts returns the number, else the commit, that a pull request says it reverts, as collectors/github does.
func githubReverts(p githubPull) string {
	for _, m := range [][]string{githubRevertBody.FindStringSubmatch(p.Body), githubRevertBranch.FindStringSubmatch(p.Head.Ref),
		githubRevertCommit.FindStringSubmatch(p.Body)} {
		if m != nil {
			return m[1]
		}
	}
	return ""
}

// githubIssue is what is used of an issue.
type githubIssue struct {
	Number    uint64         `json:"number"`
	HTMLURL   string         `json:"html_url"`
	State     string         `json:"state"`
	CreatedAt delivery.Stamp `json:"created_at"`
	UpdatedAt delivery.Stamp `json:"updated_at"`
	ClosedAt  delivery.Stamp `json:"closed_at"`
	Labels    []githubLabel  `json:"labels"`
	// Pull is there when the issue is the conversation of a pull request.
	Pull *struct{} `json:"pull_request"`
}

type githubLabel struct {
	Name string `json:"name"`
}

// incident reports whether the label makes an issue an incident.
func (g github) incident(l githubLabel) bool {
	return slices.ContainsFunc(g.IncidentLabels, func(name string) bool { return strings.EqualFold(strings.TrimSpace(name), l.Name) })
}

// issue reads issues: one with an incident label is an incident from when it was opened until it is closed. One that loses
// the label, is deleted, or moves to another repository is no incident here any more: it ends.
func (g github) issue(in githubDelivery) ([]delivery.Update, delivery.Verdict) {
	if len(g.IncidentLabels) == 0 {
		return delivery.Ignore("issues: no label makes an issue an incident; set incident_labels")
	}
	var p struct {
		Issue *githubIssue `json:"issue"`
		Label githubLabel  `json:"label"`
	}
	if err := in.decode(&p); err != nil {
		return delivery.Refuse("%v", err)
	}
	if p.Issue == nil || p.Issue.Number == 0 {
		return delivery.Refuse("the payload of issues has no issue.number")
	}
	labelled := slices.ContainsFunc(p.Issue.Labels, g.incident)
	lost := in.Action == "unlabeled" && !labelled && g.incident(p.Label)
	gone := labelled && (in.Action == "deleted" || in.Action == "transferred")
	switch {
	case p.Issue.Pull != nil:
		return delivery.Ignore("issues: #%d is a pull request", p.Issue.Number)
	case !labelled && !lost:
		return delivery.Ignore("issues: #%d has none of the labels %s", p.Issue.Number, strings.Join(g.IncidentLabels, ", "))
	}
	e := event.Incident{Origin: g.origin(in, strconv.FormatUint(p.Issue.Number, 10), p.Issue.HTMLURL), Severity: githubSeverity(p.Issue.Labels),
		OpenedAt: p.Issue.CreatedAt.Time, ResolvedAt: p.Issue.ClosedAt.Time}
	if (lost || gone) && e.ResolvedAt.IsZero() {
		e.ResolvedAt = delivery.FirstKnown(p.Issue.UpdatedAt.Time, p.Issue.CreatedAt.Time)
	}
	e.EndUnknown = e.ResolvedAt.IsZero() && (lost || gone || strings.EqualFold(p.Issue.State, "closed"))
	return delivery.Accept([]delivery.Update{{Event: e, At: p.Issue.UpdatedAt.Time, Full: in.misfits.At("issue.closed_at") == ""}})
}

var (
	severityNumber = regexp.MustCompile(`(?i)^(?:sev(?:erity)?[-/:=_.\s]*)+([0-9]{1,2})$`)
	severityWord   = regexp.MustCompile(`(?i)^sev(?:erity)?(?:\s*[-/:=_.]\s*|\s+)(\pL[\pL\pN _-]*)$`)
	priorityNumber = regexp.MustCompile(`(?i)^(?:p|prio(?:rity)?[-/:=_.\s]+p?)([0-9])$`)
)

// githubSeverity is how severe the labels say an issue is, in the words of collectors/github: "sev1" of SEV-1 or
// severity/1, the word of severity/high, "p1" of P1 or priority/1. The most severe number counts, before a word.
func githubSeverity(labels []githubLabel) string {
	var numbers, words, priorities []string
	for _, l := range labels {
		name := strings.TrimSpace(l.Name)
		if m := severityNumber.FindStringSubmatch(name); m != nil {
			numbers = append(numbers, "sev"+m[1])
		} else if m := severityWord.FindStringSubmatch(name); m != nil {
			words = append(words, strings.ToLower(m[1]))
		}
		if m := priorityNumber.FindStringSubmatch(name); m != nil {
			priorities = append(priorities, "p"+m[1])
		}
	}
	switch {
	case len(numbers) > 0:
		return slices.Min(numbers)
	case len(words) > 0:
		return words[0]
	case len(priorities) > 0:
		return slices.Min(priorities)
	}
	return ""
}
