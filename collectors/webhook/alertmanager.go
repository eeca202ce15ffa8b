package webhook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// alertmanager reads the webhook of Alertmanager (version 4), and of what speaks the same, such as Grafana's alerting.
//
// An alert is an incident. Its identity is its fingerprint, which is that of its labels, and when it started: an alert that
// fires again later is another incident. Its scope is what the labels call the service, so that the catalog can bind it.
// Alertmanager's own types are not used: they bring its whole server along for seven fields.
type alertmanager struct {
	*Receiver
	source Source
}

// alertGroup is one notification. What is common to the alerts stands in every alert too.
type alertGroup struct {
	Receiver    string            `json:"receiver"`
	ExternalURL string            `json:"externalURL"`
	Truncated   uint64            `json:"truncatedAlerts"` // how many max_alerts has cut off
	Alerts      []json.RawMessage `json:"alerts"`
}

type alert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	StartsAt     stamp             `json:"startsAt"`
	EndsAt       stamp             `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

func (a alertmanager) parse(d Delivery) ([]Update, Verdict) {
	var group alertGroup
	left, err := decode(d.Body, &group)
	if err != nil {
		return refused("the notification cannot be read: %v", err)
	}
	if group.Alerts == nil {
		return refusedWith(left, "the notification has no alerts; is it a webhook of Alertmanager (version 4)?")
	}
	var updates []Update
	v := Verdict{Outcome: Ignored, Reason: "none of the alerts is an incident", Misfits: left}
	bad := 0
	for i, raw := range group.Alerts {
		u, one := a.alert(d, group, raw)
		if one.ID == "" {
			one.ID = fmt.Sprintf("alerts[%d]", i)
		}
		v.Events = append(v.Events, one)
		switch one.Outcome {
		case Accepted:
			updates = append(updates, u)
		case Refused:
			bad++
		}
	}
	switch {
	case len(updates) > 0:
		v.Outcome, v.Reason = Accepted, ""
	case bad > 0:
		v.Outcome, v.Reason = Refused, v.Events[slices.IndexFunc(v.Events, func(e EventVerdict) bool { return e.Outcome == Refused })].Reason
	case len(v.Events) == 1:
		v.Reason = v.Events[0].Reason
	}
	if group.Truncated > 0 {
		a.opt.Logger.Warn("Alertmanager left alerts out of a notification; set max_alerts of the receiver to 0", "source", a.source.Name, "receiver", group.Receiver, "left_out", group.Truncated)
		v.Reason = strings.TrimPrefix(fmt.Sprintf("%s; %d alerts were left out by max_alerts", v.Reason, group.Truncated), "; ")
	}
	return updates, v
}

// alert reads one alert. A bad one does not cost the others.
func (a alertmanager) alert(d Delivery, group alertGroup, raw json.RawMessage) (Update, EventVerdict) {
	no := func(id string, o Outcome, format string, args ...any) (Update, EventVerdict) {
		return Update{}, EventVerdict{ID: id, Outcome: o, Reason: fmt.Sprintf(format, args...)}
	}
	var in alert
	left, err := decode(raw, &in)
	if err != nil {
		return no("", Refused, "the alert cannot be read: %v", err)
	}
	if reason := left.at("fingerprint", "startsAt", "status"); reason != "" {
		return no(in.Fingerprint, Refused, "%s", reason)
	}
	if in.Fingerprint == "" || in.StartsAt.IsZero() {
		return no(in.Fingerprint, Refused, "the alert %.100q has no fingerprint or no startsAt, which are its identity", in.Labels["alertname"])
	}
	id := in.Fingerprint + "@" + in.StartsAt.Format(time.RFC3339Nano)
	severity := in.Labels[a.source.SeverityLabel]
	if !a.disturbs(severity) {
		return no(id, Ignored, "severity %.60q is no incident", severity)
	}
	var names []string
	for _, label := range a.source.ServiceLabels {
		if name := in.Labels[label]; name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 { // it is kept, and listed as belonging to nothing that is known
		names = []string{cmp.Or(in.Labels["alertname"], "unnamed alert")}
	}
	scope, taken := a.source.scope(names[0])
	if !taken {
		return no(id, Ignored, "%.140s is not among the source's scopes", names[0])
	}
	e := event.Incident{Origin: event.Origin{Source: a.source.Name, Provider: string(Alertmanager), Scope: scope, ID: id,
		URL: link(in.GeneratorURL, group.ExternalURL), Service: a.service(names...)}, Severity: severity, OpenedAt: in.StartsAt.Time}
	moment := in.StartsAt.Time
	switch strings.ToLower(in.Status) {
	case "firing": // endsAt is then when it would be taken as over, or nothing
	case "resolved":
		e.ResolvedAt = latest(at(in.EndsAt.Time, d.ReceivedAt), e.OpenedAt)
		moment = e.ResolvedAt
	default:
		return no(id, Refused, "status %.60q is neither firing nor resolved", in.Status)
	}
	return Update{Event: e, At: moment}, EventVerdict{ID: id, Outcome: Accepted, Misfits: left}
}

// disturbs reports whether alerts of a severity are incidents.
func (a alertmanager) disturbs(severity string) bool {
	is := func(s string) bool { return strings.EqualFold(s, severity) }
	if len(a.source.Severities) > 0 {
		return slices.ContainsFunc(a.source.Severities, is)
	}
	return !slices.ContainsFunc([]string{"none", "info"}, is)
}
