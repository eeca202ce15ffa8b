package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/notify"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

const remindedCard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: basics
levels: [bronze]
rules:
  - {id: described, level: bronze, title: It has a <description>, why: w, fix: Describe it., effort: minutes, expr: 'facts["catalog.has_description"]'}
`

const remindedCampaigns = `apiVersion: dxctl.dev/v1
kind: Campaign
id: described
title: Descriptions & more
why: People search for it.
owner: platform
scorecard: basics
rule: described
starts: 2026-10-01
ends: 2026-11-30
notify: chat
---
apiVersion: dxctl.dev/v1
kind: Campaign
id: bronze
title: Bronze for the payments
why: Auditors ask.
owner: platform
scorecard: basics
level: bronze
filter: entity.owner == "group:default/payments"
starts: 2026-10-20
ends: 2026-11-20
notify: chat
`

// chat is a webhook that remembers what it got.
type chat struct {
	*httptest.Server
	mu     sync.Mutex
	texts  []string
	answer func(w http.ResponseWriter, n int) // n counts requests from 1; nil: ok
	asked  int
}

func newChat(t *testing.T) *chat {
	t.Helper()
	c := &chat{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		var body struct{ Text string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost ||
			r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v", r.Method, r.Header.Get("Content-Type"), err)
		}
		c.asked++
		if c.answer != nil {
			c.answer(w, c.asked)
		} else {
			_, _ = fmt.Fprint(w, "ok")
		}
		c.texts = append(c.texts, r.URL.Path+" "+body.Text)
	}))
	t.Cleanup(c.Close)
	return c
}

// answerWith sets the answer to further requests.
func (c *chat) answerWith(answer func(w http.ResponseWriter, n int)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// got returns the messages since the last call, sorted.
func (c *chat) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	texts := c.texts
	c.texts = nil
	slices.Sort(texts)
	return texts
}

// newReminding returns an App with three services of two teams, none of which is described, and a clock.
func newReminding(t *testing.T, c *chat) (*App, *time.Time) {
	t.Helper()
	dir := t.TempDir()
	var descriptors strings.Builder
	for name, owner := range map[string]string{"shop": "checkout", "pay": "payments", "ledger": "payments", "old": ""} {
		fmt.Fprintf(&descriptors, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: %s}\n"+
			"spec: {type: service, lifecycle: production, owner: %s}\n", name, owner)
	}
	for name, text := range map[string]string{"catalog.yaml": descriptors.String(), "basics.yaml": remindedCard,
		"campaigns/c.yaml": remindedCampaigns} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg := config.Default()
	cfg.Dir = dir
	cfg.Catalog = catalog.Config{Files: []string{"catalog.yaml"}}
	cfg.Scorecards.Files = []string{"basics.yaml"}
	cfg.Notify = notify.Config{Dashboard: "https://dx.example/", Webhooks: []notify.Webhook{{
		Name: "chat", URL: c.URL + "/T0/SECRET", Owners: map[string]string{"payments": c.URL + "/T0/PAYMENTS"}}}}
	now := time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)
	a := &App{cfg: cfg, log: slog.New(slog.NewTextHandler(t.Output(), nil)), now: func() time.Time { return now },
		registry: prometheus.NewRegistry(), Store: storetest.Open(t), pending: newPending()}
	var err error
	if a.set, err = scorecards.Load(cfg.Scorecards, dir); err != nil {
		t.Fatal(err)
	}
	if a.cards, err = scorecards.New(a.set, a.now); err != nil {
		t.Fatal(err)
	}
	if a.metrics, err = metrics.New(a.Store.Reader(), a.now); err != nil {
		t.Fatal(err)
	}
	if err := a.loadCatalog(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if texts := a.campaigns.Load().Texts(); len(texts) > 0 {
		t.Fatal(texts)
	}
	return a, &now
}

// statuses returns what became of the reminders: "payments sent, shop failed".
func statuses(t *testing.T, a *App) string {
	t.Helper()
	all, err := a.Remind(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for i := range all {
		status := string(all[i].Status)
		if all[i].Ready != nil {
			status = "waits for " + all[i].Ready.Sub(a.now()).String()
		}
		if strings.Contains(all[i].Error, "SECRET") || strings.Contains(all[i].Error, "PAYMENTS") {
			t.Errorf("the error shows the address: %s", all[i].Error)
		}
		list = append(list, strings.TrimPrefix(all[i].Owner, "group:default/")+" "+status)
	}
	return strings.Join(list, ", ")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestRemind(t *testing.T) {
	c := newChat(t)
	a, now := newReminding(t, c)
	if dry, err := a.Remind(t.Context(), true); err != nil || len(dry) != 2 || dry[0].Status != "" || len(c.got()) > 0 {
		t.Errorf("a dry run: %+v %v", dry, err)
	}
	expect(t, "the first day", statuses(t, a), "checkout sent, payments sent")
	texts := c.got()
	if len(texts) != 2 {
		t.Fatal(texts)
	}
	want := "/T0/PAYMENTS *Descriptions &amp; more*: the campaign has started; the last day is 30 Nov 2026, 60 days left.\n" +
		"2 services of payments have not reached rule basics/described. Why: People search for it.\n" +
		"• ledger: It has a &lt;description&gt; (fail: "
	if !strings.HasPrefix(texts[0], want) || !strings.HasSuffix(texts[0],
		"\nhttps://dx.example/campaigns/described?team=group%3Adefault%2Fpayments") {
		t.Errorf("got  %s\nwant %s", texts[0], want)
	}
	if !strings.HasPrefix(texts[1], "/T0/SECRET *Descriptions &amp; more*") || !strings.Contains(texts[1], "1 service of checkout has") {
		t.Error(texts[1])
	}
	expect(t, "the same minute", statuses(t, a), "")
	*now = now.AddDate(0, 0, 20) // 10-21: the second campaign has begun
	expect(t, "the second campaign", statuses(t, a), "payments sent")
	*now = now.AddDate(0, 0, 15) // 11-05: halfway of both
	expect(t, "halfway", statuses(t, a), "checkout sent, payments sent")
	if texts := c.got(); len(texts) != 3 || !strings.Contains(texts[0], "*Bronze for the payments*: half of the time is over") ||
		!strings.Contains(texts[0], "\n\n*Descriptions &amp; more*: half of the time is over") {
		t.Error("two campaigns that are due together are not one message:", strings.Join(texts, "\n---\n"))
	}
	*now = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	expect(t, "a week before the end", statuses(t, a), "checkout sent, payments sent")
	*now = now.AddDate(0, 0, 7)
	expect(t, "after the end", statuses(t, a), "")
}

const remindedWaivers = `apiVersion: dxctl.dev/v1
kind: Waivers
waivers:
  - rule: basics/described
    service: component:default/ledger
    reason: planned
    note: Next quarter.
    by: user:default/ana
    until: 2026-10-12
`

// TestRemindOfWaivers: owners are told once that a waiver ends, in the same message as of campaigns.
func TestRemindOfWaivers(t *testing.T) {
	c := newChat(t)
	a, now := newReminding(t, c)
	if err := os.MkdirAll(filepath.Join(a.cfg.Dir, "waivers"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(a.cfg.Dir, "waivers", "w.yaml"), []byte(remindedWaivers), 0o600); err != nil {
		t.Fatal(err)
	}
	a.cfg.Scorecards.Waivers = []string{"waivers/*.yaml"}
	a.cfg.Notify.Waivers = "chat"
	a.cards = a.cards.WithWaivers(a.waivers.Load)
	a.loadWaivers(a.Catalog())
	if err := a.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "with the start of a campaign", statuses(t, a), "checkout sent, payments sent")
	texts := c.got()
	want := "/T0/PAYMENTS *Waivers end soon*: 1 waiver of payments ends within 14 days. Then the rules count again: fix " +
		"what they ask for, or request another waiver.\n• ledger: It has a &lt;description&gt; (last day 12 Oct 2026; " +
		"without it: fail)\nhttps://dx.example/waivers?state=ending&team=payments\n\n*Descriptions &amp; more*: "
	if len(texts) != 2 || !strings.HasPrefix(texts[0], want) {
		t.Errorf("got  %s\nwant %s", texts, want)
	}
	*now = now.AddDate(0, 0, 8)
	expect(t, "a week later", statuses(t, a), "")
	a.cfg.Notify.Waivers = ""
	expect(t, "not configured", statuses(t, a), "")
}

func TestRemindAfterFailures(t *testing.T) {
	c := newChat(t)
	a, now := newReminding(t, c)
	c.answerWith(func(w http.ResponseWriter, _ int) { http.Error(w, "no such chat", http.StatusNotFound) })
	expect(t, "refused", statuses(t, a), "checkout failed, payments failed")
	expect(t, "at once again", statuses(t, a), "checkout waits for 10m0s, payments waits for 10m0s")
	for range campaign.Attempts - 1 {
		*now = now.Add(3 * 24 * time.Hour)
		expect(t, "again", statuses(t, a), "checkout failed, payments failed")
	}
	*now = now.Add(3 * 24 * time.Hour)
	expect(t, "given up", statuses(t, a), "")
	if n := len(c.got()); n != 2*campaign.Attempts {
		t.Errorf("%d attempts", n)
	}
	c.answerWith(nil)
	*now = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC) // halfway and the last week have come meanwhile
	expect(t, "late, and once", statuses(t, a), "checkout sent, payments sent")
	if texts := c.got(); len(texts) != 2 || !strings.Contains(texts[0], "the last day is 30 Nov 2026, 5 days left.") {
		t.Error(texts)
	}
}

// TestRetries: a message that does not arrive is sent again after 10, 40, 160 and 640 minutes, also for the occasion
// after one that was given up.
func TestRetries(t *testing.T) {
	c := newChat(t)
	a, now := newReminding(t, c)
	c.answer = func(w http.ResponseWriter, _ int) { http.Error(w, "no such chat", http.StatusNotFound) }
	for _, begin := range []time.Time{*now, time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)} {
		*now = begin
		var tried []string
		for now.Sub(begin) < 18*time.Hour {
			all, err := a.Remind(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			for i := range all {
				if all[i].Owner == "group:default/checkout" && all[i].Status == campaign.NotSent {
					tried = append(tried, now.Sub(begin).String())
				}
			}
			*now = now.Add(untilNext(all, false, *now))
		}
		expect(t, begin.String(), strings.Join(tried, " "), "0s 10m0s 50m0s 3h30m0s 14h10m0s")
	}
}

func TestUntilNext(t *testing.T) {
	now := time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)
	at := func(d time.Duration) Reminded {
		ready := now.Add(d)
		return Reminded{Reminder: report.Reminder{Ready: &ready}}
	}
	for name, tt := range map[string]struct {
		all    []Reminded
		failed bool
		want   time.Duration
	}{
		"nothing":          {nil, false, time.Hour},
		"an error":         {nil, true, 10 * time.Minute},
		"a failure":        {[]Reminded{{Status: campaign.NotSent}, {Status: campaign.Sent}}, false, 10 * time.Minute},
		"the earliest":     {[]Reminded{at(50 * time.Minute), at(20 * time.Minute), {Status: campaign.Sent}}, false, 20 * time.Minute},
		"a week":           {[]Reminded{at(7 * 24 * time.Hour)}, false, time.Hour},
		"ready meanwhile":  {[]Reminded{at(-time.Second)}, false, time.Second},
		"a failure, later": {[]Reminded{at(30 * time.Minute), {Status: campaign.NotSent}}, false, 10 * time.Minute},
	} {
		if got := untilNext(tt.all, tt.failed, now); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestRemindIsNotSentTwice(t *testing.T) {
	c := newChat(t)
	a, now := newReminding(t, c)
	// The process ended while it sent: nobody knows, so it counts as sent.
	err := a.Store.SaveCampaignMessage(t.Context(), store.CampaignMessage{Owner: "group:default/checkout", ID: "crash",
		Campaigns: []string{"described"}, Steps: []string{"start"}, Status: string(campaign.Sending), ClaimedAt: *now,
		ChangedAt: *now})
	if err != nil {
		t.Fatal(err)
	}
	// The connection is lost after the message arrived.
	c.answerWith(func(w http.ResponseWriter, _ int) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	expect(t, "after a crash and a lost answer", statuses(t, a), "payments unclear")
	c.answerWith(nil)
	*now = now.AddDate(0, 0, 8)
	expect(t, "a week later", statuses(t, a), "")
	if n := len(c.got()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestRemindFromTwoProcesses(t *testing.T) {
	c := newChat(t)
	a, _ := newReminding(t, c)
	var both sync.WaitGroup
	for range 4 {
		both.Go(func() {
			if _, err := a.Remind(context.WithoutCancel(t.Context()), false); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	counts := map[string]int{}
	for _, text := range c.got() {
		path, _, _ := strings.Cut(text, " ")
		if counts[path]++; counts[path] > 1 {
			t.Errorf("%s got %d messages", path, counts[path])
		}
	}
}
