package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/cmd/dxctl/send"
	"github.com/dxctl/dxctl/collectors/events"
	"github.com/dxctl/dxctl/event"
)

func newEvent(s *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "event",
		Short: "Send a deployment, an incident or a fact to a dxctl server",
		Long: `Send a deployment, an incident or a fact to a dxctl server, for example as the last line of a script.

Each event is a CloudEvent; deployments and incidents are CDEvents. --print shows the event and sends nothing. Sending
the same event again changes nothing. $DXCTL_SERVER is the address of the server, and $DXCTL_TOKEN is the secret of its
source of kind events.`,
		Example: `  dxctl event deploy --service payment-service --environment production --version v1.2.3 --best-effort`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEventDeploy(s), newEventIncident(s), newEventFact(s))
	return cmd
}

// eventCommand adds to cmd what all commands share that build an event and send it.
func eventCommand(s *cli, cmd *cobra.Command, build func(now time.Time) (cloudevent.Event, error)) *cobra.Command {
	var to sending
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return to.failed(to.run(cmd.Context(), s, build))
	}
	to.flags(cmd.Flags())
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return to.failed(err) })
	return cmd
}

// sending holds the flags that determine where and how an event is sent.
type sending struct {
	server, token string
	timeout       time.Duration
	retries       int
	bestEffort    bool
	print         bool
}

func (to *sending) flags(f *pflag.FlagSet) {
	f.StringVar(&to.server, "server", "", "`ADDRESS` of the server (default $DXCTL_SERVER, "+send.DefaultServer+")")
	f.StringVar(&to.token, "token", "", "secret of the server's source of kind events (default $DXCTL_TOKEN, which "+
		"does not show in the process list)")
	f.DurationVar(&to.timeout, "timeout", 5*time.Second, "longest duration of one attempt")
	f.IntVar(&to.retries, "retries", 3, "number of retries if the server cannot be reached or is busy")
	f.BoolVar(&to.bestEffort, "best-effort", false, "if the event cannot be sent, print the error and exit with 0")
	f.BoolVar(&to.print, "print", false, "print the CloudEvent and send nothing")
}

// failed returns the error of the command. With --best-effort, the error is printed and the exit code is 0. For a
// mistake in the flags, this requires --best-effort to come before it.
func (to *sending) failed(err error) error {
	if err == nil || !to.bestEffort {
		return err
	}
	return exit.With(exit.OK, fmt.Errorf("event not sent: %w", err))
}

// run builds the event, sends it and prints the outcome.
func (to *sending) run(ctx context.Context, s *cli, build func(now time.Time) (cloudevent.Event, error)) error {
	e, err := build(s.now().UTC())
	if err != nil {
		return err
	}
	doc, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding the event: %w", err)
	}
	if to.print {
		_, err := fmt.Fprintln(s.out, string(doc))
		return err
	}
	answer, err := send.Event(ctx, doc, to.options())
	if err != nil {
		return err
	}
	ignored := make([]string, len(answer.Misfits))
	for i, m := range answer.Misfits {
		ignored[i] = m.String()
	}
	return output.Table{
		Columns: []string{"outcome", "type", "id", "reason", "ignored_fields"},
		Rows: [][]string{
			{string(answer.Outcome), e.Type(), e.ID(), answer.Reason, strings.Join(ignored, "; ")},
		},
	}.Print(s.out, s.output)
}

// options returns where and how to send, with the defaults of the environment.
func (to *sending) options() send.Options {
	return send.Options{
		Server:  cmp.Or(to.server, os.Getenv("DXCTL_SERVER"), send.DefaultServer),
		Token:   cmp.Or(to.token, os.Getenv("DXCTL_TOKEN")),
		Timeout: to.timeout,
		Retries: to.retries,
		Version: versionString(),
	}
}

// moment is the value of a flag that takes a time.
type moment struct{ time.Time }

// Set parses an RFC 3339 time.
func (m *moment) Set(text string) error {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return errors.New("use the format 2026-01-31T12:00:00Z")
	}
	if at.IsZero() || !event.ValidTime(at) { // programs write an unknown time as the year 1
		return errors.New("the year must be between 1970 and 2199")
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

// Type returns the placeholder of the value in help texts.
func (m *moment) Type() string { return "TIME" }

func newEventDeploy(s *cli) *cobra.Command {
	var d events.Deploy
	var status string
	var started, finished moment
	cmd := eventCommand(s, &cobra.Command{
		Use:   "deploy",
		Short: "Report a deployment: its start, its success or its failure",
		Long: `Report that a deployment succeeded or, with --status, that it started or failed.

--id identifies the deployment: events with the same ID update the same deployment, so send one with --status running
before it and one with the outcome after it. Without --id, the ID is derived from the service, the environment, the
version, the commit and the current CI job; outside of CI, the date replaces the job. In a CI job (GitHub Actions,
GitLab CI, Jenkins, CircleCI, Buildkite), the commit, ref, actor and URL default to those of the job.`,
		Example: `  dxctl event deploy --service payment-service --environment production --version v1.2.3 --status running
  dxctl event deploy --service payment-service --environment production --version v1.2.3`,
	}, func(now time.Time) (cloudevent.Event, error) {
		job := send.CurrentJob(os.Getenv)
		job.Fill(&d)
		d.Status = event.Status(status)
		d.StartedAt, d.At = started.Time, finished.Time
		if d.ID == "" {
			d.ID = deploymentID(d, job.ID, now)
		}
		return events.NewDeployEvent(d, now)
	})
	f := cmd.Flags()
	f.StringVar(&d.Service, "service", "", "`NAME` or ref of the service in the catalog (required)")
	f.StringVar(&d.Environment, "environment", "", "target environment: production, staging (required)")
	f.StringVar(&status, "status", string(event.Succeeded), "`STATUS` of the deployment: "+
		"queued|running|succeeded|failed|cancelled|skipped")
	f.StringVar(&d.ID, "id", "", "`ID` of the deployment (default: derived from the service, environment, version, "+
		"commit and CI job)")
	f.StringVar(&d.Version, "version", "", "deployed version")
	f.StringVar(&d.SHA, "sha", "", "deployed commit")
	f.StringVar(&d.Ref, "ref", "", "deployed branch or tag")
	f.StringVar(&d.Actor, "actor", "", "login of the person or account that deployed")
	f.BoolVar(&d.Bot, "bot", false, "the actor is a bot account")
	f.StringVar(&d.Trigger, "trigger", "", "cause of the deployment: push, manual, schedule")
	f.StringVar(&d.URL, "url", "", "web page of the deployment")
	f.StringVar(&d.RollbackOf, "rollback-of", "", "`ID` of the deployment that this one rolls back")
	f.BoolVar(&d.Baseline, "baseline", false, "the version was already running: record it without counting a deployment")
	f.Var(&started, "started-at", "when the deployment started")
	f.Var(&finished, "at", "when the deployment reached this status (default now)")
	return cmd
}

func newEventIncident(s *cli) *cobra.Command {
	var i events.IncidentReport
	var moved moment
	cmd := eventCommand(s, &cobra.Command{
		Use:   "incident",
		Short: "Report that an incident was opened or resolved",
		Long:  "Report that an incident was opened or, with --resolved, that it was resolved.",
		Example: `  dxctl event incident --id INC-7 --service payment-service --severity high
  dxctl event incident --id INC-7 --resolved`,
	}, func(now time.Time) (cloudevent.Event, error) {
		i.At = moved.Time
		return events.NewIncidentEvent(i, now)
	})
	f := cmd.Flags()
	f.StringVar(&i.ID, "id", "", "`ID` of the incident (required)")
	f.StringVar(&i.Service, "service", "", "`NAME` or ref of the service in the catalog (required unless --resolved)")
	f.BoolVar(&i.Resolved, "resolved", false, "the incident is resolved")
	f.StringVar(&i.Severity, "severity", "", "severity of the incident, in your own terms")
	f.StringVar(&i.Deployment, "deployment", "", "`ID` of the deployment that caused the incident")
	f.StringVar(&i.URL, "url", "", "web page of the incident")
	f.Var(&moved, "at", "when the incident was opened or resolved (default now)")
	return cmd
}

func when(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t
}

// deploymentID returns the ID of a deployment without --id: the same for the same command line in the same CI job or,
// outside of CI, on the same day.
func deploymentID(d events.Deploy, job string, now time.Time) string {
	if job == "" {
		job = when(d.At, now).UTC().Format(time.DateOnly)
	}
	return events.DeterministicID("deployment", d.Service, d.Environment, d.Version, d.SHA, d.RollbackOf, job)
}
