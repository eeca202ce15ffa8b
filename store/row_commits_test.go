package store_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// second is noon as git has it.
var second = noon.UTC().Truncate(time.Second)

func deployedCommits(id string, shas ...string) event.DeployedCommits {
	e := event.DeployedCommits{
		Origin:     origin(id),
		Deployment: event.DeploymentKey{Source: "gh", Scope: "Org/Repo", ID: id, Attempt: 1},
		Comparison: event.KnownCommits,
	}
	for i, sha := range shas {
		e.Commits = append(
			e.Commits,
			event.Commit{SHA: sha, AuthoredAt: second, CommittedAt: second.Add(time.Duration(i) * time.Second)},
		)
	}
	return e
}

func TestDeployedCommits(t *testing.T) {
	s := storetest.Open(t)
	describe(t, s)
	one, two, three := fmt.Sprintf("%040d", 1), fmt.Sprintf("%040d", 2), fmt.Sprintf("%040d", 3)
	d := event.Deployment{
		Origin:      origin("d1"),
		Attempt:     1,
		Environment: "live",
		Status:      event.Succeeded,
		FinishedAt:  noon,
		SHA:         three,
	}
	if d.Source != "gh" || d.Scope != "Org/Repo" {
		t.Fatalf("the fixture's deployments are of %s %s", d.Source, d.Scope)
	}
	mustAppend(t, s, d, deployedCommits("d1", one, two), deployedCommits("gone", one))
	last := deployedCommits("d1", two, three)
	last.Commits[0].AuthoredAt = time.Time{}
	mustAppend(t, s, last)
	type row struct {
		Service     string     `ch:"service"`
		Environment string     `ch:"environment"`
		SHA         string     `ch:"sha"`
		AuthoredAt  *time.Time `ch:"authored_at"`
		CommittedAt *time.Time `ch:"committed_at"`
	}
	got := all[row](t, s, "SELECT service, environment, sha, authored_at, committed_at FROM deployed_commits ORDER BY sha")
	at := func(seconds int) *time.Time { t := second.Add(time.Duration(seconds) * time.Second); return &t }
	for i := range got {
		for _, p := range []**time.Time{&got[i].AuthoredAt, &got[i].CommittedAt} {
			if *p != nil {
				utc := (*p).UTC()
				*p = &utc
			}
		}
	}
	if want := []row{
		{payment, "production", two, nil, at(0)},
		{payment, "production", three, at(0), at(1)},
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("a later observation replaces the list:\ngot  %+v\nwant %+v", got, want)
	}
}

func TestDeployedCommitsThatCannotBeStored(t *testing.T) {
	s := storetest.Open(t)
	short, reasonless, odd, listed, other := deployedCommits("1", "abc1234"), deployedCommits(
		"1",
	), deployedCommits("1"), deployedCommits("1", strings.Repeat("a", 40)), deployedCommits("1")
	reasonless.Comparison, odd.Comparison, listed.Comparison, other.Deployment.ID = event.UnknownCommits, "guessed", event.BaselineCommits, "2"
	for want, e := range map[string]event.DeployedCommits{
		"not a commit's whole id": short, "unknown without a reason": reasonless, `unknown comparison "guessed"`: odd, "compared as baseline": listed, "not a whole identity": other,
	} {
		if err := s.Append(t.Context(), e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}
