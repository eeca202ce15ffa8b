package campaign

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestSteps(t *testing.T) {
	long := one(t, good) // 2026-10-01 to 2026-11-30
	short := one(t, strings.Replace(good, "2026-11-30", "2026-10-05", 1))
	fortnight := one(t, strings.Replace(good, "2026-11-30", "2026-10-10", 1))
	for _, tt := range []struct {
		c    *Campaign
		now  string
		want Step
	}{
		{long, "2026-09-30", ""}, {long, "2026-10-01", AtStart}, {long, "2026-10-31", AtStart}, {long, "2026-11-01", Halfway},
		{long, "2026-11-23", Halfway}, {long, "2026-11-24", AtWeek}, {long, "2026-11-30", AtWeek}, {long, "2026-12-01", ""},
		{short, "2026-10-01", AtStart}, {short, "2026-10-04", Halfway}, {short, "2026-10-06", ""},
		{fortnight, "2026-10-05", AtWeek}, {fortnight, "2026-10-07", Halfway},
	} {
		if got := tt.c.StepAt(day(tt.now)); got != tt.want {
			t.Errorf("%d days, %s: %q, want %q", tt.c.Days(), tt.now, got, tt.want)
		}
	}
}

func TestReminders(t *testing.T) {
	readme := one(t, good)
	other := one(t, strings.NewReplacer("id: readme", "id: other", "2026-10-01", "2026-10-20", "2026-11-30",
		"2026-11-20").Replace(good))
	silent := one(t, strings.NewReplacer("id: readme", "id: silent", "notify: chat\n", "").Replace(good))
	long := one(t, strings.NewReplacer("id: readme", "id: long", "2026-11-30", "2027-01-30").Replace(good)) // half: 12-01
	all := []Campaign{*readme, *other, *silent, *long}
	everybody := map[string][]string{"readme": {"a", "b", ""}, "other": {"a"}, "silent": {"a", "b"}}
	message := func(owner, at string, status Status, items ...string) Message {
		m := Message{Owner: owner, At: day(at), Status: status}
		for _, item := range items {
			id, step, _ := strings.Cut(item, " ")
			m.Campaigns, m.Steps = append(m.Campaigns, id), append(m.Steps, Step(step))
		}
		return m
	}
	failures := func(n int) (list []Message) {
		for range n {
			list = append(list, message("a", "2026-10-01", NotSent, "readme start"))
		}
		return list
	}
	for name, tt := range map[string]struct {
		now      string
		left     map[string][]string
		messages []Message
		want     string
	}{
		"before":        {"2026-09-30", everybody, nil, ""},
		"the first day": {"2026-10-01", everybody, nil, "a: readme start; b: readme start"},
		"nobody left":   {"2026-10-01", nil, nil, ""},
		"told":          {"2026-10-09", everybody, []Message{message("a", "2026-10-01", Sent, "readme start")}, "b: readme start"},
		"a crash while sending, and no answer": {"2026-10-09", everybody, []Message{
			message("a", "2026-10-01", Sending, "readme start"), message("b", "2026-10-01", Unclear, "readme start")}, ""},
		"withdrawn": {"2026-10-01", everybody, []Message{message("a", "2026-10-01", Withdrawn, "readme start")},
			"a: readme start; b: readme start"},
		"two campaigns are one message": {"2026-11-01", everybody, []Message{message("a", "2026-10-01", Sent, "readme start")},
			"a: other start, readme halfway; b: readme halfway"},
		"the next one waits for a week": {"2026-10-20", everybody, []Message{message("a", "2026-10-15", Sent, "readme start"),
			message("b", "2026-10-01", Sent, "readme start")}, "a: other start from 10-22"},
		"missed steps are told once": {"2026-11-25", map[string][]string{"readme": {"a"}}, nil, "a: readme week"},
		"a later step is told":       {"2026-11-25", map[string][]string{"readme": {"a"}}, []Message{message("a", "2026-11-24", Sent, "readme week")}, ""},
		"an earlier campaign of the id": {"2026-10-09", map[string][]string{"readme": {"a"}}, []Message{
			message("a", "2026-09-01", Sent, "readme week")}, "a: readme start"},
		"told before the last day was put off": {"2026-12-01", map[string][]string{"long": {"a"}}, []Message{
			message("a", "2026-10-01", Sent, "long start"), message("a", "2026-11-24", Sent, "long week")},
			"a: long halfway"},
		"told after it was put off": {"2026-12-01", map[string][]string{"long": {"a"}}, []Message{
			message("a", "2026-11-24", Sent, "long week"), message("a", "2026-12-01", Sent, "long halfway")}, ""},
		"put off, before its new half": {"2026-11-30", map[string][]string{"long": {"a"}}, []Message{
			message("a", "2026-11-24", Sent, "long week")}, ""},
		"given up before it was put off": {"2026-12-09", map[string][]string{"long": {"a"}}, slices.Repeat(
			[]Message{message("a", "2026-11-24", NotSent, "long halfway")}, Attempts), "a: long halfway"},
		"a failure after one was given up": {"2026-11-01", map[string][]string{"readme": {"a"}},
			append(failures(Attempts), message("a", "2026-11-01", NotSent, "readme halfway")),
			"a: readme halfway from 11-01 00:10"},
		"a failure of another campaign": {"2026-10-20", map[string][]string{"readme": {"a"}, "other": {"a"}},
			[]Message{message("a", "2026-10-20", NotSent, "readme start"), message("a", "2026-10-20", NotSent, "readme start"),
				message("a", "2026-10-20", NotSent, "readme start", "other start")},
			"a: other start, readme start from 10-20 00:10"},
		"one failure":   {"2026-10-01", map[string][]string{"readme": {"a"}}, failures(1), "a: readme start from 10-01 00:10"},
		"two failures":  {"2026-10-01", map[string][]string{"readme": {"a"}}, failures(2), "a: readme start from 10-01 00:40"},
		"given up":      {"2026-10-02", map[string][]string{"readme": {"a"}}, failures(Attempts), ""},
		"the next step": {"2026-11-01", map[string][]string{"readme": {"a"}}, failures(Attempts), "a: readme halfway"},
	} {
		var got []string
		for _, r := range Reminders(all, tt.left, nil, tt.messages, day(tt.now)) {
			var items []string
			for _, d := range r.Items {
				items = append(items, fmt.Sprintf("%s %s", d.Campaign.ID, d.Step))
			}
			text := r.Owner + ": " + strings.Join(items, ", ")
			if !r.Ready.IsZero() {
				text += " from " + strings.TrimSuffix(r.Ready.Format("01-02 15:04"), " 00:00")
			}
			if r.Webhook != "chat" {
				t.Errorf("%s: webhook %q", name, r.Webhook)
			}
			got = append(got, text)
		}
		if strings.Join(got, "; ") != tt.want {
			t.Errorf("%s: %q, want %q", name, strings.Join(got, "; "), tt.want)
		}
	}
}

func TestRemindersOfNotices(t *testing.T) {
	readme := one(t, good) // 2026-10-01 to 2026-11-30
	notice := Notice{ID: "waiver a", Owner: "a", Since: day("2026-10-02"), Ends: day("2026-10-16"), Webhook: "alerts"}
	late := Notice{ID: "waiver b", Owner: "a", Since: day("2026-11-20"), Ends: day("2026-12-04"), Webhook: "alerts"}
	told := func(at string, status Status, topics ...string) []Message {
		return []Message{{Owner: "a", At: day(at), Status: status, Campaigns: topics}}
	}
	for name, tt := range map[string]struct {
		now      string
		left     []string
		notices  []Notice
		messages []Message
		want     string
	}{
		"alone":              {"2026-10-02", nil, []Notice{notice}, nil, "alerts: waiver a"},
		"with a campaign":    {"2026-10-02", []string{"a"}, []Notice{notice}, nil, "alerts: waiver a, readme"},
		"the campaign first": {"2026-11-24", []string{"a"}, []Notice{late}, nil, "chat: waiver b, readme"},
		"two":                {"2026-10-02", nil, []Notice{late, notice}, nil, "alerts: waiver a, waiver b"},
		"told":               {"2026-10-12", nil, []Notice{notice}, told("2026-10-02", Sent, "waiver a"), ""},
		"not again in the week": {"2026-10-03", nil, []Notice{notice}, told("2026-10-01", Sent, "readme"),
			"alerts: waiver a from 10-08"},
		"told of an earlier end":  {"2026-10-10", nil, []Notice{notice}, told("2026-10-01", Sent, "waiver a"), "alerts: waiver a"},
		"it did not arrive":       {"2026-10-02", nil, []Notice{notice}, told("2026-10-02", NotSent, "waiver a"), "alerts: waiver a from 10-02"},
		"no owner and no webhook": {"2026-10-02", nil, []Notice{{ID: "x", Webhook: "alerts"}, {ID: "y", Owner: "a"}}, nil, ""},
	} {
		var got []string
		for _, r := range Reminders([]Campaign{*readme}, map[string][]string{"readme": tt.left}, tt.notices, tt.messages, day(tt.now)) {
			var topics []string
			for _, n := range r.Notices {
				topics = append(topics, n.ID)
			}
			for _, d := range r.Items {
				topics = append(topics, d.Campaign.ID)
			}
			text := r.Webhook + ": " + strings.Join(topics, ", ")
			if !r.Ready.IsZero() {
				text += " from " + r.Ready.Format("01-02")
			}
			got = append(got, text)
		}
		if strings.Join(got, "; ") != tt.want {
			t.Errorf("%s: %q, want %q", name, strings.Join(got, "; "), tt.want)
		}
	}
}
