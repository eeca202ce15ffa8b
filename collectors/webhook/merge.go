package webhook

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
)

// The store keeps the last row that was appended, whole. So a row made of a delivery must say everything that is known,
// and must not say it if something newer is known. fold makes that row.
//
//   - What is empty in an update is not known and does not replace what is.
//   - An update that is older than what is stored (by its own time, or because a final record does not become open again)
//     only fills what is empty.
//   - Of created and started the earliest time counts, of finished that of the status that counts.

// fold returns the record that results from an update to what is stored of it.
func fold(stored event.Event, u Update) event.Event {
	switch was := stored.(type) {
	case event.PipelineRun:
		return foldRun(was, u)
	case event.PipelineJob:
		return foldJob(was, u)
	case event.Deployment:
		return foldDeployment(was, u)
	case event.Change:
		return foldChange(was, u)
	case event.Incident:
		return foldIncident(was, u)
	case event.Fact:
		if is, ok := u.Event.(event.Fact); ok && is.ObservedAt.Before(was.ObservedAt) {
			return was
		}
	}
	return u.Event
}

// course is where a run, a job or a deployment stands.
type course struct {
	status                     event.Status
	raw                        string
	created, started, finished time.Time
}

// rank orders open statuses; final ones come last.
func rank(s event.Status) int {
	switch {
	case s.Final():
		return 2
	case s == event.Queued:
		return 0
	}
	return 1
}

// older reports whether an update tells of a time before what is stored.
func (c course) older(is course, at time.Time) bool {
	if a, b := rank(is.status), rank(c.status); a != b {
		return a < b
	}
	known := latest(c.created, c.started, c.finished)
	at = latest(at, is.created, is.started, is.finished)
	return at.Before(known)
}

// fold returns the course that results. With successLasts a success is not undone, whatever comes later: such sources
// give a deployment further statuses when another takes over.
func (c course) fold(is course, older, successLasts bool) course {
	out := c
	switch {
	case c.status.Final() && is.status == c.status:
		out.raw = cmp.Or(c.raw, is.raw)
		out.finished = cmp.Or(c.finished, is.finished)
		if successLasts {
			out.finished = earliest(c.finished, is.finished)
		}
	case successLasts && c.status == event.Succeeded:
	case successLasts && is.status == event.Succeeded, !older:
		out.status, out.raw, out.finished = is.status, is.raw, is.finished
	}
	out.created = finer(c.created, earliest(c.created, is.created))
	out.started = finer(c.started, earliest(c.started, is.started))
	return out
}

// finer keeps what is stored when the other is the same instant in whole seconds, as some senders write it.
func finer(was, is time.Time) time.Time {
	if !was.IsZero() && was.Truncate(time.Second).Equal(is) {
		return was
	}
	return is
}

// pick is the value that counts of two, either of which may be empty.
func pick[T comparable](was, is T, older bool) T {
	if older {
		return cmp.Or(was, is)
	}
	return cmp.Or(is, was)
}

func foldOrigin(was, is event.Origin, older bool) event.Origin {
	was.URL, was.Service = pick(was.URL, is.URL, older), pick(was.Service, is.Service, older)
	return was
}

func foldRun(was event.PipelineRun, u Update) event.Event {
	is := u.Event.(event.PipelineRun)
	before := course{was.Status, was.StatusRaw, was.CreatedAt, was.StartedAt, was.FinishedAt}
	after := course{is.Status, is.StatusRaw, is.CreatedAt, is.StartedAt, is.FinishedAt}
	older := before.older(after, u.At)
	c := before.fold(after, older, false)
	was.Origin = foldOrigin(was.Origin, is.Origin, older)
	was.Status, was.StatusRaw, was.CreatedAt, was.StartedAt, was.FinishedAt = c.status, c.raw, c.created, c.started, c.finished
	was.Duration = pick(was.Duration, is.Duration, older)
	was.Pipeline, was.Branch = pick(was.Pipeline, is.Pipeline, older), pick(was.Branch, is.Branch, older)
	was.Trigger, was.SHA = pick(was.Trigger, is.Trigger, older), pick(was.SHA, is.SHA, older)
	was.Actor, was.Bot = foldActor(was.Actor, was.Bot, is.Actor, is.Bot, older)
	return was
}

func foldActor(was string, wasBot bool, is string, isBot, older bool) (string, bool) {
	if is == "" || older && was != "" {
		return was, wasBot
	}
	return is, isBot
}

func foldJob(was event.PipelineJob, u Update) event.Event {
	is := u.Event.(event.PipelineJob)
	before := course{was.Status, was.StatusRaw, was.CreatedAt, was.StartedAt, was.FinishedAt}
	after := course{is.Status, is.StatusRaw, is.CreatedAt, is.StartedAt, is.FinishedAt}
	older := before.older(after, u.At)
	c := before.fold(after, older, false)
	was.Origin = foldOrigin(was.Origin, is.Origin, older)
	was.Status, was.StatusRaw, was.CreatedAt, was.StartedAt, was.FinishedAt = c.status, c.raw, c.created, c.started, c.finished
	was.Name, was.Runner = pick(was.Name, is.Name, older), pick(was.Runner, is.Runner, older)
	return was
}

func foldDeployment(was event.Deployment, u Update) event.Event {
	is := u.Event.(event.Deployment)
	before := course{was.Status, was.StatusRaw, was.CreatedAt, was.StartedAt, was.FinishedAt}
	after := course{is.Status, is.StatusRaw, is.CreatedAt, is.StartedAt, is.FinishedAt}
	older := before.older(after, u.At)
	c := before.fold(after, older, is.Provider == string(GitHub))
	was.Origin = foldOrigin(was.Origin, is.Origin, older)
	was.Status, was.StatusRaw, was.CreatedAt, was.StartedAt, was.FinishedAt = c.status, c.raw, c.created, c.started, c.finished
	// Argo CD's collector knows better which environment an application is.
	was.Environment = pick(was.Environment, is.Environment, older || is.Provider == string(ArgoCD))
	was.SHA = pick(was.SHA, is.SHA, older)
	was.Ref, was.Version = pick(was.Ref, is.Ref, older), pick(was.Version, is.Version, older)
	was.Trigger, was.RollbackOf = pick(was.Trigger, is.Trigger, older), pick(was.RollbackOf, is.RollbackOf, older)
	was.Baseline = was.Baseline || is.Baseline
	was.Actor, was.Bot = foldActor(was.Actor, was.Bot, is.Actor, is.Bot, older)
	return was
}

func foldChange(was event.Change, u Update) event.Event {
	is := u.Event.(event.Change)
	known := latest(was.CreatedAt, was.FirstReviewAt, was.ApprovedAt, was.MergedAt, was.ClosedAt)
	older := latest(u.At, is.CreatedAt, is.FirstReviewAt, is.MergedAt, is.ClosedAt).Before(known)
	was.Origin = foldOrigin(was.Origin, is.Origin, older)
	was.Repository, was.Number = pick(was.Repository, is.Repository, older), pick(was.Number, is.Number, older)
	was.Title = pick(was.Title, is.Title, older)
	was.Author, was.Bot = foldActor(was.Author, was.Bot, is.Author, is.Bot, older)
	was.CreatedAt = earliest(was.CreatedAt, is.CreatedAt)
	was.FirstCommitAt = earliest(was.FirstCommitAt, is.FirstCommitAt)
	was.FirstReviewAt = earliest(was.FirstReviewAt, is.FirstReviewAt)
	was.ApprovedAt = earliest(was.ApprovedAt, is.ApprovedAt)
	was.MergedAt = cmp.Or(was.MergedAt, is.MergedAt) // a merge is not undone
	if was.MergedAt.IsZero() && u.Whole && !older {
		was.ClosedAt = is.ClosedAt // opened again, perhaps
	} else {
		was.ClosedAt = pick(was.ClosedAt, is.ClosedAt, older)
	}
	was.MergeSHA, was.HeadSHA = pick(was.MergeSHA, is.MergeSHA, older), pick(was.HeadSHA, is.HeadSHA, older)
	if len(is.CommitSHAs) > 0 && (!older || len(was.CommitSHAs) == 0) {
		was.CommitSHAs = is.CommitSHAs
	}
	was.Additions, was.Deletions = pick(was.Additions, is.Additions, older), pick(was.Deletions, is.Deletions, older)
	was.Reverts = pick(was.Reverts, is.Reverts, older)
	return was
}

func foldIncident(was event.Incident, u Update) event.Event {
	is := u.Event.(event.Incident)
	at := latest(u.At, is.OpenedAt, is.AcknowledgedAt, is.ResolvedAt)
	older := at.Before(latest(was.OpenedAt, was.AcknowledgedAt, was.ResolvedAt))
	was.Origin = foldOrigin(was.Origin, is.Origin, older)
	was.Severity = pick(was.Severity, is.Severity, older)
	was.Deployment, was.How = pick(was.Deployment, is.Deployment, older), pick(was.How, is.How, older)
	was.OpenedAt = earliest(was.OpenedAt, is.OpenedAt)
	was.AcknowledgedAt = earliest(was.AcknowledgedAt, is.AcknowledgedAt)
	if u.Whole && is.ResolvedAt.IsZero() && at.After(was.ResolvedAt) {
		was.ResolvedAt = time.Time{} // opened again
	} else {
		was.ResolvedAt = latest(was.ResolvedAt, is.ResolvedAt)
	}
	return was
}

// normal returns the event with its times and texts as the store keeps them, so that what is read back can be compared.
func normal(e event.Event) event.Event {
	e = event.Trim(e)
	each := func(times ...*time.Time) {
		for _, t := range times {
			*t = milli(*t)
		}
	}
	switch e := e.(type) {
	case event.PipelineRun:
		each(&e.CreatedAt, &e.StartedAt, &e.FinishedAt)
		return e
	case event.PipelineJob:
		each(&e.CreatedAt, &e.StartedAt, &e.FinishedAt)
		return e
	case event.Deployment:
		each(&e.CreatedAt, &e.StartedAt, &e.FinishedAt)
		return e
	case event.Change:
		each(&e.CreatedAt, &e.FirstCommitAt, &e.FirstReviewAt, &e.ApprovedAt, &e.MergedAt, &e.ClosedAt)
		return e
	case event.Incident:
		each(&e.OpenedAt, &e.AcknowledgedAt, &e.ResolvedAt)
		return e
	case event.Fact:
		each(&e.ObservedAt, &e.ExpiresAt)
		return e
	}
	return e
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
		return ok && a.Source == b.Source && a.Entity == b.Entity && a.Name == b.Name && a.Type == b.Type && bytes.Equal(a.Value, b.Value) &&
			a.ObservedAt.Equal(b.ObservedAt) && a.ExpiresAt.Equal(b.ExpiresAt) && a.Error == b.Error && a.URL == b.URL
	}
	return false
}

func sameChange(a, b event.Change) bool {
	return a.Origin == b.Origin && a.Repository == b.Repository && a.Number == b.Number && a.Title == b.Title &&
		a.Author == b.Author && a.Bot == b.Bot && a.CreatedAt.Equal(b.CreatedAt) && a.FirstCommitAt.Equal(b.FirstCommitAt) &&
		a.FirstReviewAt.Equal(b.FirstReviewAt) && a.ApprovedAt.Equal(b.ApprovedAt) && a.MergedAt.Equal(b.MergedAt) &&
		a.ClosedAt.Equal(b.ClosedAt) && a.MergeSHA == b.MergeSHA && a.HeadSHA == b.HeadSHA &&
		slices.Equal(a.CommitSHAs, b.CommitSHAs) && a.Additions == b.Additions && a.Deletions == b.Deletions && a.Reverts == b.Reverts
}
