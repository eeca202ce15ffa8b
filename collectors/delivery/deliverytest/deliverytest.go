// Package deliverytest has sample deliveries of every sender, for tests.
package deliverytest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// Instant reads a time in RFC 3339.
func Instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// ReceivedAt is when a [Delivery] was received.
var ReceivedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Delivery returns a delivery of a kind from the source gh.
func Delivery(k string, body string) delivery.Delivery {
	return delivery.Delivery{
		Source:     "gh",
		Kind:       k,
		ReceivedAt: ReceivedAt,
		Headers:    map[string]string{"content-type": "application/json"},
		Body:       []byte(body),
	}
}

// Events returns the events of updates.
func Events(t testing.TB, updates []delivery.Update) []event.Event {
	t.Helper()
	events := make([]event.Event, len(updates))
	for i, u := range updates {
		events[i] = u.Event
	}
	return events
}

// GitLabPipeline is a pipeline hook of GitLab in which %STATUS% stands for the status.
const GitLabPipeline = `{"object_kind":"pipeline","user":{"id":1,"username":"root"},"project":{"id":5,"path_with_namespace":"shop/pay","web_url":"https://gl.example.com/shop/pay"},
"object_attributes":{"id":31,"name":null,"ref":"main","tag":false,"sha":"bcbb5ec396a2c0f828686f14fac9b80b780504f2","source":"push","status":"%STATUS%",
"created_at":"2026-03-01 10:00:00 UTC","finished_at":"2026-03-01 10:09:00 UTC","duration":540},
"builds":[{"id":381,"stage":"test","name":"rspec","status":"success","created_at":"2026-03-01 10:00:00 UTC","started_at":"2026-03-01 10:02:00 UTC","finished_at":"2026-03-01 10:08:00 UTC",
"queued_duration":30.5,"user":{"id":2,"username":"project_5_bot_ab"},"runner":{"id":1,"description":"shared","tags":["linux","docker"]}},
{"id":380,"stage":"lint","name":"lint","status":"failed","created_at":"2026-03-01 10:00:00 UTC","started_at":null,"finished_at":"2026-03-01 10:08:30 UTC","user":{"id":3,"username":"ana"},"runner":null}]}`

// Alerts is a notification of Alertmanager with good and odd alerts.
const Alerts = `{"version":"4","receiver":"dx","status":"firing","externalURL":"https://am.example.com","truncatedAlerts":0,"alerts":[
{"status":"firing","labels":{"alertname":"Down","service":"pay","severity":"critical"},"startsAt":"2026-03-01T10:00:00.123Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"https://prom.example.com/g","fingerprint":"aaa"},
{"status":"resolved","labels":{"alertname":"Slow","job":"Größe"},"startsAt":"2026-03-01T09:00:00Z","endsAt":"2026-03-01T09:30:00Z","fingerprint":"bbb"},
{"status":"firing","labels":{"alertname":"Watchdog","severity":"none"},"startsAt":"2026-03-01T09:00:00Z","fingerprint":"ccc"},
{"status":"firing","labels":{"alertname":"Odd","severity":"page"},"startsAt":"yesterday","fingerprint":"ddd"},
{"status":"firing","labels":{"alertname":"Nameless","severity":"page"},"startsAt":"2026-03-01T09:00:00Z","fingerprint":"eee"},
{"status":"pending","labels":{"alertname":"Odd"},"startsAt":"2026-03-01T09:00:00Z","fingerprint":"fff"}]}`

// Commits, and the source of an application that is synced to them.
const (
	CommitA    = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	CommitB    = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	ArgoSource = `{"repoURL":"https://git.example.com/m","targetRevision":"main","path":"pay"}`
)

// ArgoNotification is what the template sends: two syncs in the history, of commit A and then B, and the latest
// operation.
func ArgoNotification(operation string) string {
	return fmt.Sprintf(
		`{"metadata":{"name":"pay","namespace":"argocd","labels":{"env":"production"}},"spec":{"source":%[1]s,"destination":{"namespace":"shop"}},
"status":{"history":[{"id":2,"revision":"%[3]s","source":%[1]s,"deployStartedAt":"2026-03-01T09:00:00Z","deployedAt":"2026-03-01T09:01:00Z"},
{"id":1,"revision":"%[2]s","source":%[1]s,"deployStartedAt":"2026-03-01T08:00:00Z","deployedAt":"2026-03-01T08:01:00Z"}],"operationState":%[4]s}}`,
		ArgoSource,
		CommitA,
		CommitB,
		operation,
	)
}

// ArgoSync is an operation of Argo CD in a phase, started by somebody, at a commit.
func ArgoSync(phase, by, commit, more string) string {
	return fmt.Sprintf(
		`{"phase":%q,"startedAt":"2026-03-01T10:00:00Z","finishedAt":"2026-03-01T10:02:00Z","operation":{"initiatedBy":%s,"sync":{"revision":%q%s}},"syncResult":{"revision":%[3]q,"source":%[5]s}}`,
		phase,
		by,
		commit,
		more,
		ArgoSource,
	)
}

// CircleDelivery is the format of a webhook of CircleCI: its type, the workflow's id and status, and further keys.
const CircleDelivery = `{"type":%q,"id":"e-1","happened_at":"2026-03-01T10:10:00Z","project":{"id":"p","name":"shop","slug":"gh/acme/shop"},
"workflow":{"id":%q,"name":"build","status":%q,"created_at":"2026-03-01T10:00:00Z","stopped_at":"2026-03-01T10:09:00.5Z"},
"pipeline":{"id":"q","number":12,"created_at":"2026-03-01T09:59:00Z","trigger":{"type":"webhook"},"vcs":{"branch":"main","revision":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}%s}`

// CloudEvent is a structured CloudEvent of a type with data.
func CloudEvent(kind, data string) string {
	return fmt.Sprintf(
		`{"specversion":"1.0","id":"e-1","source":"/ci","type":%q,"time":"2026-03-01T10:00:00Z","datacontenttype":"application/json","data":%s}`,
		kind,
		data,
	)
}

// CDEvent is the data of a CDEvent.
func CDEvent(subject, content, custom string) string {
	return fmt.Sprintf(
		`{"context":{"version":"0.4.1","id":"e-1","source":"/ci","timestamp":"2026-03-01T10:00:00Z"},"subject":{"id":%q,"source":"/ci/here","content":%s},"customData":%s}`,
		subject,
		content,
		custom,
	)
}

// Repository is the repository of a webhook of GitHub.
const Repository = `"repository":{"full_name":"acme/shop","html_url":"https://github.example.com/acme/shop","default_branch":"main"}`

// GitHub is a delivery of GitHub, of the repository acme/shop unless it says another.
func GitHub(kind, action, rest string) delivery.Delivery {
	body := `{"action":"` + action + `"`
	if !strings.Contains(rest, `"repository"`) {
		body += "," + Repository
	}
	if rest != "" {
		body += "," + rest
	}
	return delivery.Delivery{
		Source:  "gh",
		Kind:    "github",
		Headers: map[string]string{"x-github-event": kind, "content-type": "application/json"},
		Body:    []byte(body + "}"),
	}
}

// Clock is a time on the day of the samples, in UTC.
func Clock(hhmmss string) time.Time {
	t, err := time.Parse(time.DateTime, "2026-03-01 "+hhmmss)
	if err != nil {
		panic(err)
	}
	return t
}

// Secret is a secret that is long enough.
const Secret = "a secret of some length"
