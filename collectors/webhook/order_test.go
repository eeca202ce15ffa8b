package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/events"
	sources "github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// table is what the store would hold: the last row of each identity.
type table map[event.Identity]event.Event

// deliver applies deliveries as one batch, reading and writing rows as the store does.
func (s table) deliver(t *testing.T, r *Receivers, deliveries ...delivery.Delivery) {
	t.Helper()
	var updates []delivery.Update
	for _, d := range deliveries {
		more, v := r.Parse(d)
		if v.Outcome != delivery.Accepted || len(v.Misfits) > 0 {
			t.Fatalf("%s: %+v", d.Body, v)
		}
		updates = append(updates, more...)
	}
	var stored []event.Event
	for _, e := range s {
		stored = append(stored, e)
	}
	k := newRecords(stored)
	for _, u := range updates {
		k.apply(u)
	}
	for _, e := range k.changed() {
		s[e.Identity()] = e
	}
}

func (s table) String() string {
	var rows []string
	for _, e := range s {
		rows = append(rows, fmt.Sprintf("%T %+v", e, e))
	}
	slices.Sort(rows)
	return strings.Join(rows, "\n")
}

// permutations calls f with every order of 0 to n-1.
func permutations(n int, f func([]int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var step func(int)
	step = func(i int) {
		if i == n {
			f(order)
			return
		}
		for j := i; j < n; j++ {
			order[i], order[j] = order[j], order[i]
			step(i + 1)
			order[i], order[j] = order[j], order[i]
		}
	}
	step(0)
}

// happened makes a CDEvent at a minute after ten.
func happened(kind string, minute int, subject, content, custom string) delivery.Delivery {
	data := strings.Replace(
		deliverytest.CDEvent(subject, content, custom),
		"10:00:00Z",
		fmt.Sprintf("10:%02d:00Z", minute),
		1,
	)
	d := deliverytest.Delivery("events", deliverytest.CloudEvent("dev.cdevents."+kind+".0.2.0", data))
	if strings.HasPrefix(kind, "deployment") {
		d.Body = []byte(deliverytest.CloudEvent("dev.cdeventsx.dxctl-"+kind+".0.1.0", data))
	}
	d.Headers["content-type"] = "application/cloudevents+json"
	return d
}

func fact(minute int, value string) delivery.Delivery {
	doc := deliverytest.CloudEvent(events.FactType, `{"entity":"component:default/x","name":"a.b","value":`+value+`}`)
	d := deliverytest.Delivery("events", strings.Replace(doc, "10:00:00Z", fmt.Sprintf("10:%02d:00Z", minute), 1))
	d.Headers["content-type"] = "application/cloudevents+json"
	return d
}

func at10(minute int) string { return fmt.Sprintf("2026-03-01T10:%02d:00Z", minute) }

func mergeRequest(action, state string, minute int, title string, user int) delivery.Delivery {
	return deliverytest.Delivery(
		"gitlab",
		fmt.Sprintf(
			`{"object_kind":"merge_request","project":{"path_with_namespace":"a/b"},"user":{"id":%d,"username":"u%d"},"object_attributes":
{"iid":1,"title":%q,"action":%q,"state":%q,"author_id":1,"created_at":"2026-03-01T10:00:00Z","updated_at":%q,"last_commit":{"id":"c%d"}}}`,
			user,
			user,
			title,
			action,
			state,
			at10(minute),
			minute,
		),
	)
}

func pipelineAt(status string, started, finished int) delivery.Delivery {
	times := fmt.Sprintf(
		`"created_at":"2026-03-01 10:00:00 UTC","started_at":%q`,
		fmt.Sprintf("2026-03-01 10:%02d:00 UTC", started),
	)
	if finished > 0 {
		times += fmt.Sprintf(`,"finished_at":"2026-03-01 10:%02d:00 UTC"`, finished)
	}
	return deliverytest.Delivery(
		"gitlab",
		`{"object_kind":"pipeline","project":{"path_with_namespace":"a/b"},"object_attributes":{"id":1,"status":"`+status+`","ref":"main","source":"push","created_at":"2026-03-01 10:00:00 UTC"},
"builds":[{"id":2,"name":"test","status":"`+status+`",`+times+`}]}`,
	)
}

func alertOf(status string, ends, url string) delivery.Delivery {
	return deliverytest.Delivery(
		"alertmanager",
		`{"alerts":[{"status":"`+status+`","labels":{"service":"pay","severity":"high"},"startsAt":"2026-03-01T10:00:00Z","endsAt":"`+ends+`","generatorURL":"`+url+`","fingerprint":"f"}]}`,
	)
}

// conflicting are deliveries about the same records that say different things, some of them at the same time.
func conflicting() map[string][]delivery.Delivery {
	const toProduction = `{"environment":{"id":"production"},"service":{"id":"pay"}%s}`
	to := func(more string) string { return fmt.Sprintf(toProduction, more) }
	issue := func(action string, minute int, labels, closed string) delivery.Delivery {
		return deliverytest.GitHub(
			"issues",
			action,
			deliverytest.GitHubIssue+`"labels":[`+labels+`],"closed_at":`+closed+`,"updated_at":"`+at10(
				minute,
			)+`"},"label":{"name":"incident"}`,
		)
	}
	pull := func(minute int, title, closed, merged string) delivery.Delivery {
		return deliverytest.GitHub(
			"pull_request",
			"edited",
			strings.Replace(deliverytest.GitHubPull, "Größe", title, 1)+`"updated_at":"`+at10(
				minute,
			)+`","closed_at":`+closed+`,"merged_at":`+merged+`}`,
		)
	}
	run := func(minute int, status, conclusion, branch string) delivery.Delivery {
		rest := strings.NewReplacer(`"main"`, `"`+branch+`"`, "10:05:00", fmt.Sprintf("10:%02d:00", minute)).
			Replace(deliverytest.GitHubRun)
		return deliverytest.GitHub(
			"workflow_run",
			"x",
			rest+`"status":"`+status+`","conclusion":`+conclusion+`,"run_attempt":1}`,
		)
	}
	state := func(state string, minute int) delivery.Delivery {
		return deliverytest.GitHub(
			"deployment_status",
			"created",
			deliverytest.GitHubDeployment+`,"deployment_status":{"state":"`+state+`","created_at":"`+at10(
				minute,
			)+`","log_url":"https://ci.example.com/`+state+`"}`,
		)
	}
	return map[string][]delivery.Delivery{
		"incident of events": {
			happened("incident.detected", 1, "i-1", `{"service":{"id":"pay"}}`, `{"severity":"low"}`),
			happened(
				"incident.reported",
				2,
				"i-1",
				`{"service":{"id":"pay"}}`,
				`{"severity":"high","url":"https://a.example/1"}`,
			),
			happened(
				"incident.reported",
				2,
				"i-1",
				`{"service":{"id":"pay"}}`,
				`{"severity":"critical","url":"https://a.example/2"}`,
			),
			happened("incident.resolved", 3, "i-1", `{}`, `{"deployment":"d-1"}`),
			happened("incident.detected", 4, "i-1", `{"service":{"id":"pay"}}`, `{"severity":"medium"}`),
			happened("incident.resolved", 5, "i-1", `{}`, `{"severity":"low"}`),
		},
		"incident that stays open": {
			happened(
				"incident.detected",
				1,
				"i-1",
				`{}`,
				`{"severity":"low"}`,
			),
			happened("incident.resolved", 3, "i-1", `{}`, `{}`),
			happened(
				"incident.detected",
				6,
				"i-1",
				`{}`,
				`{}`,
			),
			happened("incident.resolved", 2, "i-1", `{}`, `{"severity":"high"}`),
		},
		"deployment of events": {
			happened(
				"deployment.queued",
				1,
				"d-1",
				to(""),
				`{"actor":"ana"}`,
			),
			happened("deployment.started", 2, "d-1", to(""), `{"actor":"ci","bot":true}`),
			happened(
				"deployment.finished",
				3,
				"d-1",
				to(`,"outcome":"failure"`),
				`{"version":"1"}`,
			),
			happened("deployment.finished", 4, "d-1", to(`,"outcome":"success"`), `{"version":"2"}`),
			happened(
				"deployment.finished",
				4,
				"d-1",
				to(`,"outcome":"cancel"`),
				`{"version":"3","baseline":true}`,
			),
			happened("deployment.finished", 6, "d-1", to(`,"outcome":"failure"`), `{}`),
		},
		"run of events": {
			happened(
				"pipelinerun.queued",
				1,
				"r-1",
				`{"pipelineName":"a"}`,
				`{"actor":"x"}`,
			),
			happened("pipelinerun.started", 2, "r-1", `{"pipelineName":"b"}`, `{"created_at":"2026-03-01T10:00:30.5Z"}`),
			happened(
				"pipelinerun.finished",
				3,
				"r-1",
				`{"outcome":"success"}`,
				`{"created_at":"2026-03-01T10:00:30Z"}`,
			),
			happened("pipelinerun.finished", 5, "r-1", `{"outcome":"failure"}`, `{"branch":"main"}`),
			happened("pipelinerun.finished", 4, "r-1", `{"outcome":"success"}`, `{"branch":"dev"}`),
		},
		"job of events": {
			happened(
				"taskrun.queued",
				1,
				"t-1",
				`{"taskName":"a","pipelineRun":{"id":"r-1"}}`,
				`{}`,
			),
			happened("taskrun.started", 2, "t-1", `{"taskName":"b","pipelineRun":{"id":"r-1"}}`, `{"runner":"x"}`),
			happened(
				"taskrun.finished",
				3,
				"t-1",
				`{"pipelineRun":{"id":"r-1"},"outcome":"success"}`,
				`{"runner":"y"}`,
			),
			happened("taskrun.finished", 3, "t-1", `{"pipelineRun":{"id":"r-1"},"outcome":"error"}`, `{}`),
		},
		"change of events": {
			happened(
				"change.created",
				1,
				"7",
				`{"repository":{"id":"acme/shop"}}`,
				`{"title":"a","author":"ana"}`,
			),
			happened("change.updated", 2, "7", `{}`, `{"title":"b","additions":3}`),
			happened(
				"change.reviewed",
				3,
				"7",
				`{}`,
				`{"approved":true,"additions":4}`,
			),
			happened("change.merged", 4, "7", `{}`, `{"merge_sha":"a"}`),
			happened(
				"change.abandoned",
				5,
				"7",
				`{}`,
				`{"title":"c"}`,
			),
			happened("change.merged", 6, "7", `{}`, `{"merge_sha":"b"}`),
		},
		"facts": {fact(1, `true`), fact(2, `1`), fact(2, `2`), fact(0, `"x"`)},
		"GitHub issues": {
			issue("opened", 1, `{"name":"incident"},{"name":"SEV-2"}`, "null"),
			issue("labeled", 2, `{"name":"incident"},{"name":"SEV-1"}`, "null"),
			issue("closed", 3, `{"name":"incident"},{"name":"SEV-1"}`, `"`+at10(3)+`"`),
			issue("reopened", 4, `{"name":"incident"}`, "null"),
			issue("unlabeled", 5, "", "null"),
			issue("labeled", 6, `{"name":"incident"},{"name":"SEV-3"}`, "null"),
		},
		"GitHub changes": {
			pull(1, "a", "null", "null"),
			pull(2, "b", `"`+at10(2)+`"`, "null"),
			pull(3, "c", "null", "null"),
			pull(4, "d", `"`+at10(4)+`"`, `"`+at10(4)+`"`),
			pull(4, "e", `"`+at10(4)+`"`, `"`+at10(4)+`"`),
		},
		"GitHub closed": {
			pull(1, "a", "null", "null"),
			pull(2, "b", `"`+at10(2)+`"`, "null"),
			pull(3, "c", "null", "null"),
			pull(5, "d", `"`+at10(5)+`"`, "null"),
			pull(6, "e", "null", "null"),
		},
		"GitHub runs": {
			run(1, "queued", "null", "a"),
			run(2, "in_progress", "null", "b"),
			run(3, "completed", `"failure"`, "c"),
			run(4, "completed", `"success"`, "d"),
			run(4, "completed", `"cancelled"`, "e"),
		},
		"GitHub deployments": {
			deliverytest.GitHub("deployment", "created", deliverytest.GitHubDeployment),
			state("queued", 1),
			state("in_progress", 2),
			state("failure", 3),
			state("success", 4),
			state("error", 5),
		},
		"GitLab pipelines": {
			pipelineAt("pending", 1, 0),
			pipelineAt("running", 2, 0),
			pipelineAt("failed", 2, 4),
			pipelineAt("success", 1, 5),
			pipelineAt("canceled", 1, 5),
		},
		"GitLab changes": {
			mergeRequest("open", "opened", 1, "a", 1),
			mergeRequest("update", "opened", 2, "b", 1),
			mergeRequest("close", "closed", 3, "c", 2),
			mergeRequest("reopen", "opened", 4, "d", 2),
			mergeRequest("approved", "opened", 5, "e", 2),
			mergeRequest("merge", "merged", 6, "f", 3),
		},
		"CircleCI": {
			deliverytest.Delivery(
				"circleci",
				fmt.Sprintf(deliverytest.CircleDelivery, "workflow-completed", "w-1", "failed", ""),
			),
			deliverytest.Delivery(
				"circleci",
				fmt.Sprintf(deliverytest.CircleDelivery, "workflow-completed", "w-1", "success", ""),
			),
			deliverytest.Delivery(
				"circleci",
				fmt.Sprintf(
					deliverytest.CircleDelivery,
					"job-completed",
					"w-1",
					"",
					`,"job":{"id":"j-1","number":7,"name":"test","status":"success","started_at":"2026-03-01T10:01:00Z","stopped_at":"2026-03-01T10:02:00Z"}`,
				),
			),
			deliverytest.Delivery(
				"circleci",
				fmt.Sprintf(
					deliverytest.CircleDelivery,
					"job-completed",
					"w-1",
					"",
					`,"job":{"id":"j-1","number":7,"name":"test","status":"failed","started_at":"2026-03-01T10:00:30Z","stopped_at":"2026-03-01T10:03:00Z"}`,
				),
			),
		},
		"Argo CD": {
			deliverytest.Delivery(
				"argocd",
				deliverytest.ArgoNotification(deliverytest.ArgoSync("Running", `{"username":"ana"}`, deliverytest.CommitA, "")),
			),
			deliverytest.Delivery(
				"argocd",
				deliverytest.ArgoNotification(deliverytest.ArgoSync("Succeeded", `{"username":"ben"}`, deliverytest.CommitA, "")),
			),
			deliverytest.Delivery(
				"argocd",
				deliverytest.ArgoNotification(deliverytest.ArgoSync("Failed", `{"username":"cem"}`, deliverytest.CommitA, "")),
			),
		},
		"Alertmanager": {
			alertOf("firing", "0001-01-01T00:00:00Z", "https://a.example/1"),
			alertOf("resolved", at10(3), "https://b.example/2"),
			alertOf("firing", "0001-01-01T00:00:00Z", "https://c.example/3"),
			alertOf("resolved", at10(4), ""),
			alertOf("resolved", at10(3), "https://d.example/4"),
		},
	}
}

// TestNoOutcomeDependsOnTheOrder applies conflicting deliveries in every order, one by one, with one of them replayed
// in the end, and compares all that is stored.
func TestNoOutcomeDependsOnTheOrder(t *testing.T) {
	for name, deliveries := range conflicting() {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, testSource(receiverOf(t, deliveries[0].Kind)))
			want := table{}
			want.deliver(t, r, deliveries...)
			failures := 0
			permutations(len(deliveries), func(order []int) {
				got := table{}
				for _, i := range order {
					got.deliver(t, r, deliveries[i])
				}
				got.deliver(t, r, deliveries[order[0]])
				if got.String() != want.String() && failures < 3 {
					failures++
					t.Errorf("in the order %v\n%s\nin their own\n%s", order, got, want)
				}
			})
		})
	}
}

// TestLatestSeverityCounts: the rule by which conflicting values are decided.
func TestLatestSeverityCounts(t *testing.T) {
	r := newReceiver(t, testSource(events.Receiver{Facts: sources.Names("a.*")}))
	low, high := happened(
		"incident.detected",
		1,
		"i-1",
		`{}`,
		`{"severity":"low"}`,
	), happened(
		"incident.reported",
		2,
		"i-1",
		`{}`,
		`{"severity":"high"}`,
	)
	for _, order := range [][]delivery.Delivery{{low, high}, {high, low}, {high, low, high, low}} {
		got := table{}
		for _, d := range order {
			got.deliver(t, r, d)
		}
		for _, e := range got {
			if i := e.(event.Incident); i.Severity != "high" || i.OpenedAt.Minute() != 1 {
				t.Errorf("%+v", i)
			}
		}
	}
}

// TestStoredByACollector: what a collector stored counts as of the latest time that it shows, and is not lost.
func TestStoredByACollector(t *testing.T) {
	r := newReceiver(t, testSource(events.Receiver{Facts: sources.Names("a.*")}))
	seen := table{}
	seen.deliver(t, r, happened("incident.detected", 3, "i-1", `{}`, `{"severity":"high"}`))
	for id, e := range seen {
		i := e.(event.Incident)
		i.MergeState = ""
		seen[id] = i
	}
	seen.deliver(t, r, happened("incident.reported", 1, "i-1", `{}`, `{"severity":"low","url":"https://a.example"}`))
	for _, e := range seen {
		if i := e.(event.Incident); i.Severity != "high" || i.URL == "" {
			t.Errorf("an older report replaces what was collected: %+v", i)
		}
	}
	var s mergeState
	for _, e := range seen {
		if err := json.Unmarshal([]byte(e.(event.Incident).MergeState), &s); err != nil {
			t.Fatal(err)
		}
	}
}

// An incident that is over at a time that nobody knows is neither open nor over since it was said, in whatever order it
// arrives.
func TestAnIncidentThatIsOverAtAnUnknownTime(t *testing.T) {
	ten := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	told := func(minutes int, e event.Incident) delivery.Update {
		e.Origin = event.Origin{Source: "am", Provider: "alertmanager", Scope: "shop", ID: "7"}
		return delivery.Update{Event: e, At: ten.Add(time.Duration(minutes) * time.Minute), Full: true}
	}
	opened := told(0, event.Incident{OpenedAt: ten})
	over := told(10, event.Incident{OpenedAt: ten, EndUnknown: true})
	again := told(20, event.Incident{OpenedAt: ten})
	done := told(30, event.Incident{OpenedAt: ten, ResolvedAt: ten.Add(30 * time.Minute)})
	for _, tt := range []struct {
		name     string
		updates  []delivery.Update
		resolved bool
		unknown  bool
	}{
		{"over", []delivery.Update{opened, over}, true, true},
		{"over, as was said before", []delivery.Update{over, opened}, true, true},
		{"opened again", []delivery.Update{opened, over, again}, false, false},
		{"opened again, as was said before", []delivery.Update{again, opened, over}, false, false},
		{"over at a known time", []delivery.Update{over, done, again}, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e event.Event
			for _, u := range tt.updates {
				e = fold(e, u)
			}
			if got := e.(event.Incident); got.Resolved() != tt.resolved || got.EndUnknown != tt.unknown {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// A change that ended at a time that nobody knows is not open, in whatever order that arrives; a merge is not undone.
func TestAChangeThatEndedAtAnUnknownTime(t *testing.T) {
	ten := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	told := func(minutes int, e event.Change) delivery.Update {
		e.Origin, e.CreatedAt = event.Origin{Source: "gl", Provider: "gitlab", Scope: "shop", ID: "7"}, ten
		return delivery.Update{Event: e, At: ten.Add(time.Duration(minutes) * time.Minute), Full: true}
	}
	at := ten.Add(15 * time.Minute)
	opened, again := told(0, event.Change{}), told(20, event.Change{})
	closed := told(10, event.Change{EndUnknown: event.ClosedChange})
	merged := told(10, event.Change{EndUnknown: event.MergedChange})
	timed := told(15, event.Change{MergedAt: at, ClosedAt: at})
	for _, tt := range []struct {
		name    string
		updates []delivery.Update
		state   string
		unknown string
	}{
		{"closed", []delivery.Update{opened, closed}, event.ClosedChange, event.ClosedChange},
		{"opened again", []delivery.Update{opened, closed, again}, event.OpenChange, ""},
		{"merged", []delivery.Update{opened, merged}, event.MergedChange, event.MergedChange},
		{"merged for good", []delivery.Update{merged, again}, event.MergedChange, event.MergedChange},
		{"merged at a known time", []delivery.Update{opened, merged, timed}, event.MergedChange, ""},
	} {
		for _, updates := range [][]delivery.Update{tt.updates, reversed(tt.updates)} {
			var e event.Event
			for _, u := range updates {
				e = fold(e, u)
			}
			if got := e.(event.Change); got.State() != tt.state || got.EndUnknown != tt.unknown {
				t.Errorf("%s: got %s, %q", tt.name, got.State(), got.EndUnknown)
			}
		}
	}
}

func reversed(updates []delivery.Update) []delivery.Update {
	updates = slices.Clone(updates)
	slices.Reverse(updates)
	return updates
}
