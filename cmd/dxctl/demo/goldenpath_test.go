package demo

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/scorecards/paths/pathcheck"
)

// TestGoldenPath: the organization has a golden path without mistakes, and the service that was born on it passes every
// rule that files decide and can be rendered again from what its lock file records.
func TestGoldenPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := Generate(testNow).Write(dir); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	p, err := paths.Find(ctx, GoldenPath, paths.Config{Sources: []paths.Source{{Dir: "golden-paths"}}}, dir)
	if err != nil {
		t.Fatal(err)
	}
	cards, err := scorecards.Load(scorecards.Config{}, "")
	if err != nil {
		t.Fatal(err)
	}
	found, err := pathcheck.Lint(ctx, p, pathcheck.Options{Scorecards: cards})
	if err != nil || len(found.Errors)+len(found.Warnings) > 0 {
		t.Errorf("%v %v %v", found.Errors, found.Warnings, err)
	}
	born := os.DirFS(filepath.Join(dir, "repositories", Born))
	lock, err := pathlock.Read(born)
	if err != nil {
		t.Fatal(err)
	}
	if lock.Path.Name != GoldenPath || lock.Path.Digest != p.Digest || lock.Answers["service_name"] != Born {
		t.Errorf("lock %+v", lock.Path)
	}
	tree, err := p.Render(lock.Answers, paths.DefaultsOf(lock.Defaults))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tree {
		if lock.Files[f.Path].Hash != pathlock.Hash(f.Content) {
			t.Errorf("%s is rendered otherwise the second time", f.Path)
		}
	}
	set, err := pathcheck.Set(p, cards)
	if err != nil {
		t.Fatal(err)
	}
	verdicts, err := pathcheck.Grade(ctx, tree, lock, set, testNow.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for i := range verdicts {
		if v := &verdicts[i]; v.Wrong() != "" && v.Outcome != event.Warn {
			t.Error(v.Wrong())
		}
	}
	info, err := os.Stat(filepath.Join(dir, "repositories", Born, "deploy/deploy.sh"))
	if err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("the script cannot be run: %v, %v", info, err)
	}
}
