package scorecards

import (
	"testing"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
)

func BenchmarkGradeService(b *testing.B) {
	e, facts := benchmarkEngine(b)
	entity := testEntity()
	b.ReportAllocs()
	for b.Loop() {
		e.Grade(entity, facts)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/40, "ns/rule")
}

// BenchmarkGradeCatalog grades 5,000 services by the forty rules, with reasons, on every core.
func BenchmarkGradeCatalog(b *testing.B) {
	e, facts := benchmarkEngine(b)
	entities := make([]descriptor.Entity, 5_000)
	for i := range entities {
		entities[i] = testEntity()
	}
	b.ReportAllocs()
	for b.Loop() {
		e.gradeAll(entities, func(int) map[string]event.Fact { return facts })
	}
}

// BenchmarkEvaluate evaluates the forty rules without reasons, on one core.
func BenchmarkEvaluate(b *testing.B) {
	e, facts := benchmarkEngine(b)
	type question struct {
		s *subject
		r *compiledRule
	}
	var questions []question
	for _, c := range e.cards {
		s := newSubject(testEntity(), testNow)
		s.use(c, facts, nil)
		for i := range c.rules {
			if c.rules[i].expr != nil {
				questions = append(questions, question{s, &c.rules[i]})
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, q := range questions {
			if v, err := q.s.eval(q.r, q.r.expr); err != nil || v == nil {
				b.Fatal(v, err)
			}
		}
	}
	b.ReportMetric(float64(b.N*len(questions))/b.Elapsed().Seconds(), "evaluations/s")
}

func benchmarkEngine(b *testing.B) (*Engine, map[string]event.Fact) {
	b.Helper()
	cards, err := Load(Config{}, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	e, err := New(cards, clock)
	if err != nil {
		b.Fatal(err)
	}
	return e, benchmarkFacts()
}
