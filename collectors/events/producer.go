package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"github.com/dxctl/dxctl/event"
)

// CLISource is the CloudEvents source of what dxctl itself sends.
const CLISource = "/dxctl"

const specVersion = "0.4.1" // of the CDEvents that are made here

// Deploy is what a script knows about a deployment.
type Deploy struct {
	Service     string // name or ref; required
	Environment string // required
	// ID names the deployment where the script has a name for it (the CI job's id): then a start and an end are one
	// deployment, and sending twice is sending once. Empty: every event is a deployment of its own.
	ID         string
	Attempt    int
	Status     event.Status // empty: succeeded
	At         time.Time    // when it came to be so; zero: now
	StartedAt  time.Time
	Version    string
	SHA, Ref   string
	Actor      string
	Bot        bool
	Trigger    string
	URL        string
	Baseline   bool   // it only records what already ran
	RollbackOf string // id of the deployment that it undoes
}

// NewDeployEvent returns the CloudEvent of a deployment: CDEvents' service.deployed or service.rolledback when it
// succeeded, and for every other status deployment.queued, started or finished.
func NewDeployEvent(d Deploy, now time.Time) (cloudevent.Event, error) {
	var errs []error
	if d.Service == "" {
		errs = append(errs, errors.New("service is missing: which one was deployed, by its name in the catalog?"))
	}
	if d.Environment == "" {
		errs = append(errs, errors.New("environment is missing: where to? production, staging …"))
	}
	if d.Attempt < 0 || d.Attempt > math.MaxUint16 {
		errs = append(errs, fmt.Errorf("attempt %d: give a number from 1 to %d", d.Attempt, math.MaxUint16))
	}
	subject, predicate, outcome := "service", "deployed", ""
	switch d.Status {
	case "", event.Succeeded:
		if d.RollbackOf != "" {
			predicate = "rolledback"
		}
	case event.Queued, event.Waiting:
		subject, predicate = "deployment", "queued"
	case event.Running:
		subject, predicate = "deployment", "started"
	case event.Failed:
		subject, predicate, outcome = "deployment", "finished", "failure"
	case event.Cancelled:
		subject, predicate, outcome = "deployment", "finished", "cancel"
	case event.Skipped:
		subject, predicate, outcome = "deployment", "finished", "skipped"
	default:
		errs = append(errs, fmt.Errorf("status %q: give succeeded, failed, running, queued, cancelled or skipped", d.Status))
	}
	if err := errors.Join(errs...); err != nil {
		return cloudevent.Event{}, err
	}
	eventID := DeterministicID("deploy", d.Service, d.Environment, d.ID, strconv.Itoa(d.Attempt), string(d.Status))
	if d.ID == "" {
		eventID = uuid.NewString()
	}
	subjectID := d.Service
	content := map[string]any{"environment": map[string]any{"id": d.Environment}}
	if subject == "service" {
		content["artifactId"] = packageURL(d.Service, d.Version)
	}
	if subject == "deployment" {
		if subjectID = d.ID; subjectID == "" {
			subjectID = eventID
		}
		content["service"] = map[string]any{"id": d.Service}
		if outcome != "" {
			content["outcome"] = outcome
		}
	}
	custom := fields{
		"id":          d.ID,
		"attempt":     d.Attempt,
		"started_at":  d.StartedAt,
		"version":     d.Version,
		"sha":         d.SHA,
		"ref":         d.Ref,
		"actor":       d.Actor,
		"bot":         d.Bot,
		"trigger":     d.Trigger,
		"url":         d.URL,
		"baseline":    d.Baseline,
		"rollback_of": d.RollbackOf,
	}
	made := cdevent{
		kind:        "dev.cdevents.service." + predicate + ".0.2.0",
		subjectType: "service",
		id:          eventID,
		subject:     subjectID,
	}
	if subject == "deployment" {
		made.kind = "dev.cdeventsx.dxctl-deployment." + predicate + ".0.1.0"
		made.subjectType = "dxctl-deployment"
	}
	return made.event(content, custom, when(d.At, now))
}

// packageURL returns what was deployed as a package URL, which CDEvents requires of service.deployed.
func packageURL(service, version string) string {
	escape := func(s string) string { return strings.ReplaceAll(url.PathEscape(s), "@", "%40") }
	segments := strings.Split(strings.Trim(service, "/"), "/")
	for i, s := range segments {
		segments[i] = escape(s)
	}
	id := "pkg:generic/" + strings.Join(segments, "/")
	if version != "" {
		id += "@" + escape(version)
	}
	return id
}

// IncidentReport is what a script knows about an incident.
type IncidentReport struct {
	ID         string // required: opening and resolving it are distinguished by nothing else
	Service    string // name or ref; required when it opens
	Resolved   bool
	At         time.Time // when it opened, or was resolved; zero: now
	Severity   string
	Deployment string // id of the deployment that caused it
	URL        string
}

// NewIncidentEvent returns the CloudEvent of an incident: CDEvents' incident.detected or incident.resolved.
func NewIncidentEvent(i IncidentReport, now time.Time) (cloudevent.Event, error) {
	if i.ID == "" {
		return cloudevent.Event{}, errors.New("id is missing: give the incident a name, and the same one when it is resolved")
	}
	if i.Service == "" && !i.Resolved {
		return cloudevent.Event{}, errors.New("service is missing: which one has the incident, by its name in the catalog?")
	}
	predicate := "detected"
	if i.Resolved {
		predicate = "resolved"
	}
	content := map[string]any{}
	if i.Service != "" {
		content["service"] = map[string]any{"id": i.Service}
	}
	// Its id is of the time too: an incident may be opened again.
	moment := when(i.At, now)
	id := DeterministicID("incident", i.ID, predicate, moment.Format(time.RFC3339Nano))
	made := cdevent{kind: "dev.cdevents.incident." + predicate + ".0.2.0", subjectType: "incident", id: id, subject: i.ID}
	return made.event(content, fields{"severity": i.Severity, "deployment": i.Deployment, "url": i.URL}, moment)
}

// fields are custom data; what is empty is left out.
type fields map[string]any

func (f fields) known() map[string]any {
	out := map[string]any{}
	for name, v := range f {
		switch v := v.(type) {
		case string:
			if v == "" {
				continue
			}
		case bool:
			if !v {
				continue
			}
		case int:
			if v == 0 {
				continue
			}
		case time.Time:
			if v.IsZero() {
				continue
			}
			out[name] = v.UTC().Format(time.RFC3339Nano)
			continue
		}
		out[name] = v
	}
	return out
}

// cdevent is what identifies a CDEvent that dxctl makes.
//
// The CDEvents SDK does not make it: it compiles the schemas of all events whenever a process starts, and it refuses an
// incident whose environment is not known. The tests check with it what is made here.
type cdevent struct {
	kind        string // CloudEvents type
	id          string
	subject     string // id
	subjectType string
}

// event returns the CloudEvent that carries the CDEvent. What is empty in custom is left out.
func (c cdevent) event(content map[string]any, custom fields, moment time.Time) (cloudevent.Event, error) {
	e := cloudevent.New()
	e.SetType(c.kind)
	e.SetID(c.id)
	e.SetSource(CLISource)
	e.SetSubject(c.subject)
	e.SetTime(moment)
	timestamp := moment.Format(time.RFC3339Nano)
	data := map[string]any{
		"context": map[string]any{
			"version":   specVersion,
			"id":        c.id,
			"source":    CLISource,
			"type":      c.kind,
			"timestamp": timestamp,
		},
		"subject": map[string]any{"id": c.subject, "source": CLISource, "type": c.subjectType, "content": content},
	}
	if known := custom.known(); len(known) > 0 {
		data["customData"], data["customDataContentType"] = known, "application/json"
	}
	if err := e.SetData(cloudevent.ApplicationJSON, data); err != nil {
		return e, fmt.Errorf("making the event: %w", err)
	}
	return e, e.Validate()
}

// DeterministicID is the same for the same parts, so that a script that runs again sends the same event again.
func DeterministicID(parts ...string) string {
	space := uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://dxctl.dev/events"))
	doc, err := json.Marshal(parts)
	if err != nil { // strings always can be encoded
		return uuid.NewString()
	}
	return uuid.NewSHA1(space, doc).String()
}

func when(t, now time.Time) time.Time {
	if t.IsZero() {
		t = now
	}
	return t.UTC()
}
