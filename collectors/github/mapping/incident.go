package mapping

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Issue is an issue as REST and webhooks show it.
type Issue struct {
	Number      uint64     `json:"number"`
	State       string     `json:"state"` // open, closed
	HTMLURL     string     `json:"html_url"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	ClosedAt    *time.Time `json:"closed_at"`
	PullRequest *struct{}  `json:"pull_request"` // GitHub lists pull requests as issues too
	Labels      []Label    `json:"labels"`
}

// HasID reports whether the record has an id, which tells it from others.
func (i Issue) HasID() bool { return i.Number > 0 }

// Label is a label of an issue.
type Label struct {
	Name string `json:"name"`
}

// IncidentEvent returns the event of an issue that is an incident. An issue that was reopened is open: GitHub then
// reports no time of closing.
func (m Mapper) IncidentEvent(i Issue) event.Incident {
	names := make([]string, len(i.Labels))
	for n, l := range i.Labels {
		names[n] = l.Name
	}
	e := event.Incident{
		Origin:   m.Origin(strconv.FormatUint(i.Number, 10), i.HTMLURL),
		Severity: severity(names),
		OpenedAt: Time(&i.CreatedAt),
	}
	if !openIssue.Read("state of an issue", i.State, m.Unrecognized) {
		e.ResolvedAt = Time(i.ClosedAt)
		e.EndUnknown = e.ResolvedAt.IsZero()
	}
	return e
}

var (
	severityNumber = regexp.MustCompile(`(?i)^(?:sev(?:erity)?[-/:=_.\s]*)+([0-9]{1,2})$`)
	severityWord   = regexp.MustCompile(`(?i)^sev(?:erity)?(?:\s*[-/:=_.]\s*|\s+)(\pL[\pL\pN _-]*)$`)
	priorityLabel  = regexp.MustCompile(`(?i)^(?:p|prio(?:rity)?[-/:=_.\s]+p?)([0-9])$`)
)

// severity returns the severity of an incident from the labels of its issue: "sev1" for sev1, SEV-1, severity/1 or
// severity: sev1, the word of severity/high, "p1" for P1 or priority/1; empty without such a label. Of several labels,
// the most severe number counts, before a word.
func severity(labels []string) string {
	number, word, priority := "", "", ""
	for _, label := range labels {
		label = strings.TrimSpace(label)
		if m := severityNumber.FindStringSubmatch(label); m != nil {
			number = lower(number, "sev"+m[1])
		} else if m := severityWord.FindStringSubmatch(label); m != nil && word == "" {
			word = strings.ToLower(m[1])
		}
		if m := priorityLabel.FindStringSubmatch(label); m != nil {
			priority = lower(priority, "p"+m[1])
		}
	}
	return cmp.Or(number, word, priority)
}

// lower returns the first of two words in order; b if a is empty.
func lower(a, b string) string {
	if a == "" || b < a {
		return b
	}
	return a
}
