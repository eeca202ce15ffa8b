package disclosure_test

import (
	"testing"

	"github.com/dxctl/dxctl/surveys/disclosure"
)

// BenchmarkDecide is a quarter of 5,000 people in 400 teams with 40 questions.
func BenchmarkDecide(b *testing.B) {
	a := organization(1, 5000, 400, 40)
	for b.Loop() {
		d := disclosure.Decide(a)
		cells := 0
		for q := range a.Questions {
			cells += len(d.Groups) - len(d.Hidden[q])
		}
		b.ReportMetric(float64(cells), "cells")
		b.ReportMetric(float64(len(d.Groups)), "groups")
		b.ReportMetric(float64(d.Complementary), "complementary")
	}
}
