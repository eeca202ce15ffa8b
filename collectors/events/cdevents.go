package events

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Provider is the provider of the records that events describe, as catalog bindings and logins name it.
const Provider = "push"

// cdEvent is what is used of a CDEvent of spec 0.3 to 0.5 and the 0.6 draft. CustomData holds what CDEvents has no
// words for; its keys are documented in docs/sources/push.md.
type cdEvent struct {
	Context struct {
		ID        string             `json:"id"`
		Source    string             `json:"source"`
		Timestamp delivery.EventTime `json:"timestamp"`
	} `json:"context"`
	Subject struct {
		ID      string  `json:"id"`
		Source  string  `json:"source"`
		Content content `json:"content"`
	} `json:"subject"`
	CustomData json.RawMessage `json:"customData"`

	custom    custom
	misfits   delivery.Misfits // what was left out
	attempt   uint16
	artifact  artifact
	predicate string
	push      string    // name of the push source
	at        time.Time // when it happened
	service   func(names ...string) string

	unrecognized func(what, word string) // see delivery.Source
	machine      func(login string) bool // see delivery.Source
}

// reference is how CDEvents names another thing.
type reference struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	Name   string `json:"name"`
}

// UnmarshalJSON reads {"id": …} and, because people write it so, a plain name.
func (r *reference) UnmarshalJSON(raw []byte) error {
	*r = reference{}
	if delivery.FirstByte(raw) == '"' {
		return json.Unmarshal(raw, &r.ID)
	}
	type plain reference
	misfits, err := delivery.Decode(raw, (*plain)(r))
	if reason := misfits.At("id"); reason != "" { // what is left would name another thing
		*r = reference{}
		return errors.New(reason)
	}
	return err
}

// content is the union of the contents of the subjects that are used.
type content struct {
	Environment  reference `json:"environment"`
	Service      reference `json:"service"`
	PipelineRun  reference `json:"pipelineRun"`
	Repository   reference `json:"repository"`
	ArtifactID   string    `json:"artifactId"`
	PipelineName string    `json:"pipelineName"`
	TaskName     string    `json:"taskName"`
	Outcome      string    `json:"outcome"`
	URL          string    `json:"url"`
	URI          string    `json:"uri"`
	TicketURI    string    `json:"ticketURI"`
	Description  string    `json:"description"`
}

// custom is what scripts may say in customData, in the names of the public views.
type custom struct {
	ID             string             `json:"id"` // of the deployment, so that its start and its end are one row
	Attempt        delivery.Attempt   `json:"attempt"`
	Service        string             `json:"service"`
	Status         string             `json:"status"`
	CreatedAt      delivery.EventTime `json:"created_at"`
	StartedAt      delivery.EventTime `json:"started_at"`
	FinishedAt     delivery.EventTime `json:"finished_at"`
	SHA            string             `json:"sha"`
	Ref            string             `json:"ref"`
	Branch         string             `json:"branch"`
	Version        string             `json:"version"`
	Actor          string             `json:"actor"`
	Bot            bool               `json:"bot"`
	Trigger        string             `json:"trigger"`
	Baseline       bool               `json:"baseline"`
	RollbackOf     string             `json:"rollback_of"`
	URL            string             `json:"url"`
	Runner         string             `json:"runner"`
	Title          string             `json:"title"`
	Author         string             `json:"author"`
	Number         uint64             `json:"number"`
	Approved       bool               `json:"approved"`
	MergeSHA       string             `json:"merge_sha"`
	HeadSHA        string             `json:"head_sha"`
	FirstCommitAt  delivery.EventTime `json:"first_commit_at"`
	Additions      uint32             `json:"additions"`
	Deletions      uint32             `json:"deletions"`
	Reverts        string             `json:"reverts"`
	Severity       string             `json:"severity"`
	AcknowledgedAt delivery.EventTime `json:"acknowledged_at"`
	Deployment     string             `json:"deployment"`
}

// identities are the parts of a CDEvent that say which record it is of. An event of which one does not fit is refused:
// without it, or with another in its place, another record would be changed.
var identities = []string{
	"context",
	"context.id",
	"context.source",
	"subject",
	"subject.id",
	"subject.source",
	"subject.content",
	"subject.content.environment",
	"subject.content.service",
	"subject.content.pipelineRun",
	"customData.id",
}

// decodeCDEvent reads the data of a CloudEvent as a CDEvent. What does not fit is left out and listed in its misfits.
func decodeCDEvent(d delivery.Delivery, e cloudevent.Event) (cdEvent, error) {
	var doc cdEvent
	misfits, err := delivery.Decode(e.Data(), &doc)
	if err != nil {
		return doc, fmt.Errorf("its data is not a CDEvent: %w", err)
	}
	doc.misfits = misfits
	if err := doc.readCustom(); err != nil {
		return doc, err
	}
	if reason := doc.misfits.At(identities...); reason != "" {
		return doc, errors.New(reason)
	}
	doc.Context.ID = cmp.Or(doc.Context.ID, e.ID())
	doc.Context.Source = cmp.Or(doc.Context.Source, e.Source())
	doc.Subject.ID = cmp.Or(doc.Subject.ID, e.Subject())
	if doc.Subject.ID == "" {
		return doc, errors.New("its data has no subject.id")
	}
	doc.Subject.Source = cmp.Or(doc.Subject.Source, doc.Context.Source)
	if doc.artifact, err = readArtifact(doc.Subject.Content.ArtifactID); err != nil {
		doc.misfits.Add("subject.content.artifactId", "%v", err)
	}
	doc.at = delivery.FirstKnown(doc.Context.Timestamp.Time, e.Time(), d.ReceivedAt)
	return doc, nil
}

// readCustom reads customData, key by key: one that does not fit costs no other. It fails where the attempt does not
// fit.
func (c *cdEvent) readCustom() error {
	const field = "customData"
	switch delivery.FirstByte(c.CustomData) {
	case 0, 'n':
		c.attempt = 1
		return nil
	case '{':
	default: // another producer's, perhaps encoded as customDataContentType says
		c.misfits.Add(field, "it is %s, not an object; nothing of it is used", delivery.Describe(c.CustomData))
		c.attempt = 1
		return nil
	}
	misfits, err := delivery.DecodeStrictly(c.CustomData, &c.custom, field)
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	c.misfits = append(c.misfits, misfits...)
	if c.attempt, err = c.custom.Attempt.Value(); err != nil {
		return fmt.Errorf("%s.%w", field, err)
	}
	return nil
}

// readers are the CDEvents that are used, by subject and predicate.
var readers = map[string]func(cdEvent) (delivery.Update, error){
	"service.deployed":     cdEvent.deployed,
	"service.upgraded":     cdEvent.deployed,
	"service.rolledback":   cdEvent.deployed,
	"deployment.queued":    cdEvent.deployment,
	"deployment.started":   cdEvent.deployment,
	"deployment.finished":  cdEvent.deployment,
	"pipelinerun.queued":   cdEvent.run,
	"pipelinerun.started":  cdEvent.run,
	"pipelinerun.finished": cdEvent.run,
	"taskrun.queued":       cdEvent.job,
	"taskrun.started":      cdEvent.job,
	"taskrun.finished":     cdEvent.job,
	"change.created":       cdEvent.change,
	"change.updated":       cdEvent.change,
	"change.reviewed":      cdEvent.change,
	"change.merged":        cdEvent.change,
	"change.abandoned":     cdEvent.change,
	"incident.detected":    cdEvent.incident,
	"incident.reported":    cdEvent.incident,
	"incident.resolved":    cdEvent.incident,
}

// unused are the subjects that CDEvents has and no metric needs.
var unused = map[string]string{
	"service":            "only deployed, upgraded and rolledback change the version in an environment",
	"environment":        "environments are known by what is deployed to them",
	"repository":         "repositories are read from the catalog",
	"branch":             "branches are not stored",
	"build":              "a build is a step of a pipeline; send its pipelinerun or taskrun",
	"artifact":           "artifacts are not stored; service.deployed reports which one an environment got",
	"testcaserun":        "single tests are not stored",
	"testsuiterun":       "test suites are not stored; send the taskrun that ran them",
	"testoutput":         "test output is not stored",
	"ticket":             "tickets are not stored; send incident.reported for an incident",
	"changewindow":       "change windows are not stored",
	"migration":          "migrations are not stored",
	"reconciliation":     "a reconciliation is no deployment; send service.deployed or service.upgraded",
	"scheduledexecution": "schedules are not stored",
	"targetrollout":      "a rollout is a step of a deployment; send deployment.finished or service.deployed",
}

// origin is the origin of what is known by the subject's source and id.
func (c cdEvent) origin() event.Origin {
	return event.Origin{Source: c.push, Provider: Provider, Scope: c.Subject.Source, ID: c.Subject.ID,
		URL:     delivery.Link(c.custom.URL, c.Subject.Content.URL, c.Subject.Content.URI, c.Subject.Content.TicketURI),
		Service: c.service(c.custom.Service, c.Subject.Content.Service.ID)}
}

// outcomes are the words for how something ended.
var outcomes = source.Words[event.Status]{
	Meaning: map[string]event.Status{
		"success":   event.Succeeded,
		"succeeded": event.Succeeded,
		"passed":    event.Succeeded,
		"ok":        event.Succeeded,
		"cancel":    event.Cancelled,
		"cancelled": event.Cancelled,
		"canceled":  event.Cancelled,
		"aborted":   event.Cancelled,
		"skip":      event.Skipped,
		"skipped":   event.Skipped,
		"failure":   event.Failed,
		"failed":    event.Failed,
		"error":     event.Failed,
		"fail":      event.Failed,
		"":          event.Skipped, // older producers send finished without saying how
	},
	Otherwise: event.Skipped, // it is over, without a verdict
}

// statusOf maps the predicate of what is queued, started and finished.
func (c cdEvent) statusOf() (status event.Status, raw string) {
	word := c.Subject.Content.Outcome
	if word == "" {
		word = c.custom.Status
	}
	switch c.predicate {
	case "queued":
		return event.Queued, "queued"
	case "started":
		return event.Running, "started"
	}
	return outcomes.Read("outcome of an event", word, c.unrecognized), cmp.Or(word, "finished")
}

// times are created, started and finished: of the predicate, unless custom data says it more exactly.
func (c cdEvent) times() (created, started, finished time.Time) {
	created, started, finished = c.custom.CreatedAt.Time, c.custom.StartedAt.Time, c.custom.FinishedAt.Time
	switch c.predicate {
	case "queued":
		created = delivery.FirstKnown(created, c.at)
	case "started":
		started = delivery.FirstKnown(started, c.at)
	default:
		finished = delivery.FirstKnown(finished, c.at)
	}
	return created, started, finished
}

func (c cdEvent) run() (delivery.Update, error) {
	status, raw := c.statusOf()
	created, started, finished := c.times()
	return delivery.Update{
		At: c.at,
		Event: event.PipelineRun{
			Origin:     c.origin(),
			Attempt:    c.attempt,
			Pipeline:   c.Subject.Content.PipelineName,
			Status:     status,
			StatusRaw:  raw,
			Branch:     c.custom.Branch,
			Trigger:    c.custom.Trigger,
			SHA:        c.custom.SHA,
			Actor:      c.custom.Actor,
			Bot:        c.custom.Bot,
			CreatedAt:  created,
			StartedAt:  started,
			FinishedAt: finished,
		},
	}, nil
}

func (c cdEvent) job() (delivery.Update, error) {
	status, raw := c.statusOf()
	created, started, finished := c.times()
	run := c.Subject.Content.PipelineRun.ID
	loose := run == ""
	if loose { // a task without a pipeline is a run of its own
		run = c.Subject.ID
	}
	return delivery.Update{
		At:         c.at,
		RunUnknown: loose,
		Event: event.PipelineJob{
			Origin:     c.origin(),
			RunID:      run,
			Attempt:    c.attempt,
			Name:       c.Subject.Content.TaskName,
			Runner:     c.custom.Runner,
			Status:     status,
			StatusRaw:  raw,
			CreatedAt:  created,
			StartedAt:  started,
			FinishedAt: finished,
		},
	}, nil
}

// base is a deployment without its course. Its scope is the service, as the producer calls it, so that the catalog can
// bind it; its id is that of the deployment where the producer gives one, else the event's, because the subject of such
// events is the service and not the deployment.
func (c cdEvent) base(service, id string) (event.Deployment, error) {
	content := c.Subject.Content
	environment := content.Environment.Name
	if environment == "" {
		environment = content.Environment.ID
	}
	if environment == "" {
		return event.Deployment{}, errors.New("its subject has no content.environment.id: a deployment is known by where " +
			"it went")
	}
	d := event.Deployment{
		Origin:         c.origin(),
		Attempt:        c.attempt,
		Environment:    environment,
		EnvironmentKey: strings.ToLower(environment),
		SHA:            c.custom.SHA,
		Ref:            c.custom.Ref,
		Version:        c.custom.Version,
		Actor:          c.custom.Actor,
		Bot:            c.custom.Bot,
		Trigger:        c.custom.Trigger,
		Baseline:       c.custom.Baseline,
		RollbackOf:     c.custom.RollbackOf,
	}
	if d.Version == "" {
		d.Version = c.artifact.version
	}
	if d.SHA == "" {
		d.SHA = c.artifact.sha
	}
	d.Service = c.service(c.custom.Service, service, delivery.LastPart(service))
	d.Scope, d.ID = service, id
	if c.Context.Source != CLISource { // ids are unique only in their source
		d.ID = c.Context.Source + "#" + id
	}
	return d, nil
}

// deployed reads service.deployed, upgraded and rolledback: a version runs.
func (c cdEvent) deployed() (delivery.Update, error) {
	id := c.custom.ID
	if id == "" {
		id = c.Context.ID
	}
	d, err := c.base(c.Subject.ID, id)
	if err != nil {
		return delivery.Update{}, err
	}
	d.Status, d.StatusRaw = event.Succeeded, c.predicate
	d.CreatedAt, d.StartedAt = c.custom.CreatedAt.Time, c.custom.StartedAt.Time
	d.FinishedAt = delivery.FirstKnown(c.custom.FinishedAt.Time, c.at)
	if c.predicate == "rolledback" && d.RollbackOf == "" {
		d.RollbackOf = "unknown" // it undoes a deployment, but CDEvents does not say which
	}
	return delivery.Update{Event: d, At: c.at}, nil
}

// deployment reads deployment.queued, started and finished, whose subject is the deployment.
func (c cdEvent) deployment() (delivery.Update, error) {
	service := c.Subject.Content.Service.ID
	if service == "" {
		service = c.custom.Service
	}
	if service == "" {
		service = c.Subject.Source
	}
	d, err := c.base(service, c.Subject.ID)
	if err != nil {
		return delivery.Update{}, err
	}
	d.Status, d.StatusRaw = c.statusOf()
	d.CreatedAt, d.StartedAt, d.FinishedAt = c.times()
	return delivery.Update{Event: d, At: c.at}, nil
}

func (c cdEvent) change() (delivery.Update, error) {
	repository := identifier.RepositoryName(c.Subject.Content.Repository.ID)
	e := event.Change{
		Origin:        c.origin(),
		Repository:    repository,
		Number:        c.custom.Number,
		Title:         c.custom.Title,
		Author:        c.custom.Author,
		Bot:           c.custom.Bot,
		CreatedAt:     c.custom.CreatedAt.Time,
		FirstCommitAt: c.custom.FirstCommitAt.Time,
		MergeSHA:      c.custom.MergeSHA,
		HeadSHA:       c.custom.HeadSHA,
		Additions:     c.custom.Additions,
		Deletions:     c.custom.Deletions,
		Reverts:       c.custom.Reverts,
	}
	if e.Repository == "" {
		e.Repository = identifier.RepositoryName(c.Subject.Source)
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(c.Subject.ID, "#"), 10, 64); err == nil && e.Number == 0 {
		e.Number = n
	}
	if e.Service == "" {
		e.Service = c.service(c.Subject.Content.Repository.ID, repository)
	}
	switch c.predicate {
	case "created":
		e.CreatedAt = delivery.FirstKnown(e.CreatedAt, c.at)
	case "reviewed":
		if c.custom.Actor != "" && c.custom.Actor == c.custom.Author {
			break // a review of one's own change does not count
		}
		if by := c.custom.Actor; strings.HasSuffix(by, "[bot]") || c.machine != nil && c.machine(by) {
			break // nor does a machine's
		}
		e.FirstReviewAt = c.at
		if c.custom.Approved {
			e.ApprovedAt = c.at
		}
	case "merged":
		e.MergedAt, e.ClosedAt = c.at, c.at
		if e.MergeSHA == "" {
			e.MergeSHA = c.custom.SHA
		}
	case "abandoned":
		e.ClosedAt = c.at
	}
	return delivery.Update{Event: e, At: c.at}, nil
}

func (c cdEvent) incident() (delivery.Update, error) {
	e := event.Incident{
		Origin:         c.origin(),
		Severity:       c.custom.Severity,
		AcknowledgedAt: c.custom.AcknowledgedAt.Time,
		Deployment:     c.custom.Deployment,
	}
	if e.Deployment != "" {
		e.How = "said"
	}
	if e.Service == "" {
		e.Service = c.service(delivery.LastPart(c.Subject.Content.Service.ID))
	}
	u := delivery.Update{At: c.at}
	if c.predicate == "resolved" {
		e.ResolvedAt = delivery.FirstKnown(c.custom.FinishedAt.Time, c.at)
		e.EndUnknown = e.ResolvedAt.IsZero()
		e.OpenedAt = c.custom.CreatedAt.Time
	} else {
		e.OpenedAt = delivery.FirstKnown(c.custom.CreatedAt.Time, c.at)
		u.Full = true // detected after it was resolved: it is there again
	}
	u.Event = e
	return u, nil
}
