package plan_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/plan"
	"github.com/dxctl/dxctl/scorecards/replay"
	"github.com/dxctl/dxctl/store/storetest"
)

// BenchmarkPlan plans a change of the expressions of the forty rules for 5,000 services: on the present facts, and on
// each of the last 90 days. MB is what is in use after each part, with the history of the facts.
func BenchmarkPlan(b *testing.B) {
	const count, weeks = 5_000, 13
	cat := services(b, count)
	s := storetest.Open(b)
	if err := cat.Sync(b.Context(), s); err != nil {
		b.Fatal(err)
	}
	base, err := scorecards.Load(scorecards.Config{}, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	// Each condition gets one more part, so that every rule is another one and is evaluated twice.
	var files []scorecards.File
	err = fs.WalkDir(scorecards.Builtin(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "/scorecard.yaml") {
			return err
		}
		data, err := fs.ReadFile(scorecards.Builtin(), name)
		files = append(files, scorecards.File{Name: name, Data: widened(data)})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	edited, _ := base.With(files)
	if err := edited.Err(); err != nil {
		b.Fatal(err)
	}
	engine := func(set scorecards.Set) *scorecards.Engine {
		e, err := scorecards.New(set, nil)
		if err != nil {
			b.Fatal(err)
		}
		return e
	}
	before, after := engine(base), engine(edited)
	types := map[string]event.FactType{}
	for _, d := range facts.Catalog() {
		types[d.Name] = d.Type
	}
	names := before.TrackedFacts()
	kinds := make([]string, len(names))
	for i, name := range names {
		kinds[i] = string(types[name])
	}
	to := time.Now().UTC().Truncate(24 * time.Hour)
	storetest.FillHistory(b, s, count, weeks, names, kinds, to)
	history, err := replay.Load(b.Context(), s, cat, replay.Days{From: to, To: to}, before)
	if err != nil {
		b.Fatal(err)
	}
	factsOf := func(e descriptor.Entity) map[string]event.Fact { return history.FactsAt(e.Ref, to) }
	debug.FreeOSMemory()
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		p := plan.Compare(cat, before, after, factsOf, to)
		present := time.Since(began)
		b.ReportMetric(present.Seconds(), "s-present")
		b.ReportMetric(live(), "MB-present")
		began = time.Now()
		if err := p.AddPast(b.Context(), s, cat, before, after, replay.Days{From: to.AddDate(0, 0, -90), To: to}); err != nil {
			b.Fatal(err)
		}
		if p.Entities < count || p.Past.Days != 90 {
			b.Fatal(p.Entities, p.Past.Days)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s-past")
		b.ReportMetric(live(), "MB-past")
		runtime.KeepAlive(p)
	}
}

var exprPattern = regexp.MustCompile(`(?m)^( +)expr: (>-|\|)?`)

// widened adds a part that is always true to every expression of a scorecard.
func widened(data []byte) []byte {
	return exprPattern.ReplaceAllFunc(data, func(m []byte) []byte {
		if bytes.HasSuffix(m, []byte("expr: ")) {
			return slices.Concat(m, []byte("true && "))
		}
		indent := len(m) - len(bytes.TrimLeft(m, " "))
		return fmt.Appendf(slices.Clip(m), "\n%s  true &&", strings.Repeat(" ", indent))
	})
}

// live returns how much memory the objects take that are in use, in MB.
func live() float64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return float64(sample[0].Value.Uint64()) / 1e6
}
