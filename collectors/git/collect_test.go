package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// change stores a merged change.
func (w *world) change(id, merge, head string, commits ...string) {
	w.t.Helper()
	w.append(
		event.Change{
			Origin:     event.Origin{Source: "gh", Provider: "github", Scope: "acme/shop", ID: id},
			Repository: "acme/shop",
			CreatedAt:  epoch,
			MergedAt:   epoch.Add(90 * time.Minute),
			MergeSHA:   merge,
			HeadSHA:    head,
			CommitSHAs: commits,
		},
	)
}

func TestLinear(t *testing.T) {
	w := newWorld(t)
	names := map[string]string{}
	var c []string
	for i := range 7 {
		c = append(c, w.repo.commit("main.go"))
		names[c[i]] = fmt.Sprint("c", i)
	}
	w.deploy("d1", c[1])
	w.deploy("d2", c[3])
	w.deploy("d3", strings.ToUpper(c[4])) // some sources shout
	w.deploy("d4", c[6][:10])             // others are short
	w.deploy("d5", c[6])
	w.collect()
	w.want("delivered", w.delivered(names), "d2: c2 c3", "d3: c4", "d4: c5 c6")
	w.want("compared", w.compared(), "d1 baseline", "d2 known", "d3 known", "d4 known", "d5 known")
	w.want(
		"ledger",
		w.lines("SELECT concat(kind, ' ', toString(expected), ' ', toString(stored)) AS line FROM ledger"),
		"deployed_commits 5 5",
	)

	before, appended := w.everything(), w.appends
	w.collect()
	if w.asked != 0 || w.appends != appended {
		t.Errorf("nothing is new: %d exchanges with the server, %d events appended", w.asked, w.appends-appended)
	}
	w.want("the second time", w.everything(), before...)

	c = append(c, w.repo.commit("main.go"))
	names[c[7]] = "c7"
	w.deploy("d6", c[7])
	w.collect()
	w.want("a new one", w.delivered(names), "d2: c2 c3", "d3: c4", "d4: c5 c6", "d6: c7")
	if w.appends != appended+2 { // the deployment and the ledger
		t.Errorf("one new deployment appended %d events", w.appends-appended)
	}
}

func TestAnOlderDeploymentComesLate(t *testing.T) {
	w := newWorld(t)
	names := map[string]string{}
	var c []string
	for i := range 5 {
		c = append(c, w.repo.commit("main.go"))
		names[c[i]] = fmt.Sprint("c", i)
	}
	w.n = 1
	w.deploy("d2", c[2])
	w.deploy("d3", c[4])
	w.collect()
	w.want("newest first", w.delivered(names), "d3: c3 c4")
	w.n = 0
	w.deploy("d1", c[0])
	w.collect()
	w.want("with the history", w.delivered(names), "d2: c1 c2", "d3: c3 c4")
	w.want("compared", w.compared(), "d1 baseline", "d2 known", "d3 known")
}

func TestMergesSquashesAndRebases(t *testing.T) {
	w := newWorld(t)
	base := w.repo.commit("main.go")
	w.repo.git("switch", "--quiet", "-c", "merged")
	m1, m2 := w.repo.commit("m.go"), w.repo.commit("m.go")
	w.repo.git("switch", "--quiet", "-c", "stacked") // built upon the first
	stackedHead := w.repo.commit("s.go")
	w.repo.git("switch", "--quiet", "main")
	merge := w.repo.merge("merged")
	w.deploy("d1", base)
	w.deploy("d2", merge)
	squash := w.repo.commit("q.go")
	stackedMerge := w.repo.merge("stacked")
	w.deploy("d3", squash)
	w.deploy("d4", stackedMerge)
	w.change("merged", merge, m2, m1, m2)
	w.change("no merge commit known", "", m2, m2)
	w.change("squashed", squash, "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222")
	w.change("stacked", stackedMerge, stackedHead, m1, m2, stackedHead)
	w.change("elsewhere", "3333333333333333333333333333333333333333", "", "4444444444444444444444444444444444444444")
	w.change("some commit of it", "", "", m1)
	w.collect()
	w.want(
		"delivered",
		w.delivered(
			map[string]string{
				m1:           "m1",
				m2:           "m2",
				merge:        "merge",
				squash:       "squash",
				stackedHead:  "head",
				stackedMerge: "stacked",
			},
		),
		"d2: m1 m2 merge",
		"d3: squash",
		"d4: head stacked",
	)
	w.want(
		"changes",
		w.changes(),
		"shop merged d2 commit",
		"shop no merge commit known d2 commit",
		"shop some commit of it d2 commit",
		"shop squashed d3 commit",
		"shop stacked d4 commit",
	)
}

func TestWithoutHistoryChangesAreLinkedByTime(t *testing.T) {
	w := newWorld(t)
	a, b := w.repo.commit("a"), w.repo.commit("b")
	late := w.repo.commit("c")
	w.change("late", late, late, late) // merged between d1 and d2, but d2 does not hold it
	w.deploy("d1", a)
	w.deploy("d2", b)
	w.want("by time", w.changes(), "shop late d2 time")
	w.collect()
	w.want("by ancestry: it has not been deployed", w.changes())
	w.deploy("d3", "")
	w.collect()
	w.want("of a deployment without a commit nothing is known but its time", w.changes(), "shop late d3 time")
	w.deploy("d4", late)
	w.collect()
	w.want("its own", w.changes(), "shop late d4 commit")
	w.want("compared", w.compared(), "d1 baseline", "d2 known", "d3 unknown the deployment does not say which commit "+
		"it is of", "d4 known")
}

func TestRollbacks(t *testing.T) {
	w := newWorld(t)
	names := map[string]string{}
	var c []string
	for i := range 5 {
		c = append(c, w.repo.commit("main.go"))
		names[c[i]] = fmt.Sprint("c", i)
	}
	w.deploy("d1", c[0])
	w.deploy("d2", c[2])
	w.deploy("d3", c[1]) // an older version
	w.deploy("d4", c[2], func(d *event.Deployment) { d.RollbackOf = "d3" })
	w.deploy("d5", c[4])
	w.deploy("s1", c[4], func(d *event.Deployment) { d.Environment = "staging" })
	w.deploy("d6", c[4], func(d *event.Deployment) { d.Status = event.Failed })
	w.collect()
	w.want("delivered", w.delivered(names), "d2: c1 c2", "d5: c3 c4")
	w.want("compared", w.compared(), "d1 baseline", "d2 known", "d3 rollback", "d4 rollback", "d5 known", "s1 baseline")
}

func TestServicesThatShareARepository(t *testing.T) {
	w := newWorld(t)
	const pay, web = "component:default/pay", "component:default/web"
	w.bind(
		nil,
		[]row4{
			{"github", "acme/shop", "services/支付", pay},
			{"github", "acme/shop", "lib", pay},
			{"github", "acme/shop", "services/web", web},
			{"github", "acme/shop", "lib", web},
		},
	)
	of := func(service string) func(*event.Deployment) {
		return func(d *event.Deployment) {
			d.Source, d.Provider, d.Scope, d.Service = "ci", "jenkins", "deploy/"+service, service
		}
	}
	base := w.repo.commit("README.md", "services/支付/a", "services/web/a", "lib/a")
	payOnly := w.repo.commit("services/支付/a")
	webOnly := w.repo.commit("services/web/a", "services/website/a")
	neither := w.repo.commit("services/website/b")
	both := w.repo.commit("lib/a")
	w.repo.git("switch", "--quiet", "-c", "feature", base)
	f1 := w.repo.commit("services/web/f")
	catchUp := w.repo.merge("main") // merges pay's commits into the branch, but the branch is web's
	f2 := w.repo.commit("docs/f")
	w.repo.git("switch", "--quiet", "main")
	merge := w.repo.merge("feature")
	w.deploy("p1", base, of(pay))
	w.deploy("p2", merge, of(pay))
	w.deploy("w1", base, of(web))
	w.deploy("w2", merge, of(web))
	w.change("feature", merge, f2, f1, catchUp, f2)
	w.change("direct", payOnly, payOnly, payOnly)
	w.collect()
	names := map[string]string{
		payOnly: "payOnly",
		webOnly: "webOnly",
		neither: "neither",
		both:    "both",
		f1:      "f1",
		f2:      "f2",
		catchUp: "catchUp",
		merge:   "merge",
	}
	w.want("delivered", w.delivered(names), "p2: both payOnly", "w2: both f1 merge webOnly")
	w.want("changes", w.changes(), "pay direct p2 commit", "web feature w2 commit")

	w.bind(
		nil,
		[]row4{
			{"github", "acme/shop", "services/支付", pay},
			{"github", "acme/shop", "services/web", web},
			{"github", "acme/shop", "services/website", web},
		},
	)
	w.collect()
	w.want("other paths", w.delivered(names), "p2: payOnly", "w2: f1 merge neither webOnly")
	w.bind(nil, []row4{{"github", "acme/shop", "services/支付", pay}})
	w.collect()
	w.want(
		"the only service is not limited",
		w.delivered(names),
		"p2: both catchUp f1 f2 merge neither payOnly webOnly",
		"w2: f1 merge neither webOnly",
	)
}

func TestForcePush(t *testing.T) {
	w := newWorld(t)
	base, old := w.repo.commit("a"), w.repo.commit("b")
	w.deploy("d1", base)
	w.deploy("d2", old)
	w.collect()
	w.repo.git("reset", "--quiet", "--hard", base)
	fresh := w.repo.commit("c")
	w.repo.git("reflog", "expire", "--expire=now", "--all")
	w.repo.git("gc", "--quiet", "--prune=now")
	w.deploy("d3", fresh)
	const gone = "5555555555555555555555555555555555555555"
	w.deploy("d4", gone)
	w.deploy("d5", "v1.2.3")
	w.collect()
	names := map[string]string{old: "old", fresh: "fresh"}
	w.want("delivered", w.delivered(names), "d2: old", "d3: fresh")
	w.want("compared", w.compared(), "d1 baseline", "d2 known", "d3 known", "d4 unknown the repository does not have "+
		"it, or no longer hands it out",
		`d5 unknown "v1.2.3" is not a commit's whole id, nor the beginning of exactly one that the repository has`)
	w.want("ledger", w.lines("SELECT concat(toString(expected), ' ', toString(stored), ' ', note) AS line FROM ledger"),
		"5 3 2 commits that were deployed are not in the repository: pushed away, never pushed, or of another one; the "+
			"first: "+gone+" (the repository does not have it, or no longer hands it out)")
	w.collect()
	if w.asked != 1 {
		t.Errorf("with a commit missing %d exchanges, want the one that asks for the branches", w.asked)
	}

	before := w.everything()
	if err := os.RemoveAll(w.directory); err != nil {
		t.Fatal(err)
	}
	w.collect()
	w.want("what was known before the clone was lost", w.delivered(names), "d2: old", "d3: fresh")
	if after := w.everything(); len(after) != len(before) {
		t.Errorf("%d rows, there were %d", len(after), len(before))
	}
}

func TestACommitThatIsPushedLater(t *testing.T) {
	w := newWorld(t)
	base := w.repo.commit("a")
	laptop := &repo{t: t, dir: filepath.Join(t.TempDir(), "laptop"), tick: 100}
	w.repo.git("clone", "--quiet", ".", laptop.dir)
	local := laptop.commit("b")
	w.deploy("d1", base)
	w.deploy("d2", local)
	w.collect()
	w.want("not pushed", w.compared(), "d1 baseline", "d2 unknown the repository does not have it, or no longer hands "+
		"it out")
	laptop.git("push", "--quiet", "origin", "main:later")
	w.collect()
	w.want("pushed", w.compared(), "d1 baseline", "d2 known")
}

func TestACommitThatNoBranchHolds(t *testing.T) {
	w := newWorld(t)
	w.repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
	base := w.repo.commit("a")
	w.repo.git("switch", "--quiet", "--detach")
	loose := w.repo.commit("b")
	w.repo.git("switch", "--quiet", "main")
	w.deploy("d1", base)
	w.deploy("d2", loose)
	w.deploy("d3", "6666666666666666666666666666666666666666")
	w.collect()
	w.want("fetched by its id", w.delivered(map[string]string{loose: "loose"}), "d2: loose")
	w.want("compared", w.compared(), "d1 baseline", "d2 known", "d3 unknown the repository does not have it, or no "+
		"longer hands it out")
}

func TestInterruptedAtEveryWrite(t *testing.T) {
	w := newWorld(t)
	var c []string
	for range 4 {
		c = append(c, w.repo.commit("main.go"))
	}
	for i, sha := range c {
		w.deploy(fmt.Sprint("d", i), sha)
	}
	w.collect()
	want := w.everything()
	for at := 1; ; at++ {
		for _, after := range []bool{false, true} {
			other := newWorld(t)
			other.repo = w.repo
			for i, sha := range c {
				other.deploy(fmt.Sprint("d", i), sha)
			}
			b := &breaking{Store: other.db, at: at, after: after}
			err := other.collectInto(t.Context(), b)
			if err == nil {
				if at < 3 {
					t.Fatalf("only %d writes", at-1)
				}
				return
			}
			if !strings.Contains(err.Error(), errKilled.Error()) {
				t.Fatal(err)
			}
			other.collect()
			other.want(fmt.Sprintf("killed at write %d, after it: %t", at, after), other.everything(), want...)
		}
	}
}

func TestTheCloneHoldsNoFileContents(t *testing.T) {
	w := newWorld(t)
	w.repo.commit("big")
	c := w.repo.commit("small", "big")
	w.repo.git("tag", "-a", "-m", "a tag of a file", "odd", w.repo.git("rev-parse", "HEAD~1:big"))
	w.deploy("d1", c)
	w.collect()
	found, err := filepath.Glob(filepath.Join(w.directory, "history", "*.git"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	w.want("compared", w.compared(), "d1 baseline")
	// A tool that is told to fetch nothing must not find the file.
	text := w.repo.git("--git-dir", found[0], "rev-list", "--objects", "--missing=print", "--branches")
	if !strings.Contains(text, "?"+w.repo.git("rev-parse", "HEAD:big")) {
		t.Errorf("the clone holds the file: %s", text)
	}
	if names, err := os.ReadDir(found[0]); err != nil ||
		slices.ContainsFunc(names, func(e os.DirEntry) bool { return e.Name() == "hooks" }) {
		t.Errorf("the clone has hooks, or cannot be read: %v", err)
	}
}

func TestAfterAGitThatWasKilled(t *testing.T) {
	w := newWorld(t)
	a := w.repo.commit("a")
	w.deploy("d1", a)
	w.collect()
	found, err := filepath.Glob(filepath.Join(w.directory, "history", "*.git"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	// What a git leaves behind that was killed while it fetched.
	for _, name := range []string{"packed-refs.lock", "config.lock", "shallow.lock", "refs/heads/main.lock", "objects/pack/tmp_pack_x1"} {
		if err := os.WriteFile(filepath.Join(found[0], name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := w.repo.commit("b")
	w.deploy("d2", b)
	w.collect()
	w.want("delivered", w.delivered(map[string]string{b: "b"}), "d2: b")

	// And one that was killed before it had fetched anything.
	if err := os.RemoveAll(w.directory); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(found[0], 0o700); err != nil {
		t.Fatal(err)
	}
	c := w.repo.commit("c")
	w.deploy("d3", c)
	w.collect()
	w.want("made anew", w.delivered(map[string]string{b: "b", c: "c"}), "d2: b", "d3: c")
}
