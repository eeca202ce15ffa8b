package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const incidentsStream = "incidents"

// Incidents says which issues are incidents: those with one of the labels.
type Incidents struct {
	Labels []string `yaml:"labels"` // none: issues are not read
}

func (i Incidents) validate() error {
	var errs []error
	seen := map[string]bool{}
	for _, label := range i.Labels {
		key := strings.ToLower(label)
		switch {
		case strings.TrimSpace(label) == "" || strings.Contains(label, ","):
			errs = append(errs, fmt.Errorf("incidents.labels %q: give one label, as GitHub shows it", label))
		case seen[key]:
			errs = append(errs, fmt.Errorf("incidents.labels: %q is listed twice", label))
		}
		seen[key] = true
	}
	return errors.Join(errs...)
}

// issue is what is used of an issue.
type issue struct {
	Number      uint64     `json:"number"`
	State       string     `json:"state"` // open, closed
	HTMLURL     string     `json:"html_url"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	ClosedAt    *time.Time `json:"closed_at"`
	PullRequest *struct{}  `json:"pull_request"` // GitHub lists pull requests as issues too
	Labels      []label    `json:"labels"`
}

type label struct {
	Name string `json:"name"`
}

// incidentsState is the checkpoint of the incidents stream.
type incidentsState struct {
	Labels  map[string]labelState `json:"labels"`
	Numbers []uint64              `json:"numbers,omitempty"` // of all incidents that GitHub has listed, rising
	Floor   time.Time             `json:"floor,omitzero"`
}

// labelState says how far the listing of a label has been read.
type labelState struct {
	ETag   string    `json:"etag,omitempty"`
	Cursor time.Time `json:"cursor,omitzero"` // everything updated before is stored
}

// incidents brings the issues that are incidents up to date. The listing of each label is read in the order of updates,
// newest first, down to what was read before; unchanged, it is one conditional request.
func (r *repository) incidents(ctx context.Context) error {
	if len(r.cfg.Incidents.Labels) == 0 {
		return nil
	}
	var s incidentsState
	found, err := r.w.Load(ctx, incidentsStream, &s)
	if err != nil {
		return err
	}
	if deeper := !s.Floor.IsZero() && (r.since.IsZero() || r.since.Before(s.Floor)); !found || deeper {
		s.Floor, s.Labels = r.since, nil
	}
	if s.Labels == nil {
		s.Labels = map[string]labelState{}
	}
	var errs []error
	odd := map[string]rest.Held{}
	for _, label := range r.cfg.Incidents.Labels {
		if err := r.labeled(ctx, label, &s, odd); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var skipped error
	note := ""
	if len(odd) > 0 {
		skipped = &rest.SkippedError{What: "issue", Objects: odd}
		note = skipped.Error()
	}
	return errors.Join(r.ledger(ctx, event.KindIncident, time.Time{}, uint64(len(s.Numbers)+len(odd)), note), skipped)
}

// issuePage reads a page of issues, around those at which GitHub fails, which are added to odd.
func (r *repository) issuePage(
	ctx context.Context,
	query url.Values,
	number int,
	etag string,
	odd map[string]rest.Held,
) (all []issue, got answer, err error) {
	holes, err := rest.Around(ctx, number, 100, func(ctx context.Context, n, size int) error {
		q := maps.Clone(query)
		q.Set("per_page", strconv.Itoa(size))
		if q.Del("page"); n > 1 {
			q.Set("page", strconv.Itoa(n))
		}
		if size != 100 {
			etag = ""
		}
		var page listing[issue]
		answer, err := r.get(ctx, "repos/"+r.scope+"/issues?"+q.Encode(), etag, &page)
		if err != nil {
			return err
		}
		for id, why := range answer.odd {
			odd["issue "+id] = rest.Held{Failures: 1, Error: why.Error()}
		}
		if got = answer; got.next > 0 {
			got.next = n*size/100 + 1
		}
		all = append(all, page...)
		return nil
	})
	for _, place := range holes {
		odd[fmt.Sprintf("issue at place %d of the label %s", place+1, query.Get("labels"))] = rest.Held{
			Failures: 1,
			Error:    "GitHub does not list it",
		}
	}
	return all, got, err
}

// labeled reads what has changed of the issues with a label.
func (r *repository) labeled(ctx context.Context, label string, s *incidentsState, odd map[string]rest.Held) error {
	known := s.Labels[label]
	next, until := labelState{ETag: known.ETag, Cursor: known.Cursor}, source.Latest(known.Cursor, s.Floor)
	query := url.Values{
		"labels":    {label},
		"state":     {"all"},
		"sort":      {"updated"},
		"direction": {"desc"},
		"per_page":  {"100"},
	}
	if !s.Floor.IsZero() {
		query.Set("since", s.Floor.UTC().Format(time.RFC3339))
	}
	etag, done, before := known.ETag, uint64(0), len(odd)
	for number := 1; number > 0; {
		page, got, err := r.issuePage(ctx, query, number, etag, odd)
		if status(err) == http.StatusGone { // the repository has no issues
			return nil
		}
		if err != nil || got.notModified {
			return err
		}
		if number == 1 {
			next.ETag = got.etag
		}
		events := make([]event.Event, 0, len(page))
		reached := len(page) == 0
		for _, i := range page {
			next.Cursor = source.Latest(next.Cursor, i.UpdatedAt)
			if i.UpdatedAt.Before(until) { // equal is read again: two updates may share a second
				reached = true
				continue
			}
			if i.PullRequest == nil {
				events = append(events, r.incidentEvent(i))
				s.Numbers = append(s.Numbers, i.Number)
			}
		}
		if err := r.appendSome(ctx, events); err != nil {
			return err
		}
		done += uint64(len(events))
		r.w.Progress(incidentsStream, done, 0)
		if number = got.next; reached {
			number = 0
		}
		etag = ""
		if !until.IsZero() { // not on the newest page, whose address stays the same for the sake of its ETag
			query.Set("since", until.UTC().Format(time.RFC3339))
		}
	}
	slices.Sort(s.Numbers)
	s.Numbers = slices.Compact(s.Numbers)
	if len(odd) > before { // read the same again
		next = labelState{Cursor: known.Cursor}
	}
	s.Labels[label] = next
	return r.w.Save(ctx, incidentsStream, *s)
}

// incidentEvent makes the event of an issue. An issue that was opened again is open: GitHub then has no time of
// closing.
func (m mapper) incidentEvent(i issue) event.Incident {
	names := make([]string, len(i.Labels))
	for n, l := range i.Labels {
		names[n] = l.Name
	}
	e := event.Incident{
		Origin:   m.origin(strconv.FormatUint(i.Number, 10), i.HTMLURL),
		Severity: severity(names),
		OpenedAt: instant(&i.CreatedAt),
	}
	if !strings.EqualFold(i.State, "open") {
		e.ResolvedAt = instant(i.ClosedAt)
		e.EndUnknown = e.ResolvedAt.IsZero()
	}
	return e
}

var (
	severityNumber = regexp.MustCompile(`(?i)^(?:sev(?:erity)?[-/:=_.\s]*)+([0-9]{1,2})$`)
	severityWord   = regexp.MustCompile(`(?i)^sev(?:erity)?(?:\s*[-/:=_.]\s*|\s+)(\pL[\pL\pN _-]*)$`)
	priorityLabel  = regexp.MustCompile(`(?i)^(?:p|prio(?:rity)?[-/:=_.\s]+p?)([0-9])$`)
)

// severity returns how severe the labels say an incident is: "sev1" of sev1, SEV-1, severity/1 or severity: sev1, the
// word of severity/high, "p1" of P1 or priority/1; empty when no label says it. Of several the most severe number
// counts, before a word.
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

// lower is the one of two words that comes first, or the one that there is.
func lower(a, b string) string {
	if a == "" || b < a {
		return b
	}
	return a
}
