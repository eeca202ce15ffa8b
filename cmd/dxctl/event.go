package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/collectors/events"
	"github.com/dxctl/dxctl/event"
)

func newEvent(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "event",
		Short: "Tell a dxctl server what happened: a deployment, an incident, a fact",
		Long: `Tell a dxctl server what happened, as the last line of a script:

  dxctl event deploy --service payment-service --environment production --version v1.2.3 --best-effort

What is sent is a CloudEvent that carries a CDEvent; --print shows it and sends nothing. Sending the same event
again changes nothing. $DXCTL_SERVER is the server's address and $DXCTL_TOKEN the secret of its source of kind events.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEventDeploy(s), newEventIncident(s), newEventFact(s))
	return cmd
}

// eventCommand completes a command that makes an event and sends it.
func eventCommand(s *session, cmd *cobra.Command, build func(now time.Time) (cloudevent.Event, error)) *cobra.Command {
	var to sending
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return to.failed(to.run(cmd.Context(), s, build))
	}
	to.flags(cmd.Flags())
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return to.failed(err) })
	return cmd
}

// moment is a flag that is a time.
type moment struct{ time.Time }

// Set reads a time as RFC 3339 has it.
func (m *moment) Set(text string) error {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return errors.New("write it as 2026-01-31T12:00:00Z")
	}
	if at.IsZero() || !event.ValidTime(at) { // the year 1 is how programs write a time that they do not know
		return errors.New("it is outside 1970 to 2199")
	}
	m.Time = at.UTC()
	return nil
}

func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339Nano)
}

// Type is what the help calls the value.
func (m *moment) Type() string { return "TIME" }

func newEventDeploy(s *session) *cobra.Command {
	var d events.Deploy
	var status string
	var started, finished moment
	cmd := eventCommand(s, &cobra.Command{
		Use:   "deploy",
		Short: "Tell that a version was brought into an environment, or that it failed",
		Long: `Tell that a version was brought into an environment, or, with --status, that this began or failed.

--id names the deployment: what is sent with the same one is the same deployment, so send it with --status running
before and with the outcome after. Without --id it is made of the service, the environment, the version and commit, and
of the CI job that this runs in; outside of CI, of the day. Commit, ref, actor and address are those of the CI job
(GitHub Actions, GitLab CI, Jenkins, CircleCI, Buildkite) unless given.`,
	}, func(now time.Time) (cloudevent.Event, error) {
		job := ciJob(os.Getenv)
		job.fill(&d)
		d.Status = event.Status(status)
		d.StartedAt, d.At = started.Time, finished.Time
		if d.ID == "" {
			d.ID = deploymentID(d, job.id, now)
		}
		return events.NewDeployEvent(d, now)
	})
	f := cmd.Flags()
	f.StringVar(&d.Service, "service", "", "`NAME` or ref of the service in the catalog (required)")
	f.StringVar(&d.Environment, "environment", "", "where it was brought: production, staging (required)")
	f.StringVar(&status, "status", string(event.Succeeded), "queued|running|succeeded|failed|cancelled|skipped")
	f.StringVar(&d.ID, "id", "", "name of the deployment")
	f.StringVar(&d.Version, "version", "", "the version")
	f.StringVar(&d.SHA, "sha", "", "the commit")
	f.StringVar(&d.Ref, "ref", "", "the branch or tag")
	f.StringVar(&d.Actor, "actor", "", "login of whoever deployed")
	f.BoolVar(&d.Bot, "bot", false, "the actor is a machine account")
	f.StringVar(&d.Trigger, "trigger", "", "what started it: push, manual, schedule")
	f.StringVar(&d.URL, "url", "", "where people can look at it")
	f.StringVar(&d.RollbackOf, "rollback-of", "", "`ID` of the deployment that it undoes")
	f.BoolVar(&d.Baseline, "baseline", false, "it only records what already ran")
	f.Var(&started, "started-at", "when it began")
	f.Var(&finished, "at", "when it came to this status (default now)")
	return cmd
}

func newEventIncident(s *session) *cobra.Command {
	var i events.IncidentReport
	var moved moment
	cmd := eventCommand(s, &cobra.Command{
		Use:   "incident",
		Short: "Tell that a service is disturbed, or no longer is",
		Long: `Tell that a service is disturbed:

  dxctl event incident --id INC-7 --service payment-service --severity high
  dxctl event incident --id INC-7 --resolved`,
	}, func(now time.Time) (cloudevent.Event, error) {
		i.At = moved.Time
		return events.NewIncidentEvent(i, now)
	})
	f := cmd.Flags()
	f.StringVar(&i.ID, "id", "", "name of the incident (required)")
	f.StringVar(&i.Service, "service", "", "`NAME` or ref of the service in the catalog (required unless --resolved)")
	f.BoolVar(&i.Resolved, "resolved", false, "it is over")
	f.StringVar(&i.Severity, "severity", "", "how bad it is, in your own words")
	f.StringVar(&i.Deployment, "deployment", "", "`ID` of the deployment that caused it")
	f.StringVar(&i.URL, "url", "", "where people can look at it")
	f.Var(&moved, "at", "when it began, or was over (default now)")
	return cmd
}

func newEventFact(s *session) *cobra.Command {
	var f event.Fact
	var value, kind string
	var observed moment
	var fresh time.Duration
	cmd := eventCommand(s, &cobra.Command{
		Use:   "fact",
		Short: "Tell what was observed of a service, for scorecards",
		Long: `Tell what was observed of a service, for rules of scorecards:

  dxctl event fact --entity payment-service --name runbook.reviewed --value true --expires-in 2160h`,
	}, func(now time.Time) (cloudevent.Event, error) {
		f.ObservedAt = observed.Time
		if fresh > 0 {
			f.ExpiresAt = when(observed.Time, now).Add(fresh)
		}
		var err error
		if f.Type, f.Value, err = factValue(value, event.FactType(kind), f.Error != ""); err != nil {
			return cloudevent.Event{}, err
		}
		return events.NewFactEvent(f, now)
	})
	flags := cmd.Flags()
	flags.StringVar(&f.Entity, "entity", "", "`NAME` or ref of the service in the catalog (required)")
	flags.StringVar(&f.Name, "name", "", "dotted name of the fact: runbook.reviewed (required)")
	flags.StringVar(&value, "value", "", "the value: true, 12.5, a text, a time, or a list as JSON")
	flags.StringVar(&kind, "type", "", "bool|number|string|time|list (default: as the value looks)")
	flags.StringVar(&f.Error, "error", "", "why there is no value, in place of one")
	flags.DurationVar(&fresh, "expires-in", 0, "how long the value holds (default: until there is another)")
	flags.StringVar(&f.URL, "url", "", "where people can look at it")
	flags.Var(&observed, "at", "when it was observed (default now)")
	return cmd
}

func when(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t
}

// factValue makes JSON of a value as people write it. A text needs no quotes.
func factValue(text string, kind event.FactType, failed bool) (event.FactType, json.RawMessage, error) {
	if failed {
		return kind, nil, nil
	}
	if text == "" && kind != event.StringFact {
		return "", nil, errors.New("--value is missing: what was observed?")
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return "", nil, fmt.Errorf("--value %q: %w", text, err)
	}
	if kind == "" {
		kind = looksLike(text)
	}
	if kind == event.StringFact || kind == event.TimeFact {
		return kind, quoted, nil
	}
	if !json.Valid([]byte(text)) {
		return "", nil, fmt.Errorf("--value %q is not a %s", text, kind)
	}
	return kind, json.RawMessage(text), nil
}

func looksLike(text string) event.FactType {
	var v any
	if _, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return event.TimeFact
	}
	if json.Unmarshal([]byte(text), &v) != nil {
		return event.StringFact
	}
	switch v.(type) {
	case bool:
		return event.BoolFact
	case float64:
		return event.NumberFact
	case []any:
		return event.ListFact
	}
	return event.StringFact
}

// deploymentID names a deployment that has no name: the same for the same line that runs again in the same CI job or,
// outside of CI, on the same day.
func deploymentID(d events.Deploy, job string, now time.Time) string {
	if job == "" {
		job = when(d.At, now).UTC().Format(time.DateOnly)
	}
	return events.DeterministicID("deployment", d.Service, d.Environment, d.Version, d.SHA, d.RollbackOf, job)
}
