package webhook

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// The store keeps the last row that was appended, whole. So a row made of a delivery must say everything that is known.
// fold makes that row, and makes the same one in whatever order updates come and however often:
//
//   - What is empty in an update is not known and does not replace what is.
//   - Of the values of a field the one that was said last counts, by the sender's own time; see [mergeState].
//   - What has ended does not become open again; of several ends the latest counts.
//   - Of created, started, reviewed and merged the earliest time counts.

// fold returns the record that results from an update to what is stored of it; stored is nil where nothing is.
func fold(stored event.Event, u delivery.Update) event.Event {
	switch is := u.Event.(type) {
	case event.PipelineRun:
		was, _ := stored.(event.PipelineRun)
		return foldRun(was, is, u)
	case event.PipelineJob:
		was, _ := stored.(event.PipelineJob)
		return foldJob(was, is, u)
	case event.Deployment:
		was, _ := stored.(event.Deployment)
		return foldDeployment(was, is, u)
	case event.Change:
		was, _ := stored.(event.Change)
		return foldChange(was, is, u)
	case event.Incident:
		was, _ := stored.(event.Incident)
		return foldIncident(was, is, u)
	case event.Fact:
		if was, ok := stored.(event.Fact); ok && !laterFact(was, is) {
			return was
		}
	}
	return u.Event
}

// laterFact reports whether a fact replaces another: it was observed later or, at the same time, has the greater text.
func laterFact(was, is event.Fact) bool {
	return cmp.Or(
		is.ObservedAt.Compare(was.ObservedAt),
		bytes.Compare(is.Value, was.Value),
		cmp.Compare(is.Error, was.Error),
		is.ExpiresAt.Compare(was.ExpiresAt),
		cmp.Compare(is.URL, was.URL),
	) > 0
}

// course is where a run, a job or a deployment stands.
type course struct {
	status                     event.Status
	raw                        string
	created, started, finished time.Time
}

// latest is the latest time that the course shows.
func (c course) latest() time.Time { return delivery.Latest(c.created, c.started, c.finished) }

// foldOrigin folds the identity's own fields. Of a record that is not stored yet it takes the identity.
func foldOrigin(s *mergeState, was, is event.Origin) event.Origin {
	out := is
	out.URL, out.Service = was.URL, was.Service
	pick(s, "url", &out.URL, is.URL)
	pick(s, "service", &out.Service, is.Service)
	return out
}

// foldActor folds a login together with whether it is a machine's.
func foldActor(s *mergeState, was *string, wasBot *bool, is string, isBot bool) {
	compared := cmp.Compare(is, *was)
	if compared == 0 && isBot && !*wasBot {
		compared = 1
	}
	if is != "" && s.newer("actor", *was == "", compared) {
		*was, *wasBot = is, isBot
	}
}

func foldRun(was, is event.PipelineRun, u delivery.Update) event.Event {
	before := course{was.Status, was.StatusRaw, was.CreatedAt, was.StartedAt, was.FinishedAt}
	after := course{is.Status, is.StatusRaw, is.CreatedAt, is.StartedAt, is.FinishedAt}
	s := loadState(was.Origin, before.latest(), delivery.Latest(u.At, after.latest()))
	c := s.status(before, after, false)
	was.Origin, was.Attempt = foldOrigin(s, was.Origin, is.Origin), is.Attempt
	was.Status = c.status
	was.StatusRaw = c.raw
	was.CreatedAt = c.created
	was.StartedAt = c.started
	was.FinishedAt = c.finished
	pick(s, "duration", &was.Duration, is.Duration)
	pick(s, "pipeline", &was.Pipeline, is.Pipeline)
	pick(s, "branch", &was.Branch, is.Branch)
	pick(s, "trigger", &was.Trigger, is.Trigger)
	pick(s, "sha", &was.SHA, is.SHA)
	foldActor(s, &was.Actor, &was.Bot, is.Actor, is.Bot)
	was.MergeState = s.save()
	return was
}

func foldJob(was, is event.PipelineJob, u delivery.Update) event.Event {
	before := course{was.Status, was.StatusRaw, was.CreatedAt, was.StartedAt, was.FinishedAt}
	after := course{is.Status, is.StatusRaw, is.CreatedAt, is.StartedAt, is.FinishedAt}
	s := loadState(was.Origin, before.latest(), delivery.Latest(u.At, after.latest()))
	c := s.status(before, after, false)
	was.Origin, was.RunID, was.Attempt = foldOrigin(s, was.Origin, is.Origin), is.RunID, is.Attempt
	was.Status = c.status
	was.StatusRaw = c.raw
	was.CreatedAt = c.created
	was.StartedAt = c.started
	was.FinishedAt = c.finished
	pick(s, "name", &was.Name, is.Name)
	pick(s, "runner", &was.Runner, is.Runner)
	was.MergeState = s.save()
	return was
}

func foldDeployment(was, is event.Deployment, u delivery.Update) event.Event {
	before := course{was.Status, was.StatusRaw, was.CreatedAt, was.StartedAt, was.FinishedAt}
	after := course{is.Status, is.StatusRaw, is.CreatedAt, is.StartedAt, is.FinishedAt}
	s := loadState(was.Origin, before.latest(), delivery.Latest(u.At, after.latest()))
	c := s.status(before, after, u.SuccessLasts)
	was.Origin, was.Attempt, was.EnvironmentKey = foldOrigin(s, was.Origin, is.Origin), is.Attempt, is.EnvironmentKey
	was.Status = c.status
	was.StatusRaw = c.raw
	was.CreatedAt = c.created
	was.StartedAt = c.started
	was.FinishedAt = c.finished
	if !s.collected || !u.CollectedEnvironment || was.Environment == "" {
		pick(s, "environment", &was.Environment, is.Environment)
	}
	pick(s, "sha", &was.SHA, is.SHA)
	pick(s, "ref", &was.Ref, is.Ref)
	pick(s, "version", &was.Version, is.Version)
	pick(s, "trigger", &was.Trigger, is.Trigger)
	pick(s, "rollback_of", &was.RollbackOf, is.RollbackOf)
	was.Baseline = was.Baseline || is.Baseline
	foldActor(s, &was.Actor, &was.Bot, is.Actor, is.Bot)
	was.MergeState = s.save()
	return was
}

func foldChange(was, is event.Change, u delivery.Update) event.Event {
	known := delivery.Latest(was.CreatedAt, was.FirstReviewAt, was.ApprovedAt, was.MergedAt, was.ClosedAt)
	s := loadState(
		was.Origin,
		known,
		delivery.Latest(u.At, is.CreatedAt, is.FirstReviewAt, is.ApprovedAt, is.MergedAt, is.ClosedAt),
	)
	was.Origin = foldOrigin(s, was.Origin, is.Origin)
	pick(s, "repository", &was.Repository, is.Repository)
	pick(s, "number", &was.Number, is.Number)
	pick(s, "title", &was.Title, is.Title)
	foldActor(s, &was.Author, &was.Bot, is.Author, is.Bot)
	was.CreatedAt = delivery.Earliest(was.CreatedAt, is.CreatedAt)
	was.FirstCommitAt = delivery.Earliest(was.FirstCommitAt, is.FirstCommitAt)
	was.FirstReviewAt = delivery.Earliest(was.FirstReviewAt, is.FirstReviewAt)
	was.ApprovedAt = delivery.Earliest(was.ApprovedAt, is.ApprovedAt)
	was.MergedAt = delivery.Earliest(was.MergedAt, is.MergedAt) // a merge is not undone
	foldClosed(s, &was, is, u.Full)
	foldEndUnknown(s, &was, is)
	pick(s, "merge_sha", &was.MergeSHA, is.MergeSHA)
	pick(s, "head_sha", &was.HeadSHA, is.HeadSHA)
	compared := cmp.Or(cmp.Compare(len(is.CommitSHAs), len(was.CommitSHAs)), slices.Compare(is.CommitSHAs, was.CommitSHAs))
	if len(is.CommitSHAs) > 0 && s.newer("commits", len(was.CommitSHAs) == 0, compared) {
		was.CommitSHAs = is.CommitSHAs
	}
	pick(s, "additions", &was.Additions, is.Additions)
	pick(s, "deletions", &was.Deletions, is.Deletions)
	pick(s, "reverts", &was.Reverts, is.Reverts)
	was.MergeState = s.save()
	return was
}

// foldClosed decides when a change was closed: as the sender said last, which may be that it is open again, and at the
// latest when it was merged.
func foldClosed(s *mergeState, was *event.Change, is event.Change, full bool) {
	if s.collected && s.Closed == 0 {
		s.Closed, s.ClosedSaid = millis(was.ClosedAt), s.seed
	}
	if closed := millis(is.ClosedAt); closed != 0 &&
		cmp.Or(cmp.Compare(s.now, s.ClosedSaid), cmp.Compare(closed, s.Closed)) > 0 {
		s.Closed, s.ClosedSaid = closed, s.now
	}
	if is.ClosedAt.IsZero() && is.EndUnknown == "" && full {
		s.Open = max(s.Open, s.now)
	}
	was.ClosedAt = time.Time{}
	if s.ClosedSaid >= s.Open {
		was.ClosedAt = fromMillis(s.Closed)
	}
	if was.ClosedAt.IsZero() {
		was.ClosedAt = was.MergedAt
	}
}

// foldEndUnknown decides whether a change ended at a time that nobody said. A merge is not undone.
func foldEndUnknown(s *mergeState, was *event.Change, is event.Change) {
	if s.collected && was.EndUnknown == event.ClosedChange {
		s.Over = max(s.Over, s.seed, 1)
	}
	if is.EndUnknown == event.ClosedChange {
		s.Over = max(s.Over, s.now, 1)
	}
	s.Merged = s.Merged || was.EndUnknown == event.MergedChange || is.EndUnknown == event.MergedChange
	switch {
	case s.Merged:
		was.Ended(event.MergedChange)
	case s.Over >= max(s.Open, 1):
		was.Ended(event.ClosedChange)
	default:
		was.Ended(event.OpenChange)
	}
}

func foldIncident(was, is event.Incident, u delivery.Update) event.Event {
	known := delivery.Latest(was.OpenedAt, was.AcknowledgedAt, was.ResolvedAt)
	s := loadState(was.Origin, known, delivery.Latest(u.At, is.OpenedAt, is.AcknowledgedAt, is.ResolvedAt))
	was.Origin = foldOrigin(s, was.Origin, is.Origin)
	pick(s, "severity", &was.Severity, is.Severity)
	pick(s, "deployment", &was.Deployment, is.Deployment)
	pick(s, "how", &was.How, is.How)
	was.OpenedAt = delivery.Earliest(was.OpenedAt, is.OpenedAt)
	was.AcknowledgedAt = delivery.Earliest(was.AcknowledgedAt, is.AcknowledgedAt)
	// It is open when it was said to be so later than it was resolved; what was resolved twice was at the later time.
	// Where it was only said to be over, the time of that is not the time of its end, which stays unknown.
	s.Closed = max(s.Closed, millis(was.ResolvedAt), millis(is.ResolvedAt))
	if s.collected && was.EndUnknown {
		s.Over = max(s.Over, s.seed, 1)
	}
	switch {
	case is.EndUnknown:
		s.Over = max(s.Over, s.now, 1)
	case u.Full && is.ResolvedAt.IsZero():
		s.Open = max(s.Open, s.now)
	}
	was.ResolvedAt = time.Time{}
	if s.Closed >= s.Open {
		was.ResolvedAt = fromMillis(s.Closed)
	}
	was.EndUnknown = was.ResolvedAt.IsZero() && s.Over >= max(s.Open, 1)
	was.MergeState = s.save()
	return was
}

// same reports whether two events of one kind say the same.
func same(a, b event.Event) bool {
	switch a := a.(type) {
	case event.PipelineRun:
		b, ok := b.(event.PipelineRun)
		return ok && a == b
	case event.PipelineJob:
		b, ok := b.(event.PipelineJob)
		return ok && a == b
	case event.Deployment:
		b, ok := b.(event.Deployment)
		return ok && a == b
	case event.Incident:
		b, ok := b.(event.Incident)
		return ok && a == b
	case event.Change:
		b, ok := b.(event.Change)
		return ok && sameChange(a, b)
	case event.Fact:
		b, ok := b.(event.Fact)
		return ok && a.Source == b.Source && a.Entity == b.Entity && a.Name == b.Name && a.Type == b.Type &&
			bytes.Equal(a.Value, b.Value) &&
			a.ObservedAt.Equal(b.ObservedAt) &&
			a.ExpiresAt.Equal(b.ExpiresAt) &&
			a.Error == b.Error &&
			a.URL == b.URL
	}
	return false
}

func sameChange(a, b event.Change) bool {
	return a.Origin == b.Origin && a.Repository == b.Repository && a.Number == b.Number && a.Title == b.Title &&
		a.Author == b.Author && a.Bot == b.Bot && a.CreatedAt.Equal(b.CreatedAt) && a.FirstCommitAt.Equal(b.FirstCommitAt) &&
		a.FirstReviewAt.Equal(b.FirstReviewAt) && a.ApprovedAt.Equal(b.ApprovedAt) && a.MergedAt.Equal(b.MergedAt) &&
		a.ClosedAt.Equal(b.ClosedAt) && a.MergeSHA == b.MergeSHA && a.HeadSHA == b.HeadSHA &&
		slices.Equal(
			a.CommitSHAs,
			b.CommitSHAs,
		) && a.Additions == b.Additions && a.Deletions == b.Deletions && a.Reverts == b.Reverts
}
