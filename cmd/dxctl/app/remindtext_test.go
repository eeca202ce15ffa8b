package app

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
)

// TestReminderTextIsShort: a message has whole services and campaigns, and says how many are left out.
func TestReminderTextIsShort(t *testing.T) {
	address := func(path string) string { return "https://dx.example" + path }
	none := func(string) string { return "" }
	long := strings.Repeat("long & <words> @all ", 60)
	for _, tt := range []struct {
		campaigns, services int
		text                string
		link                func(string) string
		want, lacks         []string
	}{
		{1, 3, "short", address, []string{"• s1:", "• s3:", "\nhttps://dx.example/campaigns/c1?team=a"}, []string{"…"}},
		{1, 12, "short", address, []string{"• s8:", "\n… and 4 more\nhttps://dx.example/campaigns/c1?team=a"}, []string{"• s9"}},
		{1, 8, long, address, []string{"• s4:", "\n… and 4 more\nhttps://dx.example/campaigns/c1?team=a"}, []string{"• s5", "@all"}},
		{2, 8, long, none, []string{"*c1 long", "*c2 long", "• s1:", "more\n\n*c2"}, []string{"campaigns", "https:", "@all"}},
		{9, 8, long, address, []string{"*c1 long", "*c2 long", "more campaigns: https://dx.example/campaigns"}, []string{"*c9"}},
	} {
		r := report.Reminder{Owner: "a", Name: "team " + tt.text}
		for i := range tt.campaigns {
			id := fmt.Sprintf("c%d", i+1)
			item := report.ReminderItem{ID: id, Title: id + " " + tt.text, Why: tt.text, Goal: "rule basics/readme"}
			for j := range tt.services {
				item.Rows = append(item.Rows, report.CampaignRow{Name: fmt.Sprintf("s%d", j+1), Missing: []report.CampaignRule{
					{Title: tt.text, Reason: tt.text, Outcome: event.Fail}}})
			}
			r.Items = append(r.Items, item)
		}
		name := fmt.Sprintf("%d campaigns with %d services, %.5s", tt.campaigns, tt.services, tt.text)
		text := reminderText(&r, tt.link)
		if n := utf8.RuneCountInString(text); n > maxMessage {
			t.Errorf("%s: %d characters", name, n)
		}
		for _, want := range tt.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in\n%s", name, want, text)
			}
		}
		for _, lacks := range tt.lacks {
			if strings.Contains(text, lacks) {
				t.Errorf("%s: %q is in\n%s", name, lacks, text)
			}
		}
	}
}

func TestShortened(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"a&b", 5, "a…"}, {"äöü", 3, "äöü"}, {"äöüß", 3, "äö…"}, {"&&", 3, "…"}} {
		if got := shortened(tt.text, tt.limit); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}
