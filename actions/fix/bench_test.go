package fix

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// BenchmarkPlan plans for a checkout of 10,000 files, of which 40 are workflows and manifests to patch, after it was
// read.
func BenchmarkPlan(b *testing.B) {
	dir := b.TempDir()
	write := func(name, content string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	write("catalog-info.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: pay}\nspec: {type: service}\n")
	write("go.mod", "module example.com/pay\n\nrequire example.com/x v1.0.0\n")
	for i := range 20 {
		write(fmt.Sprintf(".github/workflows/w%d.yml", i), "on: pull_request\njobs:\n  test:\n    runs-on: ubuntu-latest\n"+
			"    steps:\n      - uses: actions/checkout@v4\n      - run: echo \"${{ github.head_ref }}\"\n")
		write(fmt.Sprintf("deploy/w%d.yaml", i), fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w%d}\n"+
			"spec:\n  selector: {matchLabels: {app: w}}\n  template:\n    metadata: {labels: {app: w}}\n    spec:\n"+
			"      containers:\n        - {name: w, image: w:1.0.0}\n", i))
	}
	for i := range 9_958 {
		write(fmt.Sprintf("internal/p%d/f%d.go", i/50, i), "package p\n\nfunc f() int { return 1 }\n")
	}
	write("internal/p0/f_test.go", "package p\n")
	set, err := scorecards.Load(scorecards.Config{}, dir)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	engine, err := scorecards.New(set, func() time.Time { return now })
	if err != nil {
		b.Fatal(err)
	}
	all, err := paths.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	open, err := checkout.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer open.Close()
	for b.Loop() {
		b.StopTimer()
		files := newOverlay(open.FS())
		facts, err := repository.Read(b.Context(), files, repository.Options{})
		if err != nil {
			b.Fatal(err)
		}
		r := &repo{open: open, files: files, facts: facts, root: dir, dir: "."}
		r.readCode()
		b.StartTimer()
		p, err := planOf(b.Context(), Options{Engine: engine, Paths: all, GoldenPath: "go-service", Now: now}, r)
		if err != nil || len(p.Files) < 20 {
			b.Fatalf("%v, %d files", err, len(p.Files))
		}
	}
}
