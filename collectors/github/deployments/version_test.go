package deployments

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
)

func TestReleasesAreDeployments(t *testing.T) {
	at := func(hours int) time.Time { return now.Add(time.Duration(hours) * time.Hour) }
	repo := func() *githubtest.Repo {
		return &githubtest.Repo{Releases: []githubtest.Release{
			{ID: 1, Tag: "v1.0.0", SHA: "aaa", Author: "alice", Created: at(-100), Published: at(-90)},
			{ID: 2, Tag: "v1.1.0-rc.1", SHA: "bbb", Author: "alice", Prerelease: true, Created: at(-80), Published: at(-79)},
			{ID: 3, Tag: "v1.1.0", SHA: "bbb", Author: "release-bot[bot]", Created: at(-70), Published: at(-69)},
			{ID: 4, Tag: "v2.0.0", Draft: true, Created: at(-60)},
			{ID: 5, Tag: "chart-7", SHA: "ccc", Created: at(-50), Published: at(-49)},
		}, Deployments: []githubtest.Deployment{{ID: 9, Environment: "prod", State: "ACTIVE", Created: at(-5), Statuses: []githubtest.Status{{State: "SUCCESS", At: at(-4)}}}}}
	}
	for _, tc := range []struct {
		name  string
		tune  func(*Config)
		since time.Time
		want  string
	}{
		{"by default only deployments", func(*Config) {}, time.Time{}, "[9]"},
		{"releases", from(FromReleases), time.Time{}, "[release-1 release-3 release-5]"},
		{"those with a tag", from(FromReleases, func(d *Config) { d.Tags = "v*" }), time.Time{}, "[release-1 release-3]"},
		{"with prereleases", from(FromReleases, func(d *Config) { d.Tags, d.Prereleases = "v*", "staging" }), time.Time{}, "[prerelease-2 release-1 release-3]"},
		{"in addition to deployments", func(d *Config) { d.From = []Kind{FromReleases, FromDeployments} }, time.Time{}, "[9 release-1 release-3 release-5]"},
		{"since", from(FromReleases), at(-75), "[release-3 release-5]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, m := streamtest.Serve(t, repo()), collecttest.NewWriter()
			again := func() {
				t.Helper()
				var cfg Config
				tc.tune(&cfg)
				r := streamtest.Repository(t, s, m, now)
				r.Since = tc.since
				if err := Collect(t.Context(), r, cfg); err != nil {
					t.Fatal(err)
				}
			}
			again()
			if got := fmt.Sprint(m.Keys(event.KindDeployment)); got != tc.want {
				t.Errorf("stored %s, want %s", got, tc.want)
			}
			if l := m.Ledger(event.KindDeployment); l.Gap() != 0 || l.Expected != uint64(m.Number(event.KindDeployment)) {
				t.Errorf("ledger %+v", l)
			}
			s.Requests()
			again()
			for _, r := range s.Requests() {
				if r.Status != 304 {
					t.Errorf("asked again: %+v", r)
				}
			}
			if e, ok := collecttest.Stored[event.Deployment](m)["release-3"]; ok {
				want := event.Deployment{
					Origin:      e.Origin,
					Attempt:     1,
					Environment: "production",
					Status:      event.Succeeded,
					StatusRaw:   "published",
					CreatedAt:   at(-69),
					FinishedAt:  at(-69),
					SHA:         "bbb",
					Ref:         "v1.1.0",
					Version:     "v1.1.0",
					Actor:       "release-bot[bot]",
					Bot:         true,
					Trigger:     "release",
				}
				if fmt.Sprintf("%+v", e) != fmt.Sprintf("%+v", want) || e.URL != "https://github.test/releases/v1.1.0" {
					t.Errorf("got  %+v\nwant %+v", e, want)
				}
			}
			if e, ok := collecttest.Stored[event.Deployment](m)["prerelease-2"]; ok &&
				(e.Environment != "staging" || e.StatusRaw != "prereleased") {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestReleasesAreReadAsFarAsTheyChanged(t *testing.T) {
	var releases []githubtest.Release
	for i := range 450 {
		at := now.Add(-time.Duration(450-i) * time.Hour)
		releases = append(
			releases,
			githubtest.Release{ID: int64(i + 1), Tag: fmt.Sprint("v", i), SHA: fmt.Sprint("sha", i), Created: at, Published: at},
		)
	}
	s, m := streamtest.Serve(t, &githubtest.Repo{Releases: releases}), collecttest.NewWriter()
	step := func(what string, stored, queries int) {
		t.Helper()
		s.Requests()
		collect(t, s, m, now, from(FromReleases))
		if n := streamtest.Count(s.Requests(), "graphql"); n != queries || m.Number(event.KindDeployment) != stored ||
			m.Ledger(event.KindDeployment).Gap() != 0 {
			t.Errorf(
				"%s: %d stored and %d queries, want %d and %d; ledger %+v",
				what,
				m.Number(event.KindDeployment),
				n,
				stored,
				queries,
				m.Ledger(event.KindDeployment),
			)
		}
	}
	step("the first read", 450, 5)
	step("nothing new", 450, 0)
	repo := s.Repos[scope]
	repo.Releases = append(repo.Releases, githubtest.Release{ID: 900, Tag: "v900", Created: now, Published: now})
	step("one that is new", 451, 1)
	repo.Releases = append(
		repo.Releases,
		githubtest.Release{ID: 901, Tag: "v901", Created: now.Add(-400 * time.Hour), Published: now},
		githubtest.Release{ID: 902, Tag: "v902", Created: now, Published: now},
	)
	step("one of an old commit and a new one", 453, 5)
	repo.Releases[452].Draft = true
	repo.Releases = append(repo.Releases, githubtest.Release{ID: 903, Tag: "v903", Draft: true, Created: now})
	step("drafts", 453, 1)
	repo.Releases[453].Draft, repo.Releases[453].Published = false, now
	step("a draft that is published", 454, 1)
	repo.Releases = repo.Releases[1:]
	repo.Releases = append(repo.Releases, githubtest.Release{ID: 904, Tag: "v904", Created: now, Published: now})
	step("one that was deleted", 455, 5)
}

func TestTagsAreDeployments(t *testing.T) {
	at := func(hours int) time.Time { return now.Add(time.Duration(hours) * time.Hour) }
	s, m := streamtest.Serve(t, &githubtest.Repo{Tags: []githubtest.Tag{
		{Name: "v1.0.0", SHA: "aaaaaaaaaaaaaaaa", Committed: at(-100)},
		{Name: "v1.1.0", SHA: "bbbbbbbbbbbbbbbb", Committed: at(-90), Tagged: at(-80), Tagger: "alice"},
		{Name: "v1.2.0-rc.1", SHA: "cccccccccccccccc", Committed: at(-70)},
		{Name: "other", SHA: "dddddddddddddddd", Committed: at(-60)},
	}}), collecttest.NewWriter()
	tune := from(FromTags, func(d *Config) { d.Tags, d.Environment = "v*", "live" })
	collect(t, s, m, now, tune)
	if got := fmt.Sprint(m.Keys(event.KindDeployment)); got != "[tag-v1.0.0@aaaaaaaaaaaa tag-v1.1.0@bbbbbbbbbbbb]" {
		t.Fatalf("stored %s", got)
	}
	if r := s.Requests(); streamtest.Count(r, "matching-refs/tags/v") != 1 || streamtest.Count(r, "graphql") != 1 {
		t.Errorf("requests %v", r)
	}
	e := collecttest.Stored[event.Deployment](m)["tag-v1.1.0@bbbbbbbbbbbb"]
	if !e.FinishedAt.Equal(at(-80)) || e.SHA != "bbbbbbbbbbbbbbbb" || e.Environment != "live" || e.Version != "v1.1.0" ||
		e.Actor != "alice" ||
		e.Trigger != "tag" {
		t.Errorf("%+v", e)
	}
	if e := collecttest.Stored[event.Deployment](m)["tag-v1.0.0@aaaaaaaaaaaa"]; !e.FinishedAt.Equal(at(-100)) ||
		e.Actor != "" {
		t.Errorf("a lightweight tag: %+v", e)
	}
	s.Repos[scope].Tags[1].SHA = "eeeeeeeeeeeeeeee" // moved
	collect(t, s, m, now, tune)
	if _, ok := collecttest.Stored[event.Deployment](m)["tag-v1.1.0@eeeeeeeeeeee"]; !ok ||
		m.Number(event.KindDeployment) != 3 {
		t.Errorf("stored %v", m.Keys(event.KindDeployment))
	}
	s.Requests()
	collect(t, s, m, now, tune)
	if r := s.Requests(); streamtest.Count(r, "graphql") != 0 {
		t.Errorf("asked again: %v", r)
	}
	// another rule: all is read again
	collect(
		t,
		s,
		m,
		now,
		from(FromTags, func(d *Config) { d.Tags, d.Environment, d.Prereleases = "v*", "live", "test" }),
	)
	if e := collecttest.Stored[event.Deployment](m)["tag-v1.2.0-rc.1@cccccccccccc"]; e.Environment != "test" {
		t.Errorf("stored %v", m.Keys(event.KindDeployment))
	}
}

func TestVersionsThatArePrereleases(t *testing.T) {
	for tag, want := range map[string]bool{"v1.2.3": false, "v1.2.3-rc.1": true, "1.2-beta": true, "app-1.2.3": false, "app-1.2.3-alpha.1+b5": true, "v1.2.3+x-1": false,
		"": false, "nightly": false, "v1.2.": false, "v1.2.3-": false, "2026.11.22": false, "rel.x-1": false} {
		if got := prereleaseVersion(tag); got != want {
			t.Errorf("%q: %t", tag, got)
		}
	}
}

func TestMistakesInWhatMeansADeployment(t *testing.T) {
	for _, tc := range []struct {
		name string
		d    Config
		want string
	}{
		{"nothing", Config{}, ""},
		{"an unknown word", Config{From: []Kind{"release"}}, "deployments, releases or tags"},
		{"twice", Config{From: []Kind{"tags", "tags"}}, "listed twice"},
		{"a version counted twice", Config{From: []Kind{"tags", "releases"}}, "give one of them"},
		{"a bad pattern", Config{From: []Kind{"tags"}, Tags: "v["}, "pattern"},
		{"an environment of deployments", Config{Environment: "production"}, "names its environment itself"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.d.Validate()
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
		})
	}
}
