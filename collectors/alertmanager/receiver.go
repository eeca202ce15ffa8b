// Package alertmanager receives the webhook of Alertmanager (version 4), and of senders of the same format such as
// Grafana's alerting.
//
// An alert is an incident. Its identity is its fingerprint, which is that of its labels, and when it started: an alert
// that fires again later is another incident. Its scope is the service as the labels name it, so that the catalog can
// bind it. Alertmanager's own types are not used: they depend on its whole server for seven fields.
package alertmanager

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = "alertmanager"

// Config is one Alertmanager, which sends its notifications.
type Config struct {
	Secret   string   `yaml:"secret"`          // the bearer token that Alertmanager sends
	Previous string   `yaml:"previous_secret"` // accepted too, while the secret is being changed
	Scopes   []string `yaml:"scopes"`          // only alerts of these services, as the labels name them; empty: all
	// the labels that may name the service, in order; default service, app, job
	ServiceLabels []string `yaml:"service_labels"`
	SeverityLabel string   `yaml:"severity_label"` // default severity
	// Severities are the severities that are incidents; empty: every one except none and info.
	Severities []string `yaml:"severities"`
}

// Validate reports every mistake. The secrets are checked where the source is received.
func (c Config) Validate() error { return nil }

// Receiver reads the notifications of Alertmanager.
type Receiver struct{ Config Config }

// Protocol returns how Alertmanager sends notifications.
func (Receiver) Protocol() delivery.Protocol {
	return delivery.Protocol{
		Kind:         Provider,
		Sign:         delivery.Bearer,
		Unauthorized: delivery.BearerMissing,
		Unsupported:  delivery.JSON,
		Headers:      []string{"content-type"},
	}
}

// Parse reads one notification.
func (r Receiver) Parse(s delivery.Source, d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	c := r.Config
	c.SeverityLabel = cmp.Or(c.SeverityLabel, "severity")
	if len(c.ServiceLabels) == 0 {
		c.ServiceLabels = []string{"service", "app", "job"}
	}
	return reading{c, s}.parse(d)
}

// reading is the reading of one notification.
type reading struct {
	Config
	delivery.Source
}

// alertGroup is one notification. Each alert repeats the fields that all of them share.
type alertGroup struct {
	Receiver    string            `json:"receiver"`
	ExternalURL string            `json:"externalURL"`
	Truncated   uint64            `json:"truncatedAlerts"` // how many max_alerts has cut off
	Alerts      []json.RawMessage `json:"alerts"`
}

type alert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	StartsAt     delivery.Stamp    `json:"startsAt"`
	EndsAt       delivery.Stamp    `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

func (r reading) parse(d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	var group alertGroup
	left, err := delivery.Decode(d.Body, &group)
	if err != nil {
		return delivery.Refuse("the notification cannot be read: %v", err)
	}
	if group.Alerts == nil {
		return delivery.RefuseWith(left, "the notification has no alerts; is it a webhook of Alertmanager (version 4)?")
	}
	var updates []delivery.Update
	v := delivery.Verdict{Outcome: delivery.Ignored, Reason: "none of the alerts is an incident", Misfits: left}
	bad := 0
	for i, raw := range group.Alerts {
		u, one := r.alert(d, group, raw)
		if one.ID == "" {
			one.ID = fmt.Sprintf("alerts[%d]", i)
		}
		v.Events = append(v.Events, one)
		switch one.Outcome {
		case delivery.Accepted:
			updates = append(updates, u)
		case delivery.Refused:
			bad++
		}
	}
	switch {
	case len(updates) > 0:
		v.Outcome, v.Reason = delivery.Accepted, ""
	case bad > 0:
		v.Outcome = delivery.Refused
		refused := func(e delivery.EventVerdict) bool { return e.Outcome == delivery.Refused }
		v.Reason = v.Events[slices.IndexFunc(v.Events, refused)].Reason
	case len(v.Events) == 1:
		v.Reason = v.Events[0].Reason
	}
	if group.Truncated > 0 {
		r.Logger.Warn(
			"notification of Alertmanager is incomplete; set max_alerts of its receiver to 0",
			"source",
			r.Name,
			"receiver",
			group.Receiver,
			"left_out",
			group.Truncated,
		)
		v.Reason = strings.TrimPrefix(
			fmt.Sprintf("%s; %d alerts were left out by max_alerts", v.Reason, group.Truncated),
			"; ",
		)
	}
	return updates, v
}

// alert reads one alert. A bad one does not cost the others.
func (r reading) alert(
	d delivery.Delivery,
	group alertGroup,
	raw json.RawMessage,
) (delivery.Update, delivery.EventVerdict) {
	no := func(id string, o delivery.Outcome, format string, args ...any) (delivery.Update, delivery.EventVerdict) {
		return delivery.Update{}, delivery.EventVerdict{ID: id, Outcome: o, Reason: fmt.Sprintf(format, args...)}
	}
	var in alert
	left, err := delivery.Decode(raw, &in)
	if err != nil {
		return no("", delivery.Refused, "the alert cannot be read: %v", err)
	}
	if reason := left.At("fingerprint", "startsAt", "status"); reason != "" {
		return no(in.Fingerprint, delivery.Refused, "%s", reason)
	}
	if in.Fingerprint == "" || in.StartsAt.IsZero() {
		return no(in.Fingerprint, delivery.Refused, "the alert %.100q has no fingerprint or no startsAt, which are its "+
			"identity", in.Labels["alertname"])
	}
	id := in.Fingerprint + "@" + in.StartsAt.Format(time.RFC3339Nano)
	severity := in.Labels[r.SeverityLabel]
	if !r.isIncident(severity) {
		return no(id, delivery.Ignored, "severity %.60q is no incident", severity)
	}
	var names []string
	for _, label := range r.ServiceLabels {
		if name := in.Labels[label]; name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 { // it is kept, and listed as belonging to nothing that is known
		names = []string{cmp.Or(in.Labels["alertname"], "unnamed alert")}
	}
	scope, taken := r.Scope(names[0])
	if !taken {
		return no(id, delivery.Ignored, "%.140s is not among the source's scopes", names[0])
	}
	e := event.Incident{Origin: event.Origin{
		Source:   r.Name,
		Provider: Provider,
		Scope:    scope,
		ID:       id,
		URL:      delivery.Link(in.GeneratorURL, group.ExternalURL),
		Service:  r.Service(names...),
	}, Severity: severity, OpenedAt: in.StartsAt.Time}
	moment := in.StartsAt.Time
	switch strings.ToLower(in.Status) {
	case "firing": // endsAt is then when it would be taken as over, or nothing
	case "resolved":
		e.ResolvedAt = delivery.Latest(delivery.FirstKnown(in.EndsAt.Time, d.ReceivedAt), e.OpenedAt)
		moment = e.ResolvedAt
	default:
		return no(id, delivery.Refused, "status %.60q is neither firing nor resolved", in.Status)
	}
	return delivery.Update{Event: e, At: moment}, delivery.EventVerdict{ID: id, Outcome: delivery.Accepted, Misfits: left}
}

// isIncident reports whether alerts of a severity are incidents.
func (r reading) isIncident(severity string) bool {
	is := func(s string) bool { return strings.EqualFold(s, severity) }
	if len(r.Severities) > 0 {
		return slices.ContainsFunc(r.Severities, is)
	}
	return !slices.ContainsFunc([]string{"none", "info"}, is)
}
