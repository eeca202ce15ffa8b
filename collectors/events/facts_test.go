package events

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/event"
)

// factReceiver knows the service pay by its name.
func factReceiver(t testing.TB, names ...string) *webhook.Receivers {
	t.Helper()
	r, err := webhook.NewReceivers(
		[]webhook.Source{{Name: "gh", Receiver: Receiver{Facts: source.Names(names...)}, Secret: deliverytest.Secret}},
		webhook.Options{Service: func(name string) (string, bool) {
			const ref = "component:default/pay"
			return ref, name == "pay" || name == ref
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func parseFacts(t testing.TB, media, body string) ([]delivery.Update, delivery.Verdict) {
	t.Helper()
	d := deliverytest.Delivery(Kind, body)
	d.Headers["content-type"] = media
	return factReceiver(t, "security.*", "runbook.reviewed").Parse(d)
}

func TestFactsOfEveryType(t *testing.T) {
	updates, v := parseFacts(t, "application/json; charset=utf-8", `[
{"service":"pay","name":"security.a","value":true},
{"entity":"component:default/pay","name":"security.b","value":-1.5e3,"expires_in":"90d","url":"https://x.example/1"},
{"entity":"pay","name":"security.c","value":"größer","observed_at":"2026-03-01T10:00:00Z","expires_at":"2026-03-02T10:00:00Z"},
{"entity":"pay","name":"security.d","type":"time","value":"2026-03-01T10:00:00Z"},
{"entity":"pay","name":"security.e","value":[]},
{"entity":"pay","name":"security.f","value":["a","b"]},
{"entity":"pay","name":"runbook.reviewed","error":"the wiki did not answer","type":"bool"}]`)
	if v.Outcome != delivery.Accepted || v.Reason != "" || len(v.Events) != 7 {
		t.Fatalf("%+v", v)
	}
	var got []string
	for i, e := range deliverytest.Events(t, updates) {
		f := e.(event.Fact)
		if f.Source != "gh" || f.Entity != "component:default/pay" || v.Events[i].Index != i {
			t.Errorf("%+v, %+v", f, v.Events[i])
		}
		got = append(got, fmt.Sprint(f.Name, " ", f.Type, " ", string(f.Value), f.Error, " ", f.ObservedAt.Format("02T15"), " ",
			f.ExpiresAt.Format("2006-01-02"), f.URL))
	}
	want := []string{
		"security.a bool true 01T12 0001-01-01",
		"security.b number -1.5e3 01T12 2026-05-30https://x.example/1",
		`security.c string "größer" 01T10 2026-03-02`,
		`security.d time "2026-03-01T10:00:00Z" 01T12 0001-01-01`,
		"security.e list [] 01T12 0001-01-01",
		`security.f list ["a","b"] 01T12 0001-01-01`,
		"runbook.reviewed bool the wiki did not answer 01T12 0001-01-01",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestRefusedFacts sends each between two good ones, which are stored.
func TestRefusedFacts(t *testing.T) {
	const good = `{"entity":"pay","name":"security.a","value":1}`
	large := strings.Repeat("x", event.MaxValue)
	for doc, want := range map[string]string{
		`{"name":"security.a","value":1}`:                                                     "names no entity",
		`{"entity":"pay","service":"other","name":"a.b","value":1}`:                           "give one of them",
		`{"entity":"shop","name":"security.a","value":1}`:                                     "the catalog has no component:default/shop",
		`{"entity":"::","name":"security.a","value":1}`:                                       "::",
		`{"entity":7,"name":"security.a","value":1}`:                                          "entity: it is the number 7, not a text",
		`{"entity":"pay","value":1}`:                                                          "not the name of a fact",
		`{"entity":"pay","name":"security","value":1}`:                                        "not the name of a fact",
		`{"entity":"pay","name":"repository.language","value":"Go"}`:                          "may not report the fact repository.language",
		`{"entity":"pay","name":"runbook.reviewed_at","value":1}`:                             "in dx.yaml its facts are security.*, runbook.reviewed",
		`{"entity":"pay","name":"security.a"}`:                                                "neither a value nor an error",
		`{"entity":"pay","name":"security.a","value":null}`:                                   "neither a value nor an error",
		`{"entity":"pay","name":"security.a","value":1,"error":"no"}`:                         "both a value and an error",
		`{"entity":"pay","name":"security.a","value":{"b":1}}`:                                "it must be true or false, a number",
		`{"entity":"pay","name":"security.a","value":[1]}`:                                    "not a list",
		`{"entity":"pay","name":"security.a","type":"bool","value":1}`:                        "not a bool",
		`{"entity":"pay","name":"security.a","type":"int","value":1}`:                         "use bool, number, string, time or list",
		`{"entity":"pay","name":"security.a","type":"time","value":1}`:                        "not a time",
		`{"entity":"pay","name":"security.a","value":"` + large + `"}`:                        "more than the limit of 65536",
		`{"entity":"pay","name":"security.a","value":1e999}`:                                  "not a number",
		`{"entity":"pay","name":"security.a","value":1,"observed_at":"2026-03-01T12:06:00Z"}`: "is in the future",
		`{"entity":"pay","name":"security.a","value":1,"observed_at":"2020-03-01T12:06"}`:     "observed_at",
		`{"entity":"pay","name":"security.a","value":1,"expires_at":"2026-03-01T12:00:00Z"}`:  "not after the observation",
		`{"entity":"pay","name":"security.a","value":1,"expires_in":"soon"}`:                  "use the form 90d",
		`{"entity":"pay","name":"security.a","value":1,"expires_in":"-1h"}`:                   "not between",
		`7`:    "not a JSON object",
		`null`: "not a JSON object",
		`[]`:   "not a JSON object",
	} {
		updates, v := parseFacts(t, MediaFacts, "["+good+","+doc+","+good+"]")
		if v.Outcome != delivery.Accepted || len(updates) != 2 || len(v.Events) != 3 {
			t.Fatalf("%.100s: %+v", doc, v)
		}
		if e := v.Events[1]; e.Index != 1 || e.Outcome != delivery.Refused || !strings.Contains(e.Reason, want) {
			t.Errorf("%.100s: %+v, want the reason %q", doc, e, want)
		}
		if !strings.HasPrefix(v.Reason, "1 of 3 facts are refused; the first is fact 2") {
			t.Error(v.Reason)
		}
	}
}

func TestDocumentsOfFacts(t *testing.T) {
	const good = `{"entity":"pay","name":"security.a","value":1}`
	for _, c := range []struct {
		name, media, body string
		outcome           delivery.Outcome
		updates           int
		reason            string
	}{
		{"one", MediaFacts, " " + good + "\n", delivery.Accepted, 1, ""},
		{"one a line", MediaFactLines, good + "\r\n\n" + good, delivery.Accepted, 2, ""},
		{"a line that is not JSON", MediaFactLines, good + "\n{\"entity\n" + good, delivery.Accepted, 2, "1 of 3 facts are refused; the first is fact 2"},
		{"none", MediaFacts, "[]", delivery.Ignored, 0, "no facts"},
		{"no lines", MediaFactLines, "\n", delivery.Ignored, 0, "no facts"},
		{"empty", MediaFacts, " ", delivery.Refused, 0, "the body is empty"},
		{"no JSON", MediaFacts, "[\n" + good + ",\n{]", delivery.Refused, 0, "line 3"},
		{"cut off", MediaFacts, "[\n" + good + ",\n", delivery.Refused, 0, "not JSON"},
		{"two documents", MediaFacts, good + good, delivery.Refused, 0, "application/x-ndjson"},
		{"only bad ones", MediaFacts, `[{},{}]`, delivery.Refused, 0, "2 of 2 facts"},
		{"too many", MediaFacts, "[" + strings.Repeat(good+",", MaxFacts+4) + good + "]", delivery.Accepted, MaxFacts, "at most 10000"},
		{"an unknown key", MediaFacts, `{"entity":"pay","name":"security.a","value":1,"expiry":"1d"}`, delivery.Accepted, 1, ""},
	} {
		updates, v := parseFacts(t, c.media, c.body)
		if v.Outcome != c.outcome || len(updates) != c.updates || !strings.Contains(v.Reason, c.reason) {
			t.Errorf("%s: %s, %s, %d updates", c.name, v.Outcome, v.Reason, len(updates))
		}
		if c.name == "an unknown key" && (len(v.Events) != 1 || len(v.Events[0].Misfits) != 1) {
			t.Errorf("%+v", v)
		}
	}
}

// TestAClockThatIsAhead: within minutes it counts as the time of receipt, so that the next fact is later.
func TestAClockThatIsAhead(t *testing.T) {
	updates, v := parseFacts(t, MediaFacts,
		`{"entity":"pay","name":"security.a","value":1,"observed_at":"2026-03-01T12:04:00Z","expires_in":"1h"}`)
	if v.Outcome != delivery.Accepted || len(updates) != 1 {
		t.Fatalf("%+v", v)
	}
	f := updates[0].Event.(event.Fact)
	if !f.ObservedAt.Equal(deliverytest.ReceivedAt) || !f.ExpiresAt.Equal(deliverytest.ReceivedAt.Add(time.Hour)) {
		t.Errorf("%+v", f)
	}
}

func TestASourceWithoutFacts(t *testing.T) {
	d := deliverytest.Delivery(Kind, `{"entity":"pay","name":"security.a","value":1}`)
	if _, v := factReceiver(t).Parse(d); v.Outcome != delivery.Refused || !strings.Contains(v.Reason, "facts: [security.*]") {
		t.Errorf("%+v", v)
	}
}

// FuzzFacts: no document of facts is a panic, and what is accepted can be stored and is of the source.
func FuzzFacts(f *testing.F) {
	f.Add(`{"entity":"pay","name":"security.a","value":1}`, false)
	f.Add(`[{"service":"pay","name":"security.a","value":["x"],"expires_in":"9d"},{}]`, false)
	f.Add("{\"entity\":\"pay\",\"name\":\"runbook.reviewed\",\"error\":\"e\"}\n{", true)
	r := factReceiver(f, "security.*", "runbook.reviewed")
	f.Fuzz(func(t *testing.T, body string, lines bool) {
		d := deliverytest.Delivery(Kind, body)
		if lines {
			d.Headers["content-type"] = MediaFactLines
		}
		updates, v := r.Parse(d)
		if strings.Contains(v.Reason, "could not be read: runtime") {
			t.Fatal(v.Reason)
		}
		for _, e := range deliverytest.Events(t, updates) {
			fact, ok := e.(event.Fact)
			if !ok || fact.Source != "gh" || fact.Validate() != nil || fact.Error == "" && !json.Valid(fact.Value) {
				t.Errorf("%+v", e)
			}
		}
	})
}

// A value without an expiry of its sender has that of its declaration, of a prefix, or of the source, in this order.
func TestFactsExpireAsDeclared(t *testing.T) {
	declared := source.Names("security.*", "quality.*", "security.scanned", "security.open")
	declared[0].Expires, declared[3].Expires, declared[2].Type = "7d", "1d", event.TimeFact
	cfg := Config{Facts: declared, FactsExpire: "30d"}
	r, err := webhook.NewReceivers([]webhook.Source{{Name: "gh", Receiver: cfg.Receiver(), Secret: deliverytest.Secret}},
		webhook.Options{Service: func(string) (string, bool) { return "component:default/pay", true }})
	if err != nil {
		t.Fatal(err)
	}
	d := deliverytest.Delivery(Kind, `[
{"entity":"pay","name":"security.open","value":3,"observed_at":"2026-03-01T10:00:00Z"},
{"entity":"pay","name":"security.other","value":3,"observed_at":"2026-03-01T10:00:00Z"},
{"entity":"pay","name":"quality.score","value":3,"observed_at":"2026-03-01T10:00:00Z"},
{"entity":"pay","name":"security.open","value":3,"observed_at":"2026-03-01T10:00:00Z","expires_in":"2d"},
{"entity":"pay","name":"quality.score","error":"no access","observed_at":"2026-03-01T10:00:00Z"},
{"entity":"pay","name":"security.scanned","value":"2026-03-01T10:00:00Z","observed_at":"2026-03-01T10:00:00Z"},
{"entity":"pay","name":"security.scanned","error":"no access","observed_at":"2026-03-01T10:00:00Z"}]`)
	d.Headers["content-type"] = MediaFacts
	updates, v := r.Parse(d)
	if v.Outcome != delivery.Accepted {
		t.Fatalf("%+v", v)
	}
	var got []string
	for _, e := range deliverytest.Events(t, updates) {
		f := e.(event.Fact)
		got = append(got, f.Name+" "+string(f.Type)+" "+f.ExpiresAt.Format("01-02"))
	}
	want := []string{"security.open number 03-02", "security.other number 03-08", "quality.score number 03-31",
		"security.open number 03-03", "quality.score  01-01", "security.scanned time 03-08", "security.scanned time 01-01"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
