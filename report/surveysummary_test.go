package report

import (
	"strings"
	"testing"
	"time"
)

// TestSummaryIsSafeAsMarkdown: what a survey's author wrote is no markup, mentions nobody and begins no line.
func TestSummaryIsSafeAsMarkdown(t *testing.T) {
	score := 42.0
	number := SurveyNumber{Measure: SurveyItems, Item: "k", Text: "<b>*Builds*</b>\n# [x](y) @all |", Score: SurveyEstimate{Value: &score}}
	change := number
	change.Change = &SurveyChange{Difference: 9, BeyondNoise: true}
	day := time.Date(2026, 9, 28, 0, 0, 0, 0, time.UTC)
	s := SurveySummary{
		Survey: Survey{Title: "Q3\n<script>", FirstDay: day.AddDate(0, 0, -14), LastDay: day.AddDate(0, 0, -1)}, Before: "2026-Q2",
		Everyone: SurveyRow{Answers: 20, People: 40, ResponseRate: &[]float64{0.5}[0], Numbers: []SurveyNumber{number}},
		Highest:  []SurveyNumber{number}, Changed: []SurveyNumber{change},
		Hurts: []SurveyHurt{{Text: number.Text, All: RuleShare{1, 4}, Rule: LinkedRule{Title: "CI `fast`", Patched: true}}},
		Done: []SurveyDone{
			{Text: "Docs", Rule: LinkedRule{Title: "README"}, Began: []string{"a", "b"}, Fixes: []DoneFix{{}, {}}, Merged: 1},
			{Text: "Nothing was done"},
		},
	}
	item := `&lt;b&gt;\*Builds\*&lt;/b&gt; \# \[x\](y) &#64;all \|`
	want := "# Q3 &lt;script&gt;\n\n20 of 40 (50 %) people answered from 14 Sep 2026 to 27 Sep 2026.\n" +
		"\nHighest:\n\n- " + item + ": 42 of 100\n" +
		"\nChanged beyond noise since 2026-Q2:\n\n- " + item + ": 42 of 100, +9.0 (beyond noise)\n" +
		"\nWhat to fix: low for everyone or in a team, where a rule that addresses it fails\n\n- " + item +
		": 1 of 4 services pass “CI \\`fast\\`”; dxctl fix proposes the change\n" +
		"\nWhat was done since:\n\n- Docs: 2 services came to pass “README” since the survey; 2 pull requests of fixes, 1 merged\n" +
		"\nResults are of groups of at least 5 answers; no name and no address is kept.\n"
	if got := s.Markdown(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if text := s.Text(strings.ToUpper); !strings.HasPrefix(text, "Q3\n<SCRIPT>\n\n20 of 40") || !strings.Contains(text, "  - DOCS: 2") {
		t.Errorf("as text:\n%s", text)
	}
}

func TestPValueText(t *testing.T) {
	for p, want := range map[float64]string{0: "< 0.001", 0.0009: "< 0.001", 0.001: "0.001", 0.0456: "0.046", 0.05: "0.050", 1: "1.000"} {
		if got := PValueText(p); got != want {
			t.Errorf("%v: %q, want %q", p, got, want)
		}
	}
}

// The numbers of a column have as many decimals.
func TestSurveyNumbersHaveTheirDecimals(t *testing.T) {
	if got := (SurveyCorrelation{Rho: 0.7, Low: -0.001, High: 0.891}).Strength(); got != "0.70 (0.00 to 0.89)" {
		t.Error(got)
	}
	four, low, high := 4.0, 3.9, 4.104
	if got := EstimateText(SurveyEstimate{Value: &four, Low: &low, High: &high}, 2); got != "4.00 (3.90 to 4.10)" {
		t.Error(got)
	}
	for d, want := range map[float64]string{8: "+8.0", -2.44: "-2.4", -0.04: "+0.0", 0: "+0.0"} {
		if got := ChangeText(&SurveyChange{Difference: d}); got != want+" (within noise)" {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// TestDoneUntil: of two surveys that overlap the next one begins when the first one ends.
func TestDoneUntil(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 9, n, 0, 0, 0, 0, time.UTC) }
	for opens, want := range map[int]int{10: 14, 14: 14, 20: 20} {
		if got := doneUntil(Survey{Closes: day(14)}, Survey{Opens: day(opens)}); !got.Equal(day(want)) {
			t.Errorf("the next one opens on %d: %s", opens, got)
		}
	}
}

func TestShortFix(t *testing.T) {
	for fix, want := range map[string]string{
		"": "", "Cache it": "Cache it", "Cache it. Then\n\n  {\"a\": 1}": "Cache it.",
		"Slow: open the runs.": "Slow: open the runs.", "Add the file .nvmrc to it. Done.": "Add the file .nvmrc to it.",
	} {
		if got := (LinkedRule{Fix: fix}).ShortFix(); got != want {
			t.Errorf("%q: %q, want %q", fix, got, want)
		}
	}
}
